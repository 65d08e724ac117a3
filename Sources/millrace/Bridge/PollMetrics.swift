import Doors
import Twin

/// Polls, as Prometheus sees them: of this process.
struct PollMetrics: Sendable {
    var replica: Replica

    func register(in registry: MetricsRegistry) {
        registry.collect { writer in
            for (object, standing) in replica.pollStandings.sorted(by: { $0.key < $1.key }) {
                writer.gauge(
                    "millrace_poll_last_success_seconds",
                    help: "When the last poll of an object began that was finished, in seconds since 1970.",
                    labels: ["object": object], value: Int(standing.at / 1_000))
                writer.gauge(
                    "millrace_poll_rows", help: "Rows that the last poll of an object has read.",
                    labels: ["object": object], value: standing.rows)
            }
        }
    }
}
