internal import ChangeEvents
internal import Foundation
internal import GRPCCore
internal import NIOCore
internal import PubSubAPI
internal import Store
internal import Synchronization
internal import Waiting

/// One Subscribe stream in flight: the shell around `SubscribeStateMachine`.
///
/// Two tasks work on it: one reads the client's requests, the other takes steps and is the only one that writes, so that
/// messages never interleave and a client that does not read holds up its own stream alone (`write` waits for it). The state
/// machine stands under a lock that is never held across a wait.
final class SubscribeSession: Sendable {
    let rpcID: String
    private let bus: any EventBus
    private let faults: PubSubFaults
    private let peer: String
    private let caller: BusCaller
    private let instruments: PubSubInstruments
    private let machine: Mutex<SubscribeStateMachine>
    private let wakeup = Signal()

    init(
        rpcID: String, bus: any EventBus, faults: PubSubFaults, peer: String, caller: BusCaller,
        timing: SubscribeStateMachine.Timing, instruments: PubSubInstruments
    ) {
        self.rpcID = rpcID
        self.bus = bus
        self.faults = faults
        self.peer = peer
        self.caller = caller
        self.instruments = instruments
        machine = Mutex(SubscribeStateMachine(timing: timing, now: .now))
    }

    /// Serves the stream to its end; throws the `RPCError` that ends it.
    func run(
        requests: RPCAsyncSequence<Eventbus_V1_FetchRequest, any Error>, writer: RPCWriter<Eventbus_V1_FetchResponse>
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.readRequests(requests) }
            defer { group.cancelAll() }
            try await self.deliver(to: writer)
        }
    }

    /// Ends the stream with an error, from any thread: the door shuts, or the call is cancelled.
    func fail(_ code: EventBusError.Code, _ message: String) {
        change { $0.fail(code, message) }
    }

    private func change(_ event: (inout SubscribeStateMachine) -> Bool) {
        if machine.withLock({ event(&$0) }) { wakeup.raise() }
    }

    private func readRequests(_ requests: RPCAsyncSequence<Eventbus_V1_FetchRequest, any Error>) async {
        do {
            for try await request in requests {
                let event = SubscribeStateMachine.Request(request)
                change { $0.fetchRequested(event) }
            }
            change { $0.inputClosed() }
        } catch {
            // The connection is gone or the client has cancelled: nobody will read what this ends with.
            change { $0.fail(.unavailable, "The request stream ended: \(error)") }
        }
    }

    private func deliver(to writer: RPCWriter<Eventbus_V1_FetchResponse>) async throws {
        var queue = DeliveryQueue()
        while true {
            try Task.checkCancellation()
            switch machine.withLock({ $0.nextStep(now: .now) }) {
            case .start(let topic, let from):
                let position = try await onBus { () throws(EventBusError) in
                    try await self.bus.start(topic: topic, from: from, caller: self.caller)
                }
                machine.withLock { $0.started(at: position, now: .now) }
            case .read(let topic, let position, let limit):
                try await faults.check(.stream(rpc: "Subscribe", topic: topic), peer: peer, rpcID: rpcID)
                let read = try await onBus { () throws(EventBusError) in
                    try await self.bus.read(topic: topic, after: position, limit: limit, caller: self.caller)
                }
                queue.take(read)
                let messages = machine.withLock {
                    $0.eventsRead(
                        sizes: DeliveryQueue.sizes(of: read), reached: read.reached,
                        latestReplayID: read.latestReplayID, messageBytesMax: DeliveryQueue.responseBytesMax, now: .now)
                }
                try await send(messages, from: &queue, topic: topic, writer: writer)
            case .sendQueued:
                let messages = machine.withLock {
                    $0.takeQueued(messageBytesMax: DeliveryQueue.responseBytesMax, now: .now)
                }
                try await send(messages, from: &queue, topic: queue.topic, writer: writer)
            case .sendKeepalive(let latestReplayID, let pending):
                try await writer.write(response(events: [], latest: latestReplayID, pending: pending))
                instruments.keepalives.increment()
            case .waitForEvents(let position, let deadline):
                let timeout = ContinuousClock.now.duration(to: deadline)
                await wakeup.wait(until: deadline) { [bus] in await bus.waitForEvents(after: position, timeout: timeout)
                }
                machine.withLock { $0.waited(now: .now) }
            case .waitForRequest(let deadline):
                await wakeup.wait(until: deadline)
            case .end(.completed):
                return
            case .end(.failed(let code, let message)):
                throw PubSubFailure.error(code, message, rpcID: rpcID)
            }
        }
    }

    private func send(
        _ messages: [(count: Int, pending: Int)], from queue: inout DeliveryQueue, topic: String,
        writer: RPCWriter<Eventbus_V1_FetchResponse>
    ) async throws {
        for message in messages {
            let (events, latest) = queue.next(message.count)
            try await writer.write(
                response(events: events.map { .init($0.event) }, latest: latest, pending: message.pending))
            instruments.delivered(topic: topic).increment(by: message.count)
        }
    }

    private func response(
        events: [Eventbus_V1_ConsumerEvent], latest: ReplayID, pending: Int
    ) -> Eventbus_V1_FetchResponse {
        var response = Eventbus_V1_FetchResponse()
        response.events = events
        response.latestReplayID = Data(latest.bytes)
        response.rpcID = rpcID
        response.pendingNumRequested = Int32(pending)
        return response
    }

    private func onBus<Answer: Sendable>(
        _ call: () async throws(EventBusError) -> Answer
    ) async throws(RPCError) -> Answer {
        do throws(EventBusError) {
            return try await call()
        } catch {
            throw PubSubFailure.error(error.code, error.message, rpcID: rpcID)
        }
    }
}

extension SubscribeStateMachine.Request {
    init(_ request: Eventbus_V1_FetchRequest) {
        let preset: Preset =
            switch request.replayPreset {
            case .latest: .latest
            case .earliest: .earliest
            case .custom: .custom
            case .UNRECOGNIZED(let number): .unknown(number)
            }
        self.init(
            topic: request.topicName, preset: preset, replayID: Array(request.replayID),
            count: Int(request.numRequested))
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
