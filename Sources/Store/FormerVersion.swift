public import ChangeEvents

/// What a record was until something else took its place: a row of its object's history table (`docs/store.md`).
public struct FormerVersion: Sendable, Hashable {
    public var id: RecordID
    /// From when until when it stood, by the org's commits: milliseconds since 1970.
    public var validFrom: Int64
    public var validTo: Int64
    /// It was a deleted record.
    public var isDeleted: Bool
    /// Every field was known.
    public var isComplete: Bool
    /// What ended it: the change type of an event, or one of the constants below.
    public var change: String
    /// Id of the user who made that change; nil: not known.
    public var commitUser: String?
    /// Of the event that ended it; nil: none did.
    public var position: Position?
    /// A JSON object: by the name of each field that changed, an object with `old` and `new`, each where it is known.
    public var changes: String
    /// A JSON object: the fields that were known.
    public var record: String

    public init(
        id: RecordID, validFrom: Int64, validTo: Int64, isDeleted: Bool, isComplete: Bool, change: String,
        commitUser: String?, position: Position?, changes: String, record: String
    ) {
        self.id = id
        self.validFrom = Self.times.clamped(validFrom)
        self.validTo = Self.times.clamped(max(validFrom, validTo))
        self.isDeleted = isDeleted
        self.isComplete = isComplete
        self.change = change
        self.commitUser = commitUser
        self.position = position
        self.changes = changes
        self.record = record
    }

    /// The org was read, and had something else; no event has told of it.
    public static let read = "READ"
    /// The org was read, and has the record no more, not even in its recycle bin.
    public static let gone = "GONE"

    /// Up to the year 9999: what an event says may be anything, and every engine's time holds this.
    private static let times: ClosedRange<Int64> = 0...253_402_300_799_999

    /// The columns, but for the row's own number.
    static let columns = [
        "sfid", "valid_from", "valid_to", "isdeleted", "is_complete", "change", "commit_user", "position", "changes",
        "record",
    ]
}

extension ClosedRange<Int64> {
    fileprivate func clamped(_ value: Int64) -> Int64 { Swift.min(Swift.max(value, lowerBound), upperBound) }
}
