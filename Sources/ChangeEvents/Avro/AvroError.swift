/// Why bytes, a schema or a value could not be read or written. The error of every throwing call of this module that
/// deals with Avro.
///
/// Never holds payload bytes or field values: it is safe to log.
public struct AvroError: Error, Sendable, Hashable {
    /// What kind of failure it is; more may be added.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable { case schema, payload, bitmap, value, limit }
        private let kind: Kind

        /// The schema text is not a schema this module can use.
        public static let malformedSchema = Code(kind: .schema)
        /// The bytes are not an encoding of the schema: truncated, out of range, not UTF-8, too long.
        public static let malformedPayload = Code(kind: .payload)
        /// A bitmap is not in its notation, or names a field that the schema does not have.
        public static let malformedBitmap = Code(kind: .bitmap)
        /// A value does not fit the type of its field.
        public static let unencodableValue = Code(kind: .value)
        /// A bound of this module (depth, size, work) was reached.
        public static let limitExceeded = Code(kind: .limit)

        public var description: String { kind.rawValue }
    }

    public var code: Code
    /// A sentence for a person.
    public var message: String
    /// Offset in the payload, or in the schema text, when it concerns one.
    public var offset: Int?
    /// `ChangeEventHeader.recordIds[3]`, when it concerns a field.
    public var path: String?

    public init(code: Code, message: String, offset: Int? = nil, path: String? = nil) {
        self.code = code
        self.message = message
        self.offset = offset
        self.path = path
    }
}

extension AvroError: CustomStringConvertible {
    public var description: String {
        var text = message
        if let path { text += " at \(path)" }
        if let offset { text += " (byte \(offset))" }
        return text
    }
}
