/// Why the sandbox could not be opened or used: what a person must mend, not what a client did wrong.
public struct SandboxError: Error, Sendable {
    public struct Code: Hashable, Sendable {
        private enum Value { case directory, key, stateDamaged, schema, unknownUser }
        private let value: Value
        /// The directory cannot be made or written.
        public static let directory = Code(value: .directory)
        /// `private-key.pem` cannot be read, written or used.
        public static let key = Code(value: .key)
        /// The store lacks something that every org has.
        public static let stateDamaged = Code(value: .stateDamaged)
        /// A schema file that does not fit the org, or an event schema that the sandbox made itself and cannot read.
        public static let schema = Code(value: .schema)
        public static let unknownUser = Code(value: .unknownUser)
    }
    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public init(code: Code, message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }
}

extension SandboxError: CustomStringConvertible {
    public var description: String {
        guard let cause else { return message }
        return "\(message): \(cause)"
    }
}
