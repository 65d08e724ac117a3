public import ChangeEvents
public import Logging
import PubSubAPI

/// The Pub/Sub API for tools: looks at a topic or a schema, and reads a topic without storing anything.
///
/// Use it inside `withClient`, which keeps the connection. Where `Upstream` waits, a tool is told: every failure that
/// lasts is thrown. Safe from any thread.
public struct PubSubClient: Sendable {
    /// Where `subscribe` begins.
    public enum Start: Sendable, Hashable {
        case earliest
        case latest
        case after(ReplayID)
    }

    /// What `GetTopic` tells.
    public struct TopicDescription: Sendable, Hashable {
        public var name: String
        public var canPublish: Bool
        public var canSubscribe: Bool
        /// nil: a channel of several events, each with its own schema.
        public var schemaID: SchemaID?
    }

    let services: OrgServices
    private let timing: Upstream.Timing
    private let time: Timekeeper
    private let logger: Logger

    /// Connects, calls `body` with a client, and disconnects. Throws `UpstreamError(.configuration)`, and what `body`
    /// throws.
    public static func withClient<Result: Sendable>(
        of org: OrgConnection, timing: Upstream.Timing = Upstream.Timing(),
        clock: any Clock<Duration> = ContinuousClock(),
        logger: Logger, _ body: (PubSubClient) async throws -> Result
    ) async throws -> Result {
        let time = Timekeeper(clock)
        return try await OrgServices.with(org, timing: timing, time: time, logger: logger) { services in
            try await body(PubSubClient(services: services, timing: timing, time: time, logger: logger))
        }
    }

    init(services: OrgServices, timing: Upstream.Timing, time: Timekeeper, logger: Logger) {
        self.services = services
        self.timing = timing
        self.time = time
        self.logger = logger
    }

    /// Throws `UpstreamError`, or `CancellationError`.
    public func topic(_ name: String) async throws -> TopicDescription {
        try await converting(topic: name) {
            let info = try await services.pubSub.topic(name)
            return TopicDescription(
                name: info.topicName, canPublish: info.canPublish, canSubscribe: info.canSubscribe,
                schemaID: info.schemaID.isEmpty ? nil : SchemaID(info.schemaID))
        }
    }

    /// Throws `UpstreamError`, or `CancellationError`.
    public func schema(_ id: SchemaID) async throws -> EventSchema {
        let json = try await converting(topic: nil) { try await services.pubSub.schema(id).schemaJson }
        do {
            return try EventSchema(json: json)
        } catch {
            throw UpstreamError(.schemaUnavailable, "The schema cannot be read: \(error)", cause: error)
        }
    }

    /// Reads a topic until cancelled (it throws `CancellationError`) or until `onEvents` throws (it throws that).
    /// Interruptions are bridged from the last place; failures that last throw `UpstreamError`.
    ///
    /// `onEvents` is called with the events of one message in order (none: a keepalive), the schemas known so far (an
    /// event's own among them, unless the event bus does not give it) and the place behind the message.
    public func subscribe(
        to topic: String, from start: Start,
        onEvents:
            @escaping @Sendable (_ events: [ReceivedEvent], _ schemas: [SchemaID: EventSchema], _ place: ReplayID?)
            async throws -> Void
    ) async throws {
        let cursor: ReplayID? = if case .after(let id) = start { id } else { nil }
        let sink = CallbackSink(cursor: cursor, onEvents: onEvents)
        let subscription = TopicSubscription(
            topic: Upstream.Topic(topic, start: start == .latest ? .latest : .earliest), timing: timing,
            endurance: .failsFast,
            sink: sink, logger: logger)
        let randomness: @Sendable () -> Double = { .random(in: 0..<1) }
        let schemas = SchemaBook(
            pubSub: services.pubSub, sink: sink, timing: timing, time: time, randomness: randomness, logger: logger)
        do {
            try await subscription.run(
                in: TopicSubscription.Surroundings(org: services, schemas: schemas, time: time, randomness: randomness))
        } catch let error as UpstreamError {
            throw sink.failure ?? error
        }
    }

    func converting<Result>(topic: String?, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let failure as CallFailure {
            let cure = ErrorRule.cure(for: failure)
            if topic == nil, cure == .awaitPerson {
                throw UpstreamError(
                    .schemaUnavailable, "The event bus does not give the schema.", reason: failure.reason,
                    cause: failure)
            }
            throw cure.error(for: failure, topic: topic)
        }
    }
}
