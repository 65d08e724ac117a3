public import ChangeEvents

/// A row of the table of gaps: what was missed, why, and when it was mended. `docs/store.md` has the columns.
///
/// A `Gap` tells readers of the log that it has a hole. An entry is for people, and for whoever mends: it also stands for
/// events that say too little (`GAP_UPDATE`), which are no hole. What of an entry is still in doubt, the store keeps beside it
/// (`StoreWriter.doubt`): when nothing is any more, it is mended.
public struct GapEntry: Sendable, Hashable, Codable, Identifiable {
    /// What was missed.
    public enum Scope: String, Sendable, Hashable, Codable {
        /// Values of the records that are named.
        case records
        /// Any record of the object.
        case object
        /// Any event of the topic.
        case topic
    }

    /// How it is mended, or was.
    public enum Mend: String, Sendable, Hashable, Codable {
        /// The records are read again by their ids.
        case refetch
        /// The object's rows are read again: `snapshots`.
        case snapshot
        /// A later event brought everything.
        case event
        /// Nothing was lost: the event says all there is to know (`GAP_DELETE`).
        case notNeeded = "not needed"
        /// No table here holds what was missed; listeners were told. Such an entry is never open.
        case nobody
    }

    /// Increasing, never given twice: the store's.
    public var id: Int64
    /// Milliseconds since 1970, by our clock.
    public var declaredAt: Int64
    public var topic: String
    /// API name; nil: whatever the topic brings.
    public var entity: String?
    /// The change type of a gap event, a word of the twin's (`overflow`), or what the event bus said.
    public var reason: String
    public var scope: Scope
    /// Of the event that says so; else the head of the log: events are missing behind it.
    public var position: Position
    /// For people. Of the event that says so; else the last that was received.
    public var replayID: String?
    /// What was committed in this time may have been missed: milliseconds since 1970, by the org's clock; nil: not known.
    public var missedFrom: Int64?
    public var missedUntil: Int64?
    /// Records that the event names.
    public var recordCount: Int
    /// The first of them, `recordIDsMax` at most.
    public var recordIDs: [String]
    public var mend: Mend
    /// Numbers of the snapshots that mend it, or did.
    public var snapshots: [Int]
    /// Milliseconds since 1970, by our clock; nil: not yet.
    public var mendedAt: Int64?

    public static let recordIDsMax = 200

    public var isOpen: Bool { mendedAt == nil && mend != .nobody }

    public init(
        topic: String, entity: String?, reason: String, scope: Scope, position: Position, replayID: ReplayID?,
        missed: (from: Int64?, until: Int64?), records: [RecordID], mend: Mend, declaredAt: Int64
    ) {
        id = 0
        self.declaredAt = declaredAt
        self.topic = topic
        self.entity = entity
        self.reason = reason
        self.scope = scope
        self.position = position
        self.replayID = replayID.map { "\($0)" }
        (missedFrom, missedUntil) = missed
        recordCount = records.count
        recordIDs = records.prefix(Self.recordIDsMax).map(\.string)
        self.mend = mend
        snapshots = []
    }
}

/// Which entries a reader wants.
public enum GapSelection: Sendable, Hashable {
    case all
    case open
    /// Mended, or nobody's to mend.
    case closed
}

// How an entry stands in a row, the same in both engines.

extension GapEntry {
    /// Beside `id` and `checksum`.
    static let columns: [(name: String, isText: Bool)] = [
        ("declared_at", false), ("topic", true), ("entity", true), ("reason", true), ("scope", true),
        ("position", false), ("replay_id", true), ("missed_from", false), ("missed_until", false),
        ("record_count", false), ("record_ids", true), ("mend", true), ("snapshots", true), ("mended_at", false),
    ]

    static let columnList = columns.map(\.name).joined(separator: ", ")

    /// In the order of `columns`; texts, integers and nulls.
    var values: [FieldValue] {
        func text(_ text: String?) -> FieldValue { text.map { .string($0) } ?? .null }
        func number(_ number: Int64?) -> FieldValue { number.map { .integer($0) } ?? .null }
        return [
            number(declaredAt), text(topic), text(entity), text(reason), text(scope.rawValue),
            number(position.rawValue), text(replayID), number(missedFrom), number(missedUntil),
            number(Int64(recordCount)), text(recordIDs.joined(separator: " ")), text(mend.rawValue),
            text(snapshots.map { "\($0)" }.joined(separator: " ")), number(mendedAt),
        ]
    }

    /// Nil where the values are none that were written.
    init?(id: Int64, values: [FieldValue]) {
        func text(_ index: Int) -> String? { if case .string(let text) = values[index] { text } else { nil } }
        func number(_ index: Int) -> Int64? { if case .integer(let number) = values[index] { number } else { nil } }
        guard values.count == Self.columns.count, let declaredAt = number(0), let topic = text(1), let reason = text(3),
            let scope = text(4).flatMap({ Scope(rawValue: $0) }), let position = number(5), let count = number(9),
            let records = text(10), let mend = text(11).flatMap({ Mend(rawValue: $0) }), let snapshots = text(12)
        else { return nil }
        self.id = id
        self.declaredAt = declaredAt
        self.topic = topic
        entity = text(2)
        self.reason = reason
        self.scope = scope
        self.position = Position(rawValue: position)
        replayID = text(6)
        missedFrom = number(7)
        missedUntil = number(8)
        recordCount = Int(count)
        recordIDs = records.split(separator: " ").map(String.init)
        self.mend = mend
        self.snapshots = snapshots.split(separator: " ").compactMap { Int($0) }
        mendedAt = number(13)
    }
}
