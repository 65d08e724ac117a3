internal import GRPCCore

/// The errors of the Pub/Sub API as a client sees them: a gRPC status, a text that ends in the id of the call, and the
/// trailers `error-code` and `rpc-id`.
enum PubSubFailure {
    private static let prefix = "sfdc.platform.eventbus.grpc."

    static func error(_ code: EventBusError.Code, _ message: String, rpcID: String) -> RPCError {
        let (status, errorCode) = table(code)
        let metadata: Metadata = ["error-code": "\(prefix)\(errorCode)", "rpc-id": "\(rpcID)"]
        return RPCError(code: status, message: "\(message) rpcId: \(rpcID)", metadata: metadata)
    }

    /// Asks the bus; its errors become the call's.
    static func wrapping<Answer>(
        _ rpcID: String, _ ask: () async throws(EventBusError) -> Answer
    ) async throws(RPCError) -> Answer {
        do throws(EventBusError) {
            return try await ask()
        } catch {
            throw PubSubFailure.error(error.code, error.message, rpcID: rpcID)
        }
    }

    /// Salesforce's own codes where they are known. Those marked "ours" follow their style, for statuses whose code no source
    /// names; a client should not look at them.
    private static func table(_ code: EventBusError.Code) -> (RPCError.Code, String) {
        switch code {
        case .unauthenticated: (.unauthenticated, "service.auth.error")
        case .topicNotFound: (.notFound, "topic.not.found")  // ours
        case .permissionDenied: (.permissionDenied, "permission.denied")  // ours
        case .schemaInvalid: (.invalidArgument, "schema.validation.failed")  // ours
        case .replayIDMissing: (.invalidArgument, "subscription.fetch.replayid.validation.failed")
        case .replayIDCorrupted: (.invalidArgument, "subscription.fetch.replayid.corrupted")
        case .fetchCountInvalid: (.invalidArgument, "subscription.fetch.requested.events.invalid")
        case .topicChanged: (.invalidArgument, "subscription.fetch.topic.changed")  // ours
        case .requestInvalid: (.invalidArgument, "request.validation.failed")  // ours
        case .requestTooLarge: (.unavailable, "service.unavailable")
        case .managedNotFound: (.notFound, "managed.subscription.not.found")  // ours
        case .managedStopped: (.failedPrecondition, "managed.subscription.stopped")  // ours
        case .managedAlreadyActive: (.alreadyExists, "managed.subscription.already.active")
        case .commitMissing: (.deadlineExceeded, "managed.subscription.commit.timeout")  // ours
        case .unavailable: (.unavailable, "service.unavailable")
        case .deliveryLimitExceeded: (.resourceExhausted, "subscription.limit.exceeded")
        case .clientLimitExceeded: (.resourceExhausted, "concurrent.client.limit.exceeded")
        case .internalError: (.internalError, "service.internal.error")  // ours
        }
    }
}
