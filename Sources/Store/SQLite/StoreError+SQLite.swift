import GRDB
import GRDBSQLite

/// The border to SQLite: its errors become ours here and nowhere else.
extension StoreError {
    /// What GRDB threw. A `StoreError` passes unchanged.
    init(sqlite error: any Error) {
        if let error = error as? StoreError {
            self = error
        } else if let error = error as? DatabaseError {
            self.init(code: error.extendedResultCode.rawValue, message: error.message ?? "", cause: error)
        } else {
            self.init(code: .database, message: "\(error)", cause: error)
        }
    }

    /// A result code of SQLite, primary or extended.
    init(code: Int32, message: String, cause: (any Error)? = nil) {
        let kind: Code
        let meaning: String
        switch code & 0xFF {
        case SQLITE_FULL:
            (kind, meaning) = (.full, "no room left for the database")
        case SQLITE_IOERR where code == Self.ioErrorSharedMemorySize:
            // The -shm file could not be made larger: in practice the disk is full as well.
            (kind, meaning) = (.full, "no room left for the database's shared memory file")
        case SQLITE_READONLY:
            (kind, meaning) = (.unwritable, Self.unwritable)
        case SQLITE_IOERR where code == Self.ioErrorWrite:
            (kind, meaning) = (.unwritable, Self.unwritable)
        case SQLITE_BUSY, SQLITE_LOCKED:
            (kind, meaning) = (.busy, "another connection holds the database")
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            (kind, meaning) = (.corrupt, "the database file is damaged or no SQLite database")
        case SQLITE_MISUSE where message.contains("closed"):
            (kind, meaning) = (.closed, "the store is closed")
        default:
            (kind, meaning) = (.database, "SQLite failed")
        }
        self.init(code: kind, message: "\(meaning): \(message) (SQLite code \(code))", cause: cause)
    }

    /// `SQLITE_IOERR_SHMSIZE` and `SQLITE_IOERR_WRITE`, macros that Swift does not see. After a failed write the transaction has not
    /// happened, and may be tried again; a failed flush says nothing of what was written before it, and is not.
    private static let ioErrorSharedMemorySize: Int32 = SQLITE_IOERR | (19 << 8)
    private static let ioErrorWrite: Int32 = SQLITE_IOERR | (3 << 8)
    private static let unwritable = "the database's file cannot be written to"

    static func corruptEvent(_ position: Int64, _ message: String) -> StoreError {
        StoreError(
            code: .corrupt, message: "the event at position \(position) of the log is damaged: \(message)",
            position: Position(rawValue: position))
    }

    static func corruptRecord(_ entity: String, _ id: String, _ message: String) -> StoreError {
        StoreError(code: .corrupt, message: "the stored record \(entity) \(id) is damaged: \(message)")
    }

    static let closedStore = StoreError(code: .closed, message: "the store is closed")
}
