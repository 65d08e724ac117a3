import ChangeEvents
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import NIOCore
import PubSubAPI
import Synchronization
import Waiting

@testable import Upstream

/// An event bus that misbehaves on request and records what it saw: a real gRPC server on loopback.
final class FakeEventBus: Eventbus_V1_PubSub.ServiceProtocol {
    /// What goes wrong with a topic's next stream. Each is used once, in order.
    enum Fault: Sendable {
        /// An error as the only answer.
        case refuse(RPCError.Code, errorCode: String?)
        /// An error after so many events.
        case fail(after: Int, RPCError.Code, errorCode: String?)
        /// The stream's regular end after so many events.
        case finish(after: Int)
        /// All TCP connections are closed after so many events.
        case cut(after: Int)
        /// The request is taken and nothing ever answered.
        case silence
        /// The same, and nothing that comes on any of the connections that are open now is read any more.
        case deafness
        /// So many events before the asked place come again.
        case rewind(Int)
    }

    struct Event: Sendable, Hashable {
        var counter: UInt64
        var schema: String
        var payload: [UInt8]
    }

    /// One Subscribe call as it was seen.
    struct Seen: Sendable {
        var topic = ""
        var preset = Eventbus_V1_ReplayPreset.latest
        var replayID: [UInt8] = []
        var token: String?
        var instanceURL: String?
        var tenantID: String?
        /// The counter behind which it begins. For LATEST it is that of the newest event when the request came.
        var start: UInt64 = 0
        var requested: [Int] = []
        /// Later requests that carried replay fields.
        var lateReplayFields = 0
        var sent = 0
        var outstandingMax = 0
        var hasEnded = false
        var outstanding: Int { requested.reduce(0, +) - sent }
    }

    struct State: Sendable {
        var events: [String: [Event]] = [:]
        var faults: [String: [Fault]] = [:]
        var seen: [Seen] = []
        var schemas: [String: String] = [:]
        var schemaFaults: [RPCError.Code] = []
        var schemaRequests: [String] = []
        /// nil: every token is good.
        var goodTokens: Set<String>?
        var connectionCount = 0
        var connections: [any Channel] = []
        var keepalives: [String: UInt64] = [:]
        /// Events per response.
        var batchMax = 7
        fileprivate var wakers: [Int: Signal] = [:]
    }

    private let state = Mutex(State())

    /// Runs a bus on a free port for as long as `body` does.
    static func with<Result: Sendable>(
        security: HTTP2ServerTransport.Posix.TransportSecurity = .plaintext,
        _ body: (FakeEventBus, _ port: Int) async throws -> Result
    ) async throws -> Result {
        let bus = FakeEventBus()
        var config = HTTP2ServerTransport.Posix.Config.defaults
        config.channelDebuggingCallbacks.onAcceptTCPConnection = { channel in
            bus.change { state in
                state.connectionCount += 1
                state.connections.append(channel)
            }
            return channel.eventLoop.makeSucceededVoidFuture()
        }
        let server = GRPCServer(
            transport: .http2NIOPosix(
                address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: security, config: config),
            services: [bus])
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            defer { group.cancelAll() }
            guard let port = try await server.listeningAddress?.ipv4?.port else { throw CancellationError() }
            let result = try await body(bus, port)
            // Not by cancellation: a server that is cancelled while it accepts a connection traps (its NIOAsyncChannel
            // is dropped unfinished).
            server.beginGracefulShutdown()
            try await group.waitForAll()
            return result
        }
    }

    func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result { state.withLock { body(&$0) } }

    var seen: [Seen] { change { $0.seen } }
    func seen(_ topic: String) -> [Seen] { seen.filter { $0.topic == topic } }
    var connectionCount: Int { change { $0.connectionCount } }
    var schemaRequests: [String] { change { $0.schemaRequests } }

    func publish(_ count: Int, to topic: String, schema: String = "") {
        change { state in
            for _ in 0..<count {
                let counter = UInt64((state.events[topic]?.count ?? 0) + 1)
                let event = Event(counter: counter, schema: schema, payload: Array("\(topic) \(counter)".utf8))
                state.events[topic, default: []].append(event)
            }
            for waker in state.wakers.values { waker.raise() }
        }
    }

    /// A response without events on every open stream of the topic.
    func keepalive(on topic: String, latest: UInt64) {
        change { state in
            state.keepalives[topic] = latest
            for waker in state.wakers.values { waker.raise() }
        }
    }

    private func deafen() async throws {
        let connections = change { state in
            defer { state.connections = [] }
            return state.connections
        }
        for connection in connections { try await connection.setOption(ChannelOptions.autoRead, value: false).get() }
    }

    func cutConnections() {
        let connections = change { state in
            defer { state.connections = [] }
            return state.connections
        }
        for connection in connections { connection.close(promise: nil) }
    }

    // Subscribe

    func subscribe(
        request: StreamingServerRequest<Eventbus_V1_FetchRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<Eventbus_V1_FetchResponse> {
        let token = try checkToken(request.metadata)
        let waker = Signal()
        let index = change { state in
            var seen = Seen()
            seen.token = token
            seen.instanceURL = Self.string(request.metadata, "instanceurl")
            seen.tenantID = Self.string(request.metadata, "tenantid")
            state.seen.append(seen)
            state.wakers[state.seen.count - 1] = waker
            return state.seen.count - 1
        }
        return StreamingServerResponse { writer in
            defer {
                self.change { state in
                    state.seen[index].hasEnded = true
                    state.wakers[index] = nil
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for try await request in request.messages { self.take(request, by: index) } }
                group.addTask { try await self.serve(index, waker: waker, on: writer) }
                defer { group.cancelAll() }
                // The reading half ends first when the client has closed its half.
                try await group.next()
            }
            return [:]
        }
    }

    private func take(_ request: Eventbus_V1_FetchRequest, by index: Int) {
        change { state in
            if state.seen[index].requested.isEmpty {
                state.seen[index].topic = request.topicName
                state.seen[index].preset = request.replayPreset
                state.seen[index].replayID = Array(request.replayID)
                state.seen[index].start =
                    switch request.replayPreset {
                    case .custom: ReplayID(bytes: state.seen[index].replayID).counter ?? 0
                    case .latest: state.events[request.topicName]?.last?.counter ?? 0
                    default: 0
                    }
            } else if request.replayPreset != .latest || !request.replayID.isEmpty {
                state.seen[index].lateReplayFields += 1
            }
            state.seen[index].requested.append(Int(request.numRequested))
            state.seen[index].outstandingMax = max(state.seen[index].outstandingMax, state.seen[index].outstanding)
            state.wakers[index]?.raise()
        }
    }

    private func serve(_ index: Int, waker: Signal, on writer: RPCWriter<Eventbus_V1_FetchResponse>) async throws {
        while seen[index].requested.isEmpty {
            await waker.wait()
            try Task.checkCancellation()
        }
        let topic = seen[index].topic
        let fault: Fault? = change { state in
            guard state.faults[topic]?.isEmpty == false else { return nil }
            return state.faults[topic]?.removeFirst()
        }
        var place = seen[index].start
        var limit = Int.max
        switch fault {
        case .refuse(let code, let errorCode): throw Self.error(code, errorCode)
        case .fail(let after, _, _), .finish(let after), .cut(let after): limit = after
        case .rewind(let count): place -= min(place, UInt64(count))
        case .silence, .deafness:
            if case .deafness = fault { try await deafen() }
            while true {
                await waker.wait()
                try Task.checkCancellation()
            }
        case nil: break
        }
        var keepalive: UInt64?
        while true {
            let sent = seen[index].sent
            if sent >= limit {
                switch fault {
                case .fail(_, let code, let errorCode): throw Self.error(code, errorCode)
                case .cut: cutConnections()
                case .refuse, .finish, .silence, .deafness, .rewind, nil: break
                }
                return
            }
            if let response = next(index, topic: topic, after: &place, atMost: limit - sent, keepalive: &keepalive) {
                try await writer.write(response)
            } else {
                await waker.wait()
                try Task.checkCancellation()
            }
        }
    }

    private func next(
        _ index: Int, topic: String, after place: inout UInt64, atMost limit: Int, keepalive: inout UInt64?
    ) -> Eventbus_V1_FetchResponse? {
        let from = place
        let lastKeepalive = keepalive
        let found: (events: [Event], pending: Int, keepalive: UInt64?) = change { state in
            let count = max(0, min(limit, state.seen[index].outstanding, state.batchMax))
            let events = (state.events[topic] ?? []).dropFirst(Int(from)).prefix(count)
            state.seen[index].sent += events.count
            let latest = state.keepalives[topic]
            return (Array(events), state.seen[index].outstanding, latest == lastKeepalive ? nil : latest)
        }
        var response = Eventbus_V1_FetchResponse()
        response.rpcID = "fake-\(index)"
        response.pendingNumRequested = Int32(found.pending)
        if let last = found.events.last {
            place = last.counter
            response.latestReplayID = Data(ReplayID(counter: last.counter).bytes)
            response.events = found.events.map(Self.consumerEvent)
            return response
        }
        guard let latest = found.keepalive else { return nil }
        keepalive = latest
        response.latestReplayID = Data(ReplayID(counter: latest).bytes)
        return response
    }

    private static func consumerEvent(_ event: Event) -> Eventbus_V1_ConsumerEvent {
        var consumer = Eventbus_V1_ConsumerEvent()
        consumer.event.id = "event-\(event.counter)"
        consumer.event.schemaID = event.schema
        consumer.event.payload = Data(event.payload)
        consumer.replayID = Data(ReplayID(counter: event.counter).bytes)
        return consumer
    }

    // The other calls

    func getSchema(
        request: ServerRequest<Eventbus_V1_SchemaRequest>, context: ServerContext
    ) async throws -> ServerResponse<Eventbus_V1_SchemaInfo> {
        _ = try checkToken(request.metadata)
        let id = request.message.schemaID
        let found: (fault: RPCError.Code?, json: String?) = change { state in
            state.schemaRequests.append(id)
            return (state.schemaFaults.isEmpty ? nil : state.schemaFaults.removeFirst(), state.schemas[id])
        }
        if let fault = found.fault { throw Self.error(fault, nil) }
        guard let json = found.json else { throw Self.error(.invalidArgument, nil) }
        var info = Eventbus_V1_SchemaInfo()
        info.schemaID = id
        info.schemaJson = json
        return ServerResponse(message: info)
    }

    func getTopic(
        request: ServerRequest<Eventbus_V1_TopicRequest>, context: ServerContext
    ) async throws -> ServerResponse<Eventbus_V1_TopicInfo> {
        _ = try checkToken(request.metadata)
        let name = request.message.topicName
        guard change({ $0.events[name] != nil }) else { throw Self.error(.notFound, nil) }
        var info = Eventbus_V1_TopicInfo()
        info.topicName = name
        info.canSubscribe = true
        return ServerResponse(message: info)
    }

    func publish(
        request: ServerRequest<Eventbus_V1_PublishRequest>, context: ServerContext
    ) async throws -> ServerResponse<Eventbus_V1_PublishResponse> { throw Self.error(.unimplemented, nil) }

    func publishStream(
        request: StreamingServerRequest<Eventbus_V1_PublishRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<Eventbus_V1_PublishResponse> { throw Self.error(.unimplemented, nil) }

    func managedSubscribe(
        request: StreamingServerRequest<Eventbus_V1_ManagedFetchRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<Eventbus_V1_ManagedFetchResponse> {
        throw Self.error(.unimplemented, nil)
    }

    private func checkToken(_ metadata: Metadata) throws -> String? {
        let token = Self.string(metadata, "accesstoken")
        guard let good = change({ $0.goodTokens }) else { return token }
        guard let token, good.contains(token) else {
            throw Self.error(.unauthenticated, "sfdc.platform.eventbus.grpc.service.auth.error")
        }
        return token
    }

    private static func string(_ metadata: Metadata, _ key: String) -> String? {
        metadata[stringValues: key].first { _ in true }
    }

    static func error(_ code: RPCError.Code, _ errorCode: String?) -> RPCError {
        var metadata = Metadata()
        if let errorCode { metadata.addString(errorCode, forKey: "error-code") }
        return RPCError(code: code, message: "The fake says no. rpcId: fake", metadata: metadata)
    }
}
