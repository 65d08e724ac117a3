/// An object of which the store has a table that is kept whole.
public struct ReplicatedObject: Sendable, Hashable {
    public enum Fields: Sendable, Hashable {
        /// Everything that the org's description names and a table can have.
        case all
        /// API names. Some come besides (`ReplicatedObject.always`).
        case named([String])
    }

    /// API name.
    public var name: String
    public var fields: Fields
    /// Topics that bring its changes.
    public var topics: Set<String>

    public init(name: String, fields: Fields, topics: Set<String>) {
        self.name = name
        self.fields = fields
        self.topics = topics
    }

    /// Columns that every table has, so far as the object has the field; the mark of a deleted record comes besides.
    public static let always = ["CreatedDate", "LastModifiedDate", "SystemModstamp"]

    /// Fields of events that are kept; nil: all.
    public var keptFields: Set<String>? {
        switch fields {
        case .all: nil
        case .named(let names): Set(names + Self.always)
        }
    }
}
