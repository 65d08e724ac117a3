/// Why a door could not be opened.
public struct DoorError: Error, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable {
        enum Value { case address, certificate, stopped }
        let value: Value
        /// The address cannot be listened on: taken, forbidden, or not one of this machine.
        public static let address = Code(value: .address)
        /// The certificate chain or its key cannot be read, or do not fit each other.
        public static let certificate = Code(value: .certificate)
        /// The door was shut, or failed, before the answer was known.
        public static let stopped = Code(value: .stopped)
    }

    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public init(code: Code, message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String {
        guard let cause else { return message }
        return "\(message): \(cause)"
    }
}
