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
    /// How often the org is asked for what has changed, besides or instead of its events; nil: never.
    public var poll: Duration?
    /// How often the formulas are read, whose changes make no events; nil: when a record is read for another reason.
    public var refreshFormulas: Duration?

    /// Whether it is kept what its records were; nil: it is not.
    public var history: History?

    public init(
        name: String, fields: Fields, topics: Set<String>, poll: Duration? = nil, refreshFormulas: Duration? = nil,
        history: History? = nil
    ) {
        self.name = name
        self.fields = fields
        self.topics = topics
        self.poll = poll
        self.refreshFormulas = refreshFormulas
        self.history = history
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
