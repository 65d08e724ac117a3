import Foundation

/// The figures of a run, for people (`text`) and for programs (`json`). The names of the JSON's members are never changed; there
/// may be more of them.
struct BenchReport: Encodable, Sendable {
    struct Connections: Encodable, Sendable {
        var wanted: Int
        /// To the end.
        var standing: Int
        /// Ended before all their subscriptions were answered.
        var failed: Int
        /// Ended after that.
        var ended: Int
        var ends: [End]
    }

    struct End: Encodable, Sendable {
        var kind: String
        var code: String?
        var count: Int
        /// Whether they had been standing.
        var stood: Bool
        /// What was said to one of them.
        var example: String
    }

    struct Events: Encodable, Sendable {
        var distinct: Int
        var delivered: Int
        var left: Int
        var expected: Int
        var lost: Int
        var duplicate: Int
        var out_of_order: Int
        var gaps: Int
        var in_gaps: Int
        var unreadable: Int
        var not_judged_subscriptions: Int
        var unordered: Int
    }

    struct Rates: Encodable, Sendable {
        var deliveries_per_second: Double
        var bytes_received: Int
    }

    /// Milliseconds.
    struct Distribution: Encodable, Sendable {
        var count: UInt64
        var mean: Double
        var p50: Double
        var p90: Double
        var p99: Double
        var p99_9: Double
        var max: Double

        init(_ durations: Durations) {
            func milliseconds(_ microseconds: Double) -> Double { microseconds.rounded() / 1_000 }
            func percentile(_ percent: Double) -> Double { milliseconds(Double(durations.percentile(percent))) }
            count = durations.count
            mean = milliseconds(durations.mean)
            p50 = percentile(50)
            p90 = percentile(90)
            p99 = percentile(99)
            p99_9 = percentile(99.9)
            max = milliseconds(Double(durations.max))
        }
    }

    struct Published: Encodable, Sendable {
        var changes: Int
        var failed: Int
        /// Of whose events some connection got.
        var seen: Int
        var call_ms: Distribution
        /// From the beginning of a change to the first arrival of its event, and to the last.
        var first_ms: Distribution
        var last_ms: Distribution
    }

    struct Generator: Encodable, Sendable {
        var threads: Int
        /// Of a processor, the busiest thread's share.
        var busiest: Double
    }

    struct Fault: Encodable, Sendable {
        var kind: String
        var connection: Int
        var channel: String
        var replay_id: UInt64?
    }

    var millrace = Millrace.versionNumber
    var url: String
    var interrupted: Bool
    var opening_seconds: Double
    var measured_seconds: Double
    var connections: Connections
    /// Subscriptions that were refused or taken away on connections that have others, by the error's code.
    var subscription_errors: [String: Int]
    var events: Events
    var rates: Rates
    /// From the commit to the arrival.
    var latency_ms: Distribution
    var negative_latencies: UInt64
    /// From the first arrival of an event to its last.
    var spread_ms: Distribution
    var connect_ms: Distribution
    var subscribe_ms: Distribution
    var published: Published?
    var generator: Generator
    var warnings: [String]
    /// Some of what went wrong.
    var faults: [Fault]

    init(_ outcome: BenchRun.Outcome, url: String) {
        let (figures, judgement) = (outcome.figures, outcome.judgement)
        self.url = url
        interrupted = outcome.isInterrupted
        opening_seconds = outcome.opening.seconds
        measured_seconds = outcome.measured.seconds
        let ends = figures.ends.sorted { ($1.value.count, $0.key.sortKey) < ($0.value.count, $1.key.sortKey) }
        connections = Connections(
            wanted: outcome.wantedCount, standing: figures.standingCount,
            failed: figures.ends.reduce(0) { $0 + ($1.key.isEarly ? $1.value.count : 0) },
            ended: figures.ends.reduce(0) { $0 + ($1.key.isEarly ? 0 : $1.value.count) },
            ends: ends.map { end, ending in
                End(
                    kind: end.kind.rawValue, code: end.code, count: ending.count, stood: !end.isEarly,
                    example: ending.example)
            })
        subscription_errors = figures.subscriptionRefusals.mapValues(\.count)
        events = Events(
            distinct: judgement.eventCount, delivered: judgement.deliveryCount, left: figures.leftCount,
            expected: judgement.expectedCount, lost: judgement.lostCount, duplicate: judgement.duplicateCount,
            out_of_order: judgement.outOfOrderCount, gaps: judgement.gapCount, in_gaps: judgement.declaredCount,
            unreadable: figures.unreadableCount, not_judged_subscriptions: judgement.aloneCount,
            unordered: judgement.unorderedCount)
        let seconds = max(outcome.measured.seconds, 0.001)
        rates = Rates(
            deliveries_per_second: (Double(outcome.measuredDeliveries) / seconds * 10).rounded() / 10,
            bytes_received: figures.receivedBytes)
        latency_ms = Distribution(figures.latency)
        negative_latencies = figures.latency.negativeCount
        spread_ms = Distribution(judgement.spread)
        connect_ms = Distribution(figures.connecting)
        subscribe_ms = Distribution(figures.subscribing)
        published = outcome.published.map { published in
            Published(
                changes: published.figures.changeCount, failed: published.figures.failureCount,
                seen: published.seenCount, call_ms: Distribution(published.figures.calls),
                first_ms: Distribution(published.first), last_ms: Distribution(published.last))
        }
        generator = Generator(threads: outcome.threadCount, busiest: (outcome.busiest * 1_000).rounded() / 1_000)
        warnings = Self.warnings(outcome)
        faults = judgement.faults.map {
            Fault(kind: $0.kind.rawValue, connection: $0.connection, channel: $0.channel, replay_id: $0.replayID)
        }
    }

    /// 0: all is well; 1: something was lost, doubled or out of order; 69: nothing was, but not every connection stood to the end.
    var exitStatus: Int32 {
        if events.lost + events.duplicate + events.out_of_order > 0 { return 1 }
        let isWhole = connections.standing == connections.wanted && subscription_errors.isEmpty
        return isWhole ? 0 : ExitStatus.unavailable
    }

    /// Past this share of a processor, the times are also this program's own.
    static let busyMax = 0.8

    private static func warnings(_ outcome: BenchRun.Outcome) -> [String] {
        let (figures, judgement) = (outcome.figures, outcome.judgement)
        var warnings: [String] = []
        if judgement.deliveryCount == 0, figures.standingCount > 0 {
            warnings.append("No event came: latency and loss are not measured. Let something change (--publish).")
        }
        if figures.latency.negativeCount > 0 {
            warnings.append(
                "\(Int(figures.latency.negativeCount).grouped) deliveries came before their commit, by up to "
                    + "\(Milliseconds.text(microseconds: Double(-figures.latency.lowest))) ms: the clocks of the org and of this "
                    + "machine do not agree, and every latency is wrong by as much.")
        }
        if figures.latency.count > 0, figures.subsecondCount == 0 {
            warnings.append(
                "The org gives its commits in whole seconds: every latency is up to a second too long. With --publish, the times "
                    + "from the change are exact.")
        }
        if outcome.busiest > busyMax {
            warnings.append(
                "A thread of this program used \(Int(outcome.busiest * 100)) % of a processor: the latencies are partly its own. "
                    + "Use more --threads, more machines, or fewer connections.")
        }
        if judgement.aloneCount > 0 {
            warnings.append(
                "\(judgement.aloneCount.grouped) subscriptions are alone with their terms: whether they lost an event cannot be seen."
            )
        }
        if judgement.unorderedCount > 0 {
            warnings.append(
                "\(judgement.unorderedCount.grouped) events have replay ids that are no numbers: their loss and order are not judged."
            )
        }
        if figures.unreadableCount > 0 {
            warnings.append("\(figures.unreadableCount.grouped) messages could not be read as the push protocol's.")
        }
        if let published = outcome.published {
            if let failure = published.figures.firstFailure {
                warnings.append(
                    "\(published.figures.failureCount.grouped) calls to the org failed, the first: \(failure)")
            }
            let due = Int(published.perSecond * outcome.measured.seconds)
            let made = Int(clamping: published.figures.calls.count) + published.figures.failureCount
            // Some are late, and the last one may not be due yet.
            if made < due - due / 10 - 1 {
                warnings.append(
                    "\(made.grouped) changes were made where --publish asks for \(due.grouped): the org takes too long for so many."
                )
            }
            let missing = published.figures.changeCount - published.seenCount
            if missing > 0 {
                warnings.append(
                    "Of \(missing.grouped) published changes nobody got the event: no terms ask for them, or they were lost to all."
                )
            }
        }
        #if DEBUG
            warnings.append("This is a debug build, several times slower than a release build.")
        #endif
        return warnings
    }

    /// One object on one line.
    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let text = try? encoder.encode(self) else { preconditionFailure("numbers and texts always encode") }
        return String(decoding: text, as: UTF8.self)
    }
}

extension ConnectionEnd {
    fileprivate var sortKey: String { "\(kind.rawValue) \(code ?? "")" }
}

extension Duration {
    fileprivate var seconds: Double { Double(microseconds / 1_000) / 1_000 }
}
