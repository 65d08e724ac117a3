/// The table that a person reads.
extension BenchReport {
    private static let nameColumns = 16
    private static let valueColumns = 10

    var text: String {
        var lines = ["\(url), \(Self.seconds(measured_seconds))\(interrupted ? " (interrupted)" : "")", ""]
        lines.append(
            row("connections", "\(connections.standing.grouped) of \(connections.wanted.grouped) stood to the end"))
        for end in connections.ends {
            let code = end.code.map { " \($0)" } ?? ""
            let example = end.example.isEmpty ? "" : ": \(end.example)"
            let stood = end.stood ? " after they had stood" : ""
            lines.append(row("", "\(end.count.grouped) \(Self.words(end))\(code)\(stood)\(example)"))
        }
        for (code, count) in subscription_errors.sorted(by: { $0.key < $1.key }) {
            lines.append(row("", "\(count.grouped) subscriptions ended with the error \(code)"))
        }
        lines.append(
            row(
                "events",
                "\(events.distinct.grouped) different ones, \(events.delivered.grouped) deliveries"
                    + (events.left > 0 ? " (\(events.left.grouped) left)" : "")
                    + ", \(Int(rates.deliveries_per_second).grouped)/s, \(bytes(rates.bytes_received))"))
        lines.append(
            row(
                "of expected",
                "\(events.expected.grouped): \(events.lost.grouped) lost, \(events.duplicate.grouped) duplicate, "
                    + "\(events.out_of_order.grouped) out of order"
                    + (events.gaps > 0 ? "; \(events.in_gaps.grouped) in \(events.gaps.grouped) declared gaps" : "")))
        if let published {
            lines.append(
                row(
                    "published",
                    "\(published.changes.grouped) changes, \(published.seen.grouped) seen, \(published.failed.grouped) failed"
                ))
        }
        lines.append(
            row(
                "this program",
                "\(Int((generator.busiest * 100).rounded())) % of a processor on the busiest of \(generator.threads) threads"
            ))
        lines += ["", table]
        if !faults.isEmpty { lines += ["", "What went wrong, for example:"] + faults.map(Self.line) }
        if !warnings.isEmpty { lines += [""] + warnings.map { "Note: " + $0 } }
        return lines.joined(separator: "\n")
    }

    private var table: String {
        let columns = ["p50", "p90", "p99", "p99.9", "max", "count"]
        var rows: [(String, Distribution)] = [
            ("latency", latency_ms), ("spread", spread_ms), ("connect", connect_ms), ("subscribe", subscribe_ms),
        ]
        if let published {
            rows += [
                ("change to first", published.first_ms), ("change to last", published.last_ms),
                ("org's call", published.call_ms),
            ]
        }
        let head = Self.padded("milliseconds", Self.nameColumns) + columns.map { Self.aligned($0) }.joined()
        let lines = rows.map { name, figures in
            let values = [figures.p50, figures.p90, figures.p99, figures.p99_9, figures.max].map { value in
                Self.aligned(figures.count == 0 ? "-" : Milliseconds.text(microseconds: value * 1_000))
            }
            return Self.padded(name, Self.nameColumns) + values.joined()
                + Self.aligned(Int(clamping: figures.count).grouped)
        }
        return ([head] + lines).joined(separator: "\n")
    }

    private static func words(_ end: End) -> String {
        switch ConnectionEnd.Kind(rawValue: end.kind) {
        case .unreachable: "could not connect: error"
        case .refused: "were refused with HTTP"
        case .subscriptionRefused: "got no subscription:"
        case .timedOut: "waited in vain for"
        case .closed: "were closed with"
        case .cut: "were cut off"
        case .violation, nil: "met a server that does not speak the protocol"
        }
    }

    private static func line(_ fault: Fault) -> String {
        let place = fault.replay_id.map { "replayId \($0)" } ?? "an event without a number"
        let kind = fault.kind.replacing("_", with: " ")
        return "  \(padded(kind, 14))connection \(fault.connection), \(fault.channel), \(place)"
    }

    private func row(_ name: String, _ value: String) -> String { Self.padded(name, Self.nameColumns) + value }

    private static func padded(_ text: String, _ columns: Int) -> String {
        text + String(repeating: " ", count: max(1, columns - text.count))
    }

    private static func aligned(_ text: String) -> String {
        String(repeating: " ", count: max(1, valueColumns - text.count)) + text
    }

    private static func seconds(_ seconds: Double) -> String { "\(Int(seconds.rounded())) s measured" }

    private func bytes(_ count: Int) -> String {
        count >= 10_000_000 ? "\((count / 1_000_000).grouped) MB" : "\((count / 1_000).grouped) KB"
    }
}
