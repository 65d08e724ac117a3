internal import ChangeEvents
internal import Foundation
internal import GRPCCore
internal import NIOCore
internal import PubSubAPI
internal import Store
internal import Synchronization
internal import Waiting

/// A state machine that holds the flow of a stream of events, or is one.
protocol FlowMachine: SendableMetatype {
    var flow: SubscribeStateMachine { get set }
}

extension SubscribeStateMachine: FlowMachine {
    var flow: SubscribeStateMachine {
        get { self }
        set { self = newValue }
    }
}

extension ManagedStateMachine: FlowMachine {}

/// What a stream of events answers with.
protocol DeliveryMessage: Sendable {
    init()
    var events: [Eventbus_V1_ConsumerEvent] { get set }
    var latestReplayID: Data { get set }
    var rpcID: String { get set }
    var pendingNumRequested: Int32 { get set }
}

extension Eventbus_V1_FetchResponse: DeliveryMessage {}
extension Eventbus_V1_ManagedFetchResponse: DeliveryMessage {}

/// What Subscribe and ManagedSubscribe have in common: the shell around the state machine, and the steps of its flow.
///
/// Two tasks work on a stream: one reads the client's requests, the other takes steps and is the only one that writes, so
/// that messages never interleave and a client that does not read holds up its own stream alone (`write` waits for it). The
/// state machine stands under a lock that is never held across a wait.
final class EventFlow<Machine: FlowMachine, Message: DeliveryMessage>: Sendable {
    let call: StreamCall
    private let machine: Mutex<Machine>
    private let wakeup = Signal()

    init(call: StreamCall, machine: sending Machine) {
        self.call = call
        self.machine = Mutex(machine)
    }

    /// Reads requests while `deliver` runs.
    func run<Request: Sendable>(
        _ requests: RPCAsyncSequence<Request, any Error>,
        requested: @escaping @Sendable (inout Machine, Request) -> Bool,
        deliver: () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.read(requests, requested) }
            defer { group.cancelAll() }
            try await deliver()
        }
    }

    func withMachine<T: Sendable>(_ body: (inout Machine) -> T) -> T { machine.withLock { body(&$0) } }

    func fail(_ code: EventBusError.Code, _ message: String) { change { $0.flow.fail(code, message) } }

    /// An event that may concern the sender: it answers whether it does.
    private func change(_ event: (inout Machine) -> Bool) {
        if machine.withLock({ event(&$0) }) { wakeup.raise() }
    }

    private func read<Request: Sendable>(
        _ requests: RPCAsyncSequence<Request, any Error>, _ requested: (inout Machine, Request) -> Bool
    ) async {
        do {
            for try await request in requests { change { requested(&$0, request) } }
            change { $0.flow.inputClosed() }
        } catch {
            // The connection is gone or the client has cancelled: nobody will read what this ends with.
            fail(.unavailable, "The request stream ended: \(error)")
        }
    }

    // MARK: Steps

    /// Does what the flow says next; false at the end of the stream. How it starts is the caller's affair, and so is how
    /// events are read.
    func take(
        _ step: SubscribeStateMachine.Step, queue: inout DeliveryQueue, writer: RPCWriter<Message>,
        read: (any EventBus, _ after: Position, _ limit: Int) async throws(EventBusError) -> BusRead
    ) async throws -> Bool {
        switch step {
        case .start: preconditionFailure("a stream's start is taken before its flow")
        case .read(let topic, let position, let limit):
            queue.look = call.bus.lookTicket()
            try await call.faults.check(
                .stream(rpc: call.rpc, topic: queue.topic ?? topic), peer: call.peer, rpcID: call.rpcID)
            let found = try await call.onBus { (bus) async throws(EventBusError) in
                try await read(bus, position, limit)
            }
            queue.take(found)
            let messages = withMachine {
                $0.flow.eventsRead(
                    sizes: DeliveryQueue.sizes(of: found), reached: found.reached,
                    latestReplayID: found.latestReplayID, messageBytesMax: DeliveryQueue.responseBytesMax, now: .now)
            }
            try await send(messages, from: &queue, writer: writer)
        case .sendQueued:
            let messages = withMachine {
                $0.flow.takeQueued(messageBytesMax: DeliveryQueue.responseBytesMax, now: .now)
            }
            try await send(messages, from: &queue, writer: writer)
        case .sendKeepalive(let latest, let pending):
            try await writer.write(message(latest: latest, pending: pending))
            call.instruments.keepalives.increment()
        case .waitForEvents(let position, let deadline):
            let timeout = ContinuousClock.now.duration(to: deadline)
            await wakeup.wait(until: deadline) { [bus = call.bus, look = queue.look] in
                await bus.waitForEvents(after: position, since: look, timeout: timeout)
            }
            withMachine { $0.flow.waited(now: .now) }
        case .waitForRequest(let deadline):
            await wakeup.wait(until: deadline)
        case .end(.completed):
            return false
        case .end(.failed(let code, let text)):
            throw call.failure(code, text)
        }
        return true
    }

    private func send(
        _ messages: [(count: Int, pending: Int)], from queue: inout DeliveryQueue, writer: RPCWriter<Message>
    ) async throws {
        for part in messages {
            let (events, latest) = queue.next(part.count)
            var message = message(latest: latest, pending: part.pending)
            message.events = events.map { Eventbus_V1_ConsumerEvent($0.event) }
            try await writer.write(message)
            queue.delivered?.increment(by: part.count)
            call.bus.streamDelivered(call.rpcID, count: part.count)
        }
    }

    /// Without events.
    func message(latest: ReplayID? = nil, pending: Int) -> Message {
        var message = Message()
        if let latest { message.latestReplayID = Data(latest.bytes) }
        message.rpcID = call.rpcID
        message.pendingNumRequested = Int32(pending)
        return message
    }
}

extension Eventbus_V1_ConsumerEvent {
    init(_ received: ReceivedEvent) {
        self.init()
        event.id = received.eventID
        event.schemaID = received.schemaID.string
        event.payload = Data(received.payload.readableBytesView)
        replayID = Data(received.replayID.bytes)
    }
}
