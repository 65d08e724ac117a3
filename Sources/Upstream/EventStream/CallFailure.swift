import GRPCCore

/// How a call of the Pub/Sub API failed, as far as the rules need it.
struct CallFailure: Error, Sendable, Hashable {
    var status: RPCError.Code
    /// The trailer `error-code`; absent where the failure is not the service's own (a proxy, the network).
    var errorCode: String?
    var message: String

    /// The trailer's name.
    static let errorCodeKey = "error-code"

    init(status: RPCError.Code, errorCode: String? = nil, message: String = "") {
        self.status = status
        self.errorCode = errorCode
        self.message = message
    }

    /// Any error out of a gRPC call. What is not a status counts as the transport's: unavailable.
    init(_ error: any Error) {
        if let error = error as? CallFailure {
            self = error
        } else if let error = error as? RPCError {
            let code = error.metadata[stringValues: Self.errorCodeKey].first { _ in true }
            let cause = error.cause.map { " (\($0))" } ?? ""
            self.init(status: error.code, errorCode: code, message: error.message + cause)
        } else {
            self.init(status: .unavailable, message: "\(error)")
        }
    }

    /// What to show for it: the service's own code where there is one.
    var reason: String {
        let text = errorCode.map { "\($0), \(status)" } ?? "\(status)"
        // The service's texts are short; a hostile server's need not be.
        return message.isEmpty ? text : "\(text): \(message.prefix(300))"
    }
}
