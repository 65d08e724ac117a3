/// Why a connection is not there.
struct ConnectionEnd: Hashable, Sendable {
    enum Kind: String, Encodable, Sendable {
        /// TCP or TLS did not come about.
        case unreachable
        /// The upgrade was answered with another HTTP status.
        case refused
        /// Every subscription was answered with an error.
        case subscriptionRefused = "subscription_refused"
        /// Answers, or a heartbeat, did not come in time.
        case timedOut = "timed_out"
        /// A close frame.
        case closed
        /// It ended without one.
        case cut
        /// The server does not speak the protocol.
        case violation
    }

    var kind: Kind
    /// An HTTP status, a close code, an error's code, or what was waited for.
    var code: String?
    /// Before all its subscriptions stood: it was never one of those that are measured.
    var isEarly: Bool
}

/// What one thread has measured.
struct LoadFigures: Sendable {
    struct Ending: Sendable {
        var count = 0
        /// What was said to the first of them.
        var example: String
    }

    var ledger = Ledger()
    /// From the commit to the arrival.
    var latency = Durations()
    /// Latencies whose commit lies within a second, not at its beginning.
    var subsecondCount = 0
    /// From the beginning of the connection to the answered upgrade.
    var connecting = Durations()
    /// From the `subscribe` to its answer.
    var subscribing = Durations()
    var standingCount = 0
    var ends: [ConnectionEnd: Ending] = [:]
    /// Subscriptions answered with an error on connections that have others.
    var subscriptionRefusals: [String: Ending] = [:]
    var leftCount = 0
    /// Messages that are none of the protocol, and events of channels that were not asked for.
    var unreadableCount = 0
    var receivedBytes = 0

    /// Of all threads, without the ledger.
    static func + (sum: Self, other: Self) -> Self {
        var sum = sum
        sum.latency.add(other.latency)
        sum.subsecondCount += other.subsecondCount
        sum.connecting.add(other.connecting)
        sum.subscribing.add(other.subscribing)
        sum.standingCount += other.standingCount
        sum.leftCount += other.leftCount
        sum.unreadableCount += other.unreadableCount
        sum.receivedBytes += other.receivedBytes
        for (end, ending) in other.ends {
            sum.ends[end, default: Ending(example: ending.example)].count += ending.count
        }
        for (code, ending) in other.subscriptionRefusals {
            sum.subscriptionRefusals[code, default: Ending(example: ending.example)].count += ending.count
        }
        return sum
    }
}
