internal import GRPCCore
internal import PubSubAPI
internal import Synchronization
internal import Waiting

/// One PublishStream in flight: the shell around `PublishStreamStateMachine`.
///
/// One task serves the requests in their order, another watches the clock, a third waits to be told that the door shuts;
/// whichever ends first ends the stream.
final class PublishSession: StreamSession {
    private let publishing: Publishing
    private let machine: Mutex<PublishStreamStateMachine>
    private let failure = Mutex<RPCError?>(nil)
    private let isFailing = Signal()

    init(publishing: Publishing, idleTimeout: Duration) {
        self.publishing = publishing
        machine = Mutex(PublishStreamStateMachine(now: .now, idleTimeout: idleTimeout))
    }

    /// Serves the stream to its end: the client has closed its side, or has been silent too long. Throws what else ends it.
    func run(
        requests: RPCAsyncSequence<Eventbus_V1_PublishRequest, any Error>,
        writer: RPCWriter<Eventbus_V1_PublishResponse>
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.serve(requests, writer) }
            group.addTask { try await self.watch() }
            group.addTask { try await self.waitForFailure() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Ends the stream with an error, from any thread: the door shuts, or the call is cancelled.
    func fail(_ code: EventBusError.Code, _ message: String) {
        failure.withLock { $0 = PubSubFailure.error(code, message, rpcID: publishing.rpcID) }
        isFailing.raise()
    }

    private func serve(
        _ requests: RPCAsyncSequence<Eventbus_V1_PublishRequest, any Error>,
        _ writer: RPCWriter<Eventbus_V1_PublishResponse>
    ) async throws {
        for try await request in requests {
            let action = machine.withLock {
                $0.requestReceived(topic: request.topicName, events: request.events.count, now: .now)
            }
            switch action {
            case .publish(let topic): try await writer.write(try await publishing.publish(request, topic: topic))
            case .fail(let code, let message):
                throw PubSubFailure.error(code, message, rpcID: publishing.rpcID)
            }
        }
    }

    private func watch() async throws {
        while true {
            let deadline = machine.withLock { $0.deadline }
            if deadline <= .now { return }
            try await Task.sleep(until: deadline, clock: .continuous)
        }
    }

    private func waitForFailure() async throws {
        await isFailing.wait()
        if let failure = failure.withLock({ $0 }) { throw failure }
    }
}
