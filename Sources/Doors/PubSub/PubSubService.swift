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
        var sessions: [String: SubscribeSession] = [:]
    }

    private let bus: any EventBus
    private let timing: SubscribeStateMachine.Timing
    private let instruments: PubSubInstruments
    private let state = Mutex(State())

    private static let shutDownMessage = "The service is unavailable: it is shutting down. Try again later."

    init(bus: any EventBus, timing: SubscribeStateMachine.Timing, instruments: PubSubInstruments) {
        self.bus = bus
        self.timing = timing
        self.instruments = instruments
    }

    /// Ends every open stream with UNAVAILABLE and refuses new ones.
    func shutDown() {
        let sessions = state.withLock { state in
            state.isShutDown = true
            return Array(state.sessions.values)
        }
        for session in sessions { session.fail(.unavailable, Self.shutDownMessage) }
    }

    func getTopic(
        request: ServerRequest<Eventbus_V1_TopicRequest>, context: ServerContext
    ) async throws -> ServerResponse<Eventbus_V1_TopicInfo> {
        try await counted("GetTopic") { rpcID in
            let topic = try await Self.onBus(rpcID) { () throws(EventBusError) in
                let caller = try await self.caller(request.metadata)
                return try await self.bus.topic(request.message.topicName, caller: caller)
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
        try await counted("GetSchema") { rpcID in
            let id = request.message.schemaID
            let json = try await Self.onBus(rpcID) { () throws(EventBusError) in
                let caller = try await self.caller(request.metadata)
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
        let rpcID = Self.makeRPCID()
        let session: SubscribeSession
        do {
            let caller = try await Self.onBus(rpcID) { () throws(EventBusError) in
                try await self.caller(request.metadata)
            }
            session = SubscribeSession(rpcID: rpcID, bus: bus, caller: caller, timing: timing, instruments: instruments)
        } catch {
            instruments.call(method: "Subscribe", status: error.code.description).increment()
            throw error
        }
        let requests = request.messages
        return StreamingServerResponse { writer in
            try await self.counted("Subscribe", rpcID: rpcID) { _ in
                try self.open(session)
                defer { self.close(session) }
                try await withRPCCancellationHandler {
                    try await session.run(requests: requests, writer: writer)
                } onCancelRPC: {
                    session.fail(.unavailable, "The call was cancelled.")
                }
                return [:]
            }
        }
    }

    func publish(
        request: ServerRequest<Eventbus_V1_PublishRequest>, context: ServerContext
    ) async throws -> ServerResponse<Eventbus_V1_PublishResponse> {
        try await counted("Publish") { throw PubSubFailure.unimplemented("Publish", rpcID: $0) }
    }

    func publishStream(
        request: StreamingServerRequest<Eventbus_V1_PublishRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<Eventbus_V1_PublishResponse> {
        try await counted("PublishStream") { throw PubSubFailure.unimplemented("PublishStream", rpcID: $0) }
    }

    func managedSubscribe(
        request: StreamingServerRequest<Eventbus_V1_ManagedFetchRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<Eventbus_V1_ManagedFetchResponse> {
        try await counted("ManagedSubscribe") { throw PubSubFailure.unimplemented("ManagedSubscribe", rpcID: $0) }
    }

    private func open(_ session: SubscribeSession) throws(RPCError) {
        let isOpen = state.withLock { state in
            guard !state.isShutDown else { return false }
            state.sessions[session.rpcID] = session
            return true
        }
        guard isOpen else { throw PubSubFailure.error(.unavailable, Self.shutDownMessage, rpcID: session.rpcID) }
        instruments.streams.increment()
    }

    private func close(_ session: SubscribeSession) {
        state.withLock { _ = $0.sessions.removeValue(forKey: session.rpcID) }
        instruments.streams.decrement()
    }

    private func caller(_ metadata: Metadata) async throws(EventBusError) -> BusCaller {
        func value(_ key: String) -> String? { metadata[stringValues: key].first { _ in true } }
        return try await bus.authorize(
            accessToken: value("accesstoken"), instanceURL: value("instanceurl"), tenantID: value("tenantid"))
    }

    private func counted<Answer>(
        _ method: String, rpcID: String = makeRPCID(), _ body: (String) async throws -> Answer
    ) async throws -> Answer {
        do {
            let answer = try await body(rpcID)
            instruments.call(method: method, status: "OK").increment()
            return answer
        } catch {
            let status = (error as? RPCError)?.code.description ?? "UNKNOWN"
            instruments.call(method: method, status: status).increment()
            throw error
        }
    }

    private static func onBus<Answer>(
        _ rpcID: String, _ call: () async throws(EventBusError) -> Answer
    ) async throws(RPCError) -> Answer {
        do throws(EventBusError) {
            return try await call()
        } catch {
            throw PubSubFailure.error(error.code, error.message, rpcID: rpcID)
        }
    }

    /// Of this call, constant for all its answers.
    private static func makeRPCID() -> String { UUID().uuidString.lowercased() }
}
