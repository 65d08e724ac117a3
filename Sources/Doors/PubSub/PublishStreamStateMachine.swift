/// One PublishStream: which topic it is for, and when it has been silent too long.
///
/// The first request fixes the topic; later ones may leave it out or repeat it. A request without events keeps nothing
/// alive. A pure state machine.
struct PublishStreamStateMachine {
    typealias Instant = ContinuousClock.Instant

    /// How long a client may wait with its next event.
    static let idleTimeout = Duration.seconds(70)

    enum RequestReceivedAction: Hashable, Sendable {
        case publish(topic: String)
        case fail(EventBusError.Code, message: String)
    }

    private let idleTimeout: Duration
    private var topic: String?
    private(set) var deadline: Instant

    init(now: Instant, idleTimeout: Duration = PublishStreamStateMachine.idleTimeout) {
        self.idleTimeout = idleTimeout
        deadline = now + idleTimeout
    }

    mutating func requestReceived(topic name: String, events: Int, now: Instant) -> RequestReceivedAction {
        guard events > 0 else {
            return .fail(.requestInvalid, message: "A publish request must have at least one event.")
        }
        deadline = now + idleTimeout
        if let topic {
            guard name.isEmpty || name == topic else {
                return .fail(
                    .topicChanged,
                    message: "The topic of a stream can't change: it is '\(topic)', and this request names '\(name)'.")
            }
            return .publish(topic: topic)
        }
        guard !name.isEmpty else { return .fail(.topicNotFound, message: "The topic name can't be blank.") }
        topic = name
        return .publish(topic: name)
    }
}
