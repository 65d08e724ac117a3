/// The kind of a change. Raw values are the symbols of the Avro enum `ChangeType`.
public enum ChangeType: String, Hashable, Sendable, CaseIterable {
    case create = "CREATE"
    case update = "UPDATE"
    case delete = "DELETE"
    case undelete = "UNDELETE"
    case gapCreate = "GAP_CREATE"
    case gapUpdate = "GAP_UPDATE"
    case gapDelete = "GAP_DELETE"
    case gapUndelete = "GAP_UNDELETE"
    /// More than 100,000 changes in a transaction: the rest of the entity's changes, without record ids.
    case gapOverflow = "GAP_OVERFLOW"
    /// Reserved by Salesforce; in schemas since 2026, not yet seen in an event.
    case snapshot = "SNAPSHOT"

    /// True where the event carries no values and the record must be read from the org.
    public var isGap: Bool {
        switch self {
        case .gapCreate, .gapUpdate, .gapDelete, .gapUndelete, .gapOverflow: true
        case .create, .update, .delete, .undelete, .snapshot: false
        }
    }
}

/// `ChangeEventHeader`, field 0 of every change event.
public struct ChangeEventHeader: Hashable, Sendable {
    public var entityName: String
    /// As sent: 18-character ids; several when merged; `001*` for a mass field conversion; `000000000000000AAA` for overflow.
    public var recordIDs: [String]
    public var changeType: ChangeType
    public var changeOrigin: String
    public var transactionKey: String
    public var sequenceNumber: Int32
    /// Milliseconds since 1970.
    public var commitTimestamp: Int64
    /// Exceeds 2^53: never a double.
    public var commitNumber: Int64
    public var commitUser: String
    /// Bitmaps as sent (`0x…`, `6-0x01`). `EventSchema` expands them.
    public var nulledFields: [String]
    public var diffFields: [String]
    public var changedFields: [String]

    public init(
        entityName: String, recordIDs: [String], changeType: ChangeType, changeOrigin: String, transactionKey: String,
        sequenceNumber: Int32, commitTimestamp: Int64, commitNumber: Int64, commitUser: String,
        nulledFields: [String] = [], diffFields: [String] = [], changedFields: [String] = []
    ) {
        self.entityName = entityName
        self.recordIDs = recordIDs
        self.changeType = changeType
        self.changeOrigin = changeOrigin
        self.transactionKey = transactionKey
        self.sequenceNumber = sequenceNumber
        self.commitTimestamp = commitTimestamp
        self.commitNumber = commitNumber
        self.commitUser = commitUser
        self.nulledFields = nulledFields
        self.diffFields = diffFields
        self.changedFields = changedFields
    }
}

extension ChangeEventHeader {
    /// The name of an object's change event: `CaseChangeEvent`, `Employee__ChangeEvent` (of `Employee__c`). It names the
    /// record of the event's schema and, behind `/data/`, its topic.
    public static func eventName(ofEntity entity: String) -> String {
        (entity.hasSuffix("__c") ? String(entity.dropLast(1)) : entity) + "ChangeEvent"
    }
}
