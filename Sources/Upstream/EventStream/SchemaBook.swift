import ChangeEvents
import Logging
import PubSubAPI
import Synchronization

/// Sees to it that the sink knows the schema of every event before it gets the event.
///
/// Asks the event bus once per schema, for all topics together. A schema that the bus will not give (or that cannot be
/// read) is remembered for a while and its events go on without it. Every other failure is tried again a few times, and then
/// thrown: an event must neither be skipped nor stored undecoded for a passing reason, so its stream ends, is seen to be
/// interrupted, and begins again before the event. Safe from any thread.
final class SchemaBook: Sendable {
    /// Topics have a handful of schemas each; past the bound the book is opened anew and the sink is asked again.
    static let entriesMax = 10_000
    /// Questions in a row while a stream waits.
    static let attemptsMax = 3
    /// For so long a schema that was refused is not asked for again.
    static let refusalHold: Duration = .seconds(10 * 60)

    private enum Entry {
        case known
        case refused(until: Duration)
    }

    private let entries = Mutex<[SchemaID: Entry]>([:])
    private let requests = SingleFlight<SchemaID, Bool>()
    private let pubSub: PubSubConnection
    private let sink: any EventSink
    private let timing: Upstream.Timing
    private let time: Timekeeper
    private let randomness: @Sendable () -> Double
    private let logger: Logger

    init(
        pubSub: PubSubConnection, sink: any EventSink, timing: Upstream.Timing, time: Timekeeper,
        randomness: @escaping @Sendable () -> Double, logger: Logger
    ) {
        self.pubSub = pubSub
        self.sink = sink
        self.timing = timing
        self.time = time
        self.randomness = randomness
        self.logger = logger
    }

    /// Returns when the sink knows each schema, or it is clear that it cannot. Throws `CallFailure` where the event bus
    /// cannot be asked, what the sink throws, or `CancellationError`.
    func provide(_ ids: Set<SchemaID>) async throws {
        for id in ids where !isSettled(id) {
            let isKnown = try await requests.value(for: id) { try await self.learn(id) }
            let entry: Entry = isKnown ? .known : .refused(until: time.now + Self.refusalHold)
            entries.withLock { entries in
                if entries.count >= Self.entriesMax { entries.removeAll() }
                entries[id] = entry
            }
        }
    }

    private func isSettled(_ id: SchemaID) -> Bool {
        let now = time.now
        return entries.withLock { entries in
            switch entries[id] {
            case .known: true
            case .refused(let until): now < until
            case nil: false
            }
        }
    }

    /// True when the sink knows the schema now.
    private func learn(_ id: SchemaID) async throws -> Bool {
        if try await sink.knowsSchema(id) { return true }
        var failures = 0
        while true {
            let json: String
            do {
                json = try await pubSub.schema(id).schemaJson
            } catch let failure as CallFailure where isRefusal(failure) {
                log(
                    UpstreamError(
                        .schemaUnavailable, "The event bus does not give the schema.", reason: failure.reason), id)
                return false
            } catch {
                try Task.checkCancellation()
                guard failures + 1 < Self.attemptsMax else { throw CallFailure(error) }
                let delay = timing.retryPace.delay(failures: failures, jitter: randomness())
                failures += 1
                logger.warning(
                    "schema not available, trying again",
                    metadata: [LogKey.schema: "\(id)", LogKey.error: "\(error)", LogKey.delay: "\(delay)"])
                try await time.sleep(for: delay)
                continue
            }
            let schema: EventSchema
            do {
                schema = try EventSchema(json: json)
            } catch {
                log(UpstreamError(.schemaUnavailable, "The schema cannot be read: \(error)", cause: error), id)
                return false
            }
            if schema.id != id {
                // Ids are proved to be computed from the schema; an org where they are not has to be looked at.
                logger.warning(
                    "the schema's computed id is not the one it was asked by",
                    metadata: [LogKey.schema: "\(id)", LogKey.computedSchema: "\(schema.id)"])
            }
            try await sink.learn(schema)
            return true
        }
    }

    /// True when asking again would bring the same answer.
    private func isRefusal(_ failure: CallFailure) -> Bool {
        switch ErrorRule.cure(for: failure) {
        case .awaitPerson, .stop, .declareGap, .awaitSlot: true
        case .renewToken, .retry, .awaitAllowance: false
        }
    }

    private func log(_ error: UpstreamError, _ id: SchemaID) {
        logger.error(
            "schema unavailable: its events go on undecoded",
            metadata: [LogKey.schema: "\(id)", LogKey.error: "\(error)"])
    }
}
