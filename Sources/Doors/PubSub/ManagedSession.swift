internal import ChangeEvents
internal import Foundation
internal import GRPCCore
internal import PubSubAPI
internal import Store

/// One ManagedSubscribe stream in flight: an `EventFlow` over a subscription whose place the server keeps. Commits are done
/// and answered by the task that writes.
struct ManagedSession: StreamSession {
    private let call: StreamCall
    private let flow: EventFlow<ManagedStateMachine, Eventbus_V1_ManagedFetchResponse>

    init(call: StreamCall, timing: SubscribeStateMachine.Timing, commitTimeout: Duration) {
        self.call = call
        flow = EventFlow(
            call: call, machine: ManagedStateMachine(timing: timing, commitTimeout: commitTimeout, now: .now))
    }

    /// The slot is free when this returns.
    func run(
        requests: RPCAsyncSequence<Eventbus_V1_ManagedFetchRequest, any Error>,
        writer: RPCWriter<Eventbus_V1_ManagedFetchResponse>
    ) async throws {
        try await flow.run(requests) { machine, request in
            machine.requested(ManagedStateMachine.Request(request), now: .now)
        } deliver: {
            var slot: ManagedSlot?
            var queue = DeliveryQueue(look: call.bus.lookTicket())
            var failure: (any Error)?
            defer { call.bus.streamClosed(call.rpcID) }
            do {
                repeat { try Task.checkCancellation() } while try await step(&slot, &queue, writer)
            } catch {
                failure = error
            }
            if let slot { await call.bus.closeManaged(slot) }
            if let failure { throw failure }
        }
    }

    func fail(_ code: EventBusError.Code, _ message: String) { flow.fail(code, message) }

    private func step(
        _ slot: inout ManagedSlot?, _ queue: inout DeliveryQueue,
        _ writer: RPCWriter<Eventbus_V1_ManagedFetchResponse>
    ) async throws -> Bool {
        let caller = call.caller
        switch flow.withMachine({ $0.nextStep(now: .now) }) {
        case .open(let name):
            let opened = try await call.onBus { (bus) async throws(EventBusError) in
                try await bus.openManaged(name, caller: caller)
            }
            slot = opened
            queue.open(opened.topic, delivered: call.instruments.delivered(topic: opened.topic))
            try await call.opened(opened.topic)
            flow.withMachine { $0.flow.started(at: opened.position, now: .now) }
            return true
        case .commit(let commit):
            guard let slot else {
                throw call.failure(.requestInvalid, "The first request must ask for events.")
            }
            try await answer(commit, slot: slot, writer: writer)
            return true
        case .flow(let step):
            return try await flow.take(step, queue: &queue, writer: writer) {
                [slot] (bus, position, limit) async throws(EventBusError) in
                guard let slot else { preconditionFailure("a stream without a subscription has nothing to deliver") }
                return try await bus.readManaged(slot, after: position, limit: limit, caller: caller)
            }
        }
    }

    private func answer(
        _ commit: ManagedStateMachine.Commit, slot: ManagedSlot,
        writer: RPCWriter<Eventbus_V1_ManagedFetchResponse>
    ) async throws {
        var answer = Eventbus_V1_CommitReplayResponse()
        answer.commitRequestID = commit.requestID
        answer.replayID = Data(commit.replayID)
        do throws(EventBusError) {
            answer.processTime = try await call.bus.commitManaged(slot, replayID: ReplayID(bytes: commit.replayID))
            flow.withMachine { $0.committed(now: .now) }
        } catch {
            answer.error.code = .commit
            answer.error.msg = error.message
        }
        var response = flow.message(pending: flow.withMachine { $0.flow.pending })
        response.commitResponse = answer
        try await writer.write(response)
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
