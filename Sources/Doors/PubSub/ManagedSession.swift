internal import ChangeEvents
internal import Foundation
internal import GRPCCore
internal import NIOCore
internal import PubSubAPI
internal import Store
internal import Synchronization
internal import Waiting

/// One ManagedSubscribe stream in flight: the shell around `ManagedStateMachine`. Two tasks work on it, as on a
/// `SubscribeSession`; commits are done and answered by the one that writes.
final class ManagedSession: Sendable {
    let rpcID: String
    private let bus: any EventBus
    private let faults: PubSubFaults
    private let peer: String
    private let caller: BusCaller
    private let instruments: PubSubInstruments
    private let machine: Mutex<ManagedStateMachine>
    private let wakeup = Signal()

    init(
        rpcID: String, bus: any EventBus, faults: PubSubFaults, peer: String, caller: BusCaller,
        timing: SubscribeStateMachine.Timing, commitTimeout: Duration, instruments: PubSubInstruments
    ) {
        self.rpcID = rpcID
        self.bus = bus
        self.faults = faults
        self.peer = peer
        self.caller = caller
        self.instruments = instruments
        machine = Mutex(ManagedStateMachine(timing: timing, commitTimeout: commitTimeout, now: .now))
    }

    /// Serves the stream to its end; throws the `RPCError` that ends it. The slot is free when this returns.
    func run(
        requests: RPCAsyncSequence<Eventbus_V1_ManagedFetchRequest, any Error>,
        writer: RPCWriter<Eventbus_V1_ManagedFetchResponse>
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.readRequests(requests) }
            defer { group.cancelAll() }
            var slot: ManagedSlot?
            let outcome: Result<Void, any Error>
            do {
                try await self.deliver(to: writer, slot: &slot)
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            if let slot { await self.bus.closeManaged(slot) }
            try outcome.get()
        }
    }

    func fail(_ code: EventBusError.Code, _ message: String) { change { $0.flow.fail(code, message) } }

    private func change(_ event: (inout ManagedStateMachine) -> Bool) {
        if machine.withLock({ event(&$0) }) { wakeup.raise() }
    }

    private func readRequests(_ requests: RPCAsyncSequence<Eventbus_V1_ManagedFetchRequest, any Error>) async {
        do {
            for try await request in requests {
                let event = ManagedStateMachine.Request(request)
                change { $0.requested(event, now: .now) }
            }
            change { $0.flow.inputClosed() }
        } catch {
            // The connection is gone or the client has cancelled: nobody will read what this ends with.
            change { $0.flow.fail(.unavailable, "The request stream ended: \(error)") }
        }
    }

    private func deliver(
        to writer: RPCWriter<Eventbus_V1_ManagedFetchResponse>, slot: inout ManagedSlot?
    ) async throws {
        var queue = DeliveryQueue()
        while true {
            try Task.checkCancellation()
            let step = machine.withLock { $0.nextStep(now: .now) }
            if case .open(let name) = step {
                let opened = try await onBus { () throws(EventBusError) in
                    try await self.bus.openManaged(name, caller: self.caller)
                }
                slot = opened
                machine.withLock { $0.flow.started(at: opened.position, now: .now) }
                continue
            }
            guard let slot else {
                try await waitForFirstRequest(step)
                if case .flow(.end) = step { return }
                continue
            }
            switch step {
            case .open: continue
            case .commit(let commit): try await answer(commit, slot: slot, writer: writer)
            case .flow(let step):
                if try await take(step, slot: slot, queue: &queue, writer: writer) { return }
            }
        }
    }

    /// Before there is a subscription, nothing can be done but wait for one, or end.
    private func waitForFirstRequest(_ step: ManagedStateMachine.Step) async throws {
        switch step {
        case .flow(.waitForRequest(let deadline)): await wakeup.wait(until: deadline)
        case .flow(.end(.completed)): return
        case .flow(.end(.failed(let code, let message))): throw PubSubFailure.error(code, message, rpcID: rpcID)
        case .commit:
            throw PubSubFailure.error(
                .requestInvalid, "The first request must ask for events.", rpcID: rpcID)
        case .open, .flow: preconditionFailure("a stream without a subscription has nothing to deliver")
        }
    }

    /// True at the end of the stream.
    private func take(
        _ step: SubscribeStateMachine.Step, slot: ManagedSlot, queue: inout DeliveryQueue,
        writer: RPCWriter<Eventbus_V1_ManagedFetchResponse>
    ) async throws -> Bool {
        switch step {
        case .start: preconditionFailure("a managed stream starts by opening its subscription")
        case .read(_, let position, let limit):
            try await faults.check(.stream(rpc: "ManagedSubscribe", topic: slot.topic), peer: peer, rpcID: rpcID)
            let read = try await onBus { () throws(EventBusError) in
                try await self.bus.readManaged(slot, after: position, limit: limit, caller: self.caller)
            }
            queue.take(read)
            let messages = machine.withLock {
                $0.flow.eventsRead(
                    sizes: DeliveryQueue.sizes(of: read), reached: read.reached, latestReplayID: read.latestReplayID,
                    messageBytesMax: DeliveryQueue.responseBytesMax, now: .now)
            }
            try await send(messages, from: &queue, topic: slot.topic, writer: writer)
        case .sendQueued:
            let messages = machine.withLock {
                $0.flow.takeQueued(messageBytesMax: DeliveryQueue.responseBytesMax, now: .now)
            }
            try await send(messages, from: &queue, topic: slot.topic, writer: writer)
        case .sendKeepalive(let latest, let pending):
            try await writer.write(response(events: [], latest: latest, pending: pending))
            instruments.keepalives.increment()
        case .waitForEvents(let position, let deadline):
            let timeout = ContinuousClock.now.duration(to: deadline)
            await wakeup.wait(until: deadline) { [bus] in await bus.waitForEvents(after: position, timeout: timeout) }
            machine.withLock { $0.flow.waited(now: .now) }
        case .waitForRequest(let deadline):
            await wakeup.wait(until: deadline)
        case .end(.completed):
            return true
        case .end(.failed(let code, let message)):
            throw PubSubFailure.error(code, message, rpcID: rpcID)
        }
        return false
    }

    private func answer(
        _ commit: ManagedStateMachine.Commit, slot: ManagedSlot,
        writer: RPCWriter<Eventbus_V1_ManagedFetchResponse>
    ) async throws {
        var message = Eventbus_V1_CommitReplayResponse()
        message.commitRequestID = commit.requestID
        message.replayID = Data(commit.replayID)
        do throws(EventBusError) {
            message.processTime = try await bus.commitManaged(slot, replayID: ReplayID(bytes: commit.replayID))
            machine.withLock { $0.committed(now: .now) }
        } catch {
            message.error.code = .commit
            message.error.msg = error.message
        }
        var response = Eventbus_V1_ManagedFetchResponse()
        response.rpcID = rpcID
        response.commitResponse = message
        response.pendingNumRequested = Int32(machine.withLock { $0.flow.pending })
        try await writer.write(response)
    }

    private func send(
        _ messages: [(count: Int, pending: Int)], from queue: inout DeliveryQueue, topic: String,
        writer: RPCWriter<Eventbus_V1_ManagedFetchResponse>
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
    ) -> Eventbus_V1_ManagedFetchResponse {
        var response = Eventbus_V1_ManagedFetchResponse()
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

extension ManagedStateMachine.Request {
    init(_ request: Eventbus_V1_ManagedFetchRequest) {
        self.init(
            name: ManagedName(id: request.subscriptionID, developerName: request.developerName),
            count: Int(request.numRequested))
        guard request.hasCommitReplayIDRequest else { return }
        commit = ManagedStateMachine.Commit(
            requestID: request.commitReplayIDRequest.commitRequestID,
            replayID: Array(request.commitReplayIDRequest.replayID))
    }
}
