import ChangeEvents
import Foundation
import GRPCCore
import Logging
import NIOCore
import PubSubAPI
import Waiting

/// One Subscribe stream of a topic: three tasks that share the state machine. One reads and stores, one asks for more
/// when the sink has room, one watches for silence.
extension TopicSubscription {
    /// The sink threw: to be told from the event bus's errors.
    private struct SinkFailure: Error { let cause: any Error }
    private struct Silence: Error {}

    /// Opens a stream and reads it to its end.
    func stream(
        from start: SubscriptionStateMachine.Start, count: Int, as session: Session, in surroundings: Surroundings
    ) async -> SubscriptionStateMachine.End {
        let first = Self.firstRequest(topic: topic.name, start: start, count: count)
        let link = surroundings.org.pubSub.link
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                let asking = CreditFailure()
                group.addTask {
                    try await surroundings.org.pubSub.subscribe(
                        on: link, as: session,
                        requests: { writer in
                            try await writer.write(first)
                            await self.askForMore(on: writer, failure: asking, time: surroundings.time)
                        },
                        responses: { responses in
                            self.change { $0.accepted() }
                            try await self.read(responses, in: surroundings)
                        })
                }
                group.addTask { try await self.watch(surroundings.time) }
                group.addTask {
                    if let error = await asking.value() { throw SinkFailure(cause: error) }
                    // Cancelled: the stream has ended otherwise.
                    try Task.checkCancellation()
                }
                defer { group.cancelAll() }
                try await group.next()
            }
            return .finished
        } catch is Silence {
            surroundings.org.pubSub.replace(link)
            return .silent
        } catch let failure as SinkFailure {
            return .sinkFailed(failure.cause)
        } catch {
            return .failed(CallFailure(error))
        }
    }

    /// Replay fields only here; the service ignores them later. The preset is always said: absent means LATEST.
    static func firstRequest(
        topic: String, start: SubscriptionStateMachine.Start, count: Int
    ) -> Eventbus_V1_FetchRequest {
        var request = Eventbus_V1_FetchRequest()
        request.topicName = topic
        request.numRequested = Int32(count)
        switch start {
        case .earliest: request.replayPreset = .earliest
        case .latest: request.replayPreset = .latest
        case .after(let id):
            request.replayPreset = .custom
            request.replayID = Data(id.bytes)
        }
        return request
    }

    /// Reads until the stream ends or the subscription does. Each message is stored before the next is read.
    private func read(
        _ responses: RPCAsyncSequence<Eventbus_V1_FetchResponse, any Error>, in surroundings: Surroundings
    ) async throws {
        let time = surroundings.time
        for try await response in responses {
            let action = change { machine in
                machine.received(
                    count: response.events.count, pending: Int(response.pendingNumRequested), now: time.now)
            }
            guard action == .store else { return }
            creditChanged.raise()
            logger.trace(
                "message",
                metadata: [
                    LogKey.received: "\(response.events.count)", LogKey.pending: "\(response.pendingNumRequested)",
                ])
            do {
                try await store(response, schemas: surroundings.schemas)
            } catch let failure as CallFailure {
                // A schema that cannot be had now: the stream's failure.
                throw failure
            } catch {
                try Task.checkCancellation()
                throw SinkFailure(cause: error)
            }
            change { $0.stored(now: time.now) }
            storingEnded.raise()
            creditChanged.raise()
        }
    }

    private func store(_ response: Eventbus_V1_FetchResponse, schemas: SchemaBook) async throws {
        let events = response.events.map { event in
            ReceivedEvent(
                topic: topic.name, replayID: ReplayID(bytes: event.replayID), eventID: event.event.id,
                schemaID: SchemaID(event.event.schemaID), payload: ByteBuffer(bytes: event.event.payload))
        }
        try await schemas.provide(Set(events.map(\.schemaID)))
        // Every response says the place behind it; one that does not still has the place of its last event.
        let latest = response.latestReplayID.isEmpty ? events.last?.replayID : ReplayID(bytes: response.latestReplayID)
        try await sink.receive(topic: topic.name, events: events, latestReplayID: latest)
    }

    /// Tops the credit up for as long as the stream lives. Not asking is the flow control: the sink's `room` suspends
    /// it.
    private func askForMore(
        on writer: RPCWriter<Eventbus_V1_FetchRequest>, failure: CreditFailure, time: Timekeeper
    ) async {
        while !Task.isCancelled {
            await creditChanged.wait()
            guard snapshot.needsCredit else { continue }
            let room: Int
            do {
                room = try await sink.room(for: topic.name)
            } catch {
                if !Task.isCancelled { failure.set(error) }
                return
            }
            guard let count = change({ $0.roomAvailable(room, now: time.now) }) else { continue }
            logger.trace("asking for more", metadata: [LogKey.requested: "\(count)"])
            // The name is repeated, as the service allows: a reader of a trace need not look back for it.
            var request = Eventbus_V1_FetchRequest()
            request.topicName = topic.name
            request.numRequested = Int32(count)
            do {
                try await writer.write(request)
            } catch {
                // The stream has ended; the reading side learns why.
                return
            }
        }
    }

    private func watch(_ time: Timekeeper) async throws {
        while true {
            let deadline = snapshot.deadline(now: time.now)
            try await time.sleep(for: deadline - time.now)
            if change({ $0.deadlineReached(now: time.now) }) { throw Silence() }
        }
    }
}
