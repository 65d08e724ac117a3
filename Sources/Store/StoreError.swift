/// Why the store did not do what it was asked. Nothing has changed in the database when one is thrown, but for `.outcomeUnknown`.
public struct StoreError: Error, Sendable {
    public struct Code: Hashable, Sendable {
        enum Value {
            case corrupt, full, unwritable, busy, superseded, closed, timedOut, disconnected, outcomeUnknown, database
        }
        let value: Value
        /// What was read does not match its checksum, length or order.
        public static let corrupt = Code(value: .corrupt)
        /// The disk, or the quota on it, is full. Trimming may help; nothing that was acknowledged is lost.
        public static let full = Code(value: .full)
        /// The database can be read and not be written to: a disk that has become read-only, a server that is a standby.
        public static let unwritable = Code(value: .unwritable)
        /// Another process (or another store of this process) holds the database.
        public static let busy = Code(value: .busy)
        /// Another process has become the writer while this one had lost its session: this one writes no more.
        public static let superseded = Code(value: .superseded)
        public static let closed = Code(value: .closed)
        /// The read took longer than it may.
        public static let timedOut = Code(value: .timedOut)
        /// The database's server cannot be reached, or the connection to it was lost before the commit. The next call tries again.
        public static let disconnected = Code(value: .disconnected)
        /// The one error after which a transaction may have happened: the connection was lost while it committed, and the server
        /// could not be asked in time.
        public static let outcomeUnknown = Code(value: .outcomeUnknown)
        /// Everything else that the engine reports; see `message`.
        public static let database = Code(value: .database)

        /// Whether the same call may be answered later.
        public var isPassing: Bool {
            switch value {
            case .full, .unwritable, .busy, .timedOut, .disconnected, .outcomeUnknown: true
            case .corrupt, .superseded, .closed, .database: false
            }
        }
    }
    public var code: Code
    /// For a person who can act on it: names the file, table, position or record. Never holds payloads or field values.
    public var message: String
    /// The event that could not be read, for `.corrupt` of the log.
    public var position: Position?
    public var cause: (any Error)?
    public init(code: Code, message: String, position: Position? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.position = position
        self.cause = cause
    }
}

extension StoreError: CustomStringConvertible {
    public var description: String { "store \(code): \(message)" }
}

extension StoreError.Code: CustomStringConvertible {
    public var description: String { "\(value)" }
}
