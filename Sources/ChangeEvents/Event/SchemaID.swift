/// The id of an Avro schema as Salesforce makes it: base64url without padding of the MD5 of the schema's parsing canonical
/// form, always 22 characters. Immutable: an id names one schema for ever.
public struct SchemaID: Hashable, Sendable, CustomStringConvertible {
    public let string: String

    public init(_ string: some StringProtocol) {
        self.string = String(string)
    }

    public var description: String { string }
}
