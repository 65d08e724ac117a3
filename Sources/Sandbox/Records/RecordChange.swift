import ChangeEvents
import Store

/// What a transaction did to one record, however often it touched it: the state before the transaction and the state
/// now.
struct RecordChange: Sendable {
    let object: ObjectDefinition
    let id: RecordID
    /// Nil: the record came into being in this transaction.
    var before: StoredRecord?
    var after: StoredRecord

    /// Nil where nothing remains to be told: created and deleted at once.
    var changeType: ChangeType? {
        switch (before.map { !$0.isDeleted } ?? false, !after.isDeleted) {
        case (false, true): before == nil ? .create : .undelete
        case (true, true): .update
        case (true, false): .delete
        case (false, false): nil
        }
    }
}
