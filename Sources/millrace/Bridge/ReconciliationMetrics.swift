import Doors
import Twin

/// What reconciliations have found, as Prometheus sees it: of all time, since the store keeps it.
struct ReconciliationMetrics: Sendable {
    var replica: Replica

    func register(in registry: MetricsRegistry) {
        registry.collect { writer in
            for (object, standing) in replica.reconciliationStandings.sorted(by: { $0.key < $1.key }) {
                write(standing, of: object, into: &writer)
            }
        }
    }

    private func write(_ standing: ReconciliationStanding, of object: String, into writer: inout MetricsWriter) {
        for (outcome, count) in [("done", standing.runs - standing.failures), ("failed", standing.failures)] {
            writer.counter(
                "millrace_reconciliations_total", help: "Comparisons of an object's table with the org, by their end.",
                labels: ["object": object, "outcome": outcome], value: UInt64(max(0, count)))
        }
        for cause in Difference.Cause.allCases {
            writer.counter(
                "millrace_reconciled_rows_total",
                help: "Rows that were not as in the org and were put right, by cause.",
                labels: ["object": object, "cause": cause.rawValue], value: UInt64(standing.drift[cause] ?? 0))
        }
        if let last = standing.lastDoneAt {
            writer.gauge(
                "millrace_reconciliation_last_success_seconds",
                help: "When the last comparison was finished, in seconds since 1970.", labels: ["object": object],
                value: Int(last / 1_000))
        }
    }
}
