internal import Foundation
internal import GRPCCore
internal import PubSubAPI
internal import Synchronization

/// The service `eventbus.v1.PubSub` on an `EventBus`.
///
/// Every call is authorized by its metadata before anything else. Open Subscribe streams are known here, so that the door
/// can end them when it shuts.
final class PubSubService: Eventbus_V1_PubSub.ServiceProtocol {
    private struct State {
        var isShutDown = false
        /// How open streams are ended, by their ids.
        var streams: [String: @Sendable (EventBusError.Code, String) -> Void] = [:]
    }

    private let bus: any EventBus
    private let connections: PubSubConnections
    private let faults: PubSubFaults
    private let timing: SubscribeStateMachine.Timing
    private let limits: Limits
    private let instruments: PubSubInstruments
    private let state = Mutex(State())

    private static let shutDownMessage = "The service is unavailable: it is shutting down. Try again later."

    /// How long streams of other kinds than Subscribe may be silent.
    struct Limits: Sendable {
        var publishIdleTimeout = PublishStreamStateMachine.idleTimeout
        var commitTimeout = ManagedStateMachine.commitTimeout
    }

    init(
        bus: any EventBus, connections: PubSubConnections, faults: PubSubFaults,
        timing: SubscribeStateMachine.Timing, limits: Limits = Limits(), instruments: PubSubInstruments
    ) {
        self.bus = bus
        self.connections = connections
        self.faults = faults
        self.timing = timing
        self.limits = limits
        self.instruments = instruments
    }

    /// Ends every open stream with UNAVAILABLE and refuses new ones.
    func shutDown() {
        let streams = state.withLock { state in
            state.isShutDown = true
            return Array(state.streams.values)
        }
        for fail in streams { fail(.unavailable, Self.shutDownMessage) }
    }

    func getTopic(
        request: ServerRequest<Eventbus_V1_TopicRequest>, context: ServerContext
    ) async throws -> ServerResponse<Eventbus_V1_TopicInfo> {
        try await counted("GetTopic", context) { rpcID in
            let caller = try await self.caller(request.metadata, rpcID)
            let topic = try await PubSubFailure.wrapping(rpcID) { () async throws(EventBusError) in
                try await self.bus.topic(request.message.topicName, caller: caller)
            }
            var info = Eventbus_V1_TopicInfo()
            info.topicName = topic.name
            info.tenantGuid = topic.tenantGUID
            info.canPublish = topic.canPublish
            info.canSubscribe = topic.canSubscribe
            info.schemaID = topic.schemaID
            info.rpcID = rpcID
            return ServerResponse(message: info)
        }
    }

    func getSchema(
        request: ServerRequest<Eventbus_V1_SchemaRequest>, context: ServerContext
    ) async throws -> ServerResponse<Eventbus_V1_SchemaInfo> {
        try await counted("GetSchema", context) { rpcID in
            let id = request.message.schemaID
            let caller = try await self.caller(request.metadata, rpcID)
            let json = try await PubSubFailure.wrapping(rpcID) { () async throws(EventBusError) in
                guard !id.isEmpty else {
                    throw EventBusError(
                        code: .schemaInvalid, message: "Schema validation failed. The schema ID can't be blank.")
                }
                return try await self.bus.schemaJSON(id, caller: caller)
            }
            var info = Eventbus_V1_SchemaInfo()
            info.schemaJson = json
            info.schemaID = id
            info.rpcID = rpcID
            return ServerResponse(message: info)
        }
    }

    func subscribe(
        request: StreamingServerRequest<Eventbus_V1_FetchRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<Eventbus_V1_FetchResponse> {
        try await streaming("Subscribe", request, context) { SubscribeSession(call: $0, timing: timing) }
    }

    func publish(
        request: ServerRequest<Eventbus_V1_PublishRequest>, context: ServerContext
    ) async throws -> ServerResponse<Eventbus_V1_PublishResponse> {
        try await counted("Publish", context) { rpcID in
            let publishing = Publishing(
                rpcID: rpcID, bus: self.bus, caller: try await self.caller(request.metadata, rpcID))
            return ServerResponse(message: try await publishing.publish(request.message))
        }
    }

    func publishStream(
        request: StreamingServerRequest<Eventbus_V1_PublishRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<Eventbus_V1_PublishResponse> {
        try await streaming("PublishStream", request, context) {
            PublishSession(
                publishing: Publishing(rpcID: $0.rpcID, bus: $0.bus, caller: $0.caller),
                idleTimeout: limits.publishIdleTimeout)
        }
    }

    func managedSubscribe(
        request: StreamingServerRequest<Eventbus_V1_ManagedFetchRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<Eventbus_V1_ManagedFetchResponse> {
        try await streaming("ManagedSubscribe", request, context) {
            ManagedSession(call: $0, timing: timing, commitTimeout: limits.commitTimeout)
        }
    }

    /// Opens a stream: authorized before anything is answered, known here while it is open, and served on the loop of its
    /// connection.
    private func streaming<Session: StreamSession>(
        _ rpc: String, _ request: StreamingServerRequest<Session.Request>, _ context: ServerContext,
        _ makeSession: (StreamCall) -> Session
    ) async throws -> StreamingServerResponse<Session.Response> {
        let rpcID = Self.makeRPCID()
        let caller: BusCaller
        do {
            caller = try await self.caller(request.metadata, rpcID)
        } catch {
            instruments.call(method: rpc, status: error.code.description).increment()
            throw error
        }
        let session = makeSession(
            StreamCall(
                rpc: rpc, rpcID: rpcID, peer: context.remotePeer, caller: caller, bus: bus, faults: faults,
                instruments: instruments))
        let requests = request.messages
        return StreamingServerResponse { writer in
            try await self.counted(rpc, context, rpcID: rpcID) { _ in
                try self.open(rpcID) { session.fail($0, $1) }
                defer { self.close(rpcID) }
                try await withRPCCancellationHandler {
                    try await withTaskExecutorPreference(self.connections.executor(of: context.remotePeer)) {
                        try await session.run(requests: requests, writer: writer)
                    }
                } onCancelRPC: {
                    session.fail(.unavailable, "The call was cancelled.")
                }
                return [:]
            }
        }
    }

    private func open(
        _ rpcID: String, fail: @escaping @Sendable (EventBusError.Code, String) -> Void
    ) throws(RPCError) {
        let isOpen = state.withLock { state in
            guard !state.isShutDown else { return false }
            state.streams[rpcID] = fail
            return true
        }
        guard isOpen else { throw PubSubFailure.error(.unavailable, Self.shutDownMessage, rpcID: rpcID) }
        instruments.streams.increment()
    }

    private func close(_ rpcID: String) {
        state.withLock { _ = $0.streams.removeValue(forKey: rpcID) }
        instruments.streams.decrement()
    }

    private func caller(_ metadata: Metadata, _ rpcID: String) async throws(RPCError) -> BusCaller {
        func value(_ key: String) -> String? { metadata[stringValues: key].first { _ in true } }
        return try await PubSubFailure.wrapping(rpcID) { () async throws(EventBusError) in
            try await bus.authorize(
                accessToken: value("accesstoken"), instanceURL: value("instanceurl"), tenantID: value("tenantid"))
        }
    }

    private func counted<Answer>(
        _ method: String, _ context: ServerContext, rpcID: String = makeRPCID(),
        _ body: (String) async throws -> Answer
    ) async throws -> Answer {
        do {
            try await faults.check(.call(rpc: method), peer: context.remotePeer, rpcID: rpcID)
            let answer = try await body(rpcID)
            try await faults.check(.callAnswer(rpc: method), peer: context.remotePeer, rpcID: rpcID)
            instruments.call(method: method, status: "OK").increment()
            return answer
        } catch {
            let status = (error as? RPCError)?.code.description ?? "UNKNOWN"
            instruments.call(method: method, status: status).increment()
            throw error
        }
    }

    /// Of this call, constant for all its answers.
    private static func makeRPCID() -> String { UUID().uuidString.lowercased() }
}
