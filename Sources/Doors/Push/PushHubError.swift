/// Why the push hub cannot run.
public struct PushHubError: Error, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable {
        private enum Value { case system, state }
        private let value: Value
        /// The system refused something the hub cannot do without: a descriptor, a thread.
        public static let system = Code(value: .system)
        /// `run()` was called a second time.
        public static let state = Code(value: .state)
    }

    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public init(code: Code, message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { message }
}
