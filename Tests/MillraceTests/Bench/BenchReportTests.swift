import Foundation
import Testing

@testable import millrace

struct BenchReportTests {
    private static let end = ConnectionEnd(kind: .closed, code: "1001", isEarly: false)

    private func outcome(_ change: (inout BenchRun.Outcome) -> Void = { _ in }) -> BenchRun.Outcome {
        var ledger = Ledger()
        let terms = Ledger.Terms(channel: "/data/CaseChangeEvent", condition: nil, grant: "")
        var figures = LoadFigures()
        for connection in 1...2 {
            let subscription = ledger.add(terms, connection: connection)
            ledger.accepted(subscription, at: .number(0))
            for number: UInt64 in 1...3 {
                _ = ledger.received(
                    subscription, EventKey(place: .number(number), record: 1), at: Int64(number) + Int64(connection))
                figures.latency.record(Int64(number) * 1_000)
            }
        }
        figures.standingCount = 2
        var outcome = BenchRun.Outcome(
            figures: figures, judgement: Judgement([ledger], cut: .max), wantedCount: 2, isInterrupted: false,
            measured: .seconds(2), opening: .milliseconds(1_500), measuredDeliveries: 6, busiest: 0.25, threadCount: 1)
        change(&outcome)
        return outcome
    }

    private func report(_ change: (inout BenchRun.Outcome) -> Void = { _ in }) -> BenchReport {
        BenchReport(outcome(change), url: "ws://127.0.0.1:1/push")
    }

    /// Programs read them: none is ever renamed.
    @Test func theMembersOfTheJSONStay() throws {
        let text = report { $0.published = .init(figures: .init(), seenCount: 0, perSecond: 1) }.json
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "millrace", "url", "interrupted", "opening_seconds", "measured_seconds", "connections",
                "subscription_errors",
                "events", "rates", "latency_ms", "negative_latencies", "spread_ms", "connect_ms", "subscribe_ms",
                "published",
                "generator", "warnings", "faults",
            ])
        func keys(_ name: String) -> Set<String> { Set((object[name] as? [String: Any] ?? [:]).keys) }
        #expect(
            keys("events") == [
                "distinct", "delivered", "left", "expected", "lost", "duplicate", "out_of_order", "gaps", "in_gaps",
                "unreadable",
                "not_judged_subscriptions", "unordered",
            ])
        #expect(keys("latency_ms") == ["count", "mean", "p50", "p90", "p99", "p99_9", "max"])
        #expect(keys("connections") == ["wanted", "standing", "failed", "ended", "ends"])
        #expect(keys("published") == ["changes", "failed", "seen", "call_ms", "first_ms", "last_ms"])
        #expect(!text.contains("\n"))
    }

    @Test func theFiguresAreThoseOfTheRun() {
        let report = report()
        #expect(report.events.delivered == 6 && report.events.expected == 6 && report.rates.deliveries_per_second == 3)
        #expect(report.latency_ms.p50 == 2 && report.latency_ms.max == 3 && report.latency_ms.count == 6)
        #expect(report.spread_ms.max == 0.001 && report.opening_seconds == 1.5 && report.exitStatus == 0)
        #expect(
            report.text.contains("2 of 2 stood to the end")
                && report.text.contains("6: 0 lost, 0 duplicate, 0 out of order"))
    }

    @Test func theStatusSaysWhatWentWrong() {
        #expect(report { $0.judgement.lostCount = 1 }.exitStatus == 1)
        #expect(report { $0.judgement.duplicateCount = 1 }.exitStatus == 1)
        #expect(report { $0.judgement.outOfOrderCount = 1 }.exitStatus == 1)
        #expect(report { $0.judgement.declaredCount = 1 }.exitStatus == 0)
        let ended = report {
            $0.figures.ends[Self.end] = .init(count: 1, example: "")
            $0.figures.standingCount = 1
        }
        #expect(ended.exitStatus == 69)
        // Interrupted while they were opened: a connection that was not begun has no end, and the status was 0.
        let interrupted = report {
            $0.isInterrupted = true
            $0.figures.standingCount = 1
        }
        #expect(interrupted.exitStatus == 69)
        #expect(
            report { $0.figures.subscriptionRefusals["forbidden_field"] = .init(count: 1, example: "") }.exitStatus
                == 69)
        let both = report {
            $0.figures.ends[Self.end] = .init(count: 1, example: "")
            $0.judgement.lostCount = 1
        }
        #expect(both.exitStatus == 1)
    }

    @Test func anEndIsToldWithItsCodeAndCount() {
        let report = report {
            $0.figures.ends[Self.end] = .init(count: 1_200, example: "going away")
            $0.figures.ends[.init(kind: .refused, code: "401", isEarly: true)] = .init(count: 3, example: "no token")
        }
        #expect(report.connections.ended == 1_200 && report.connections.failed == 3)
        #expect(report.text.contains("1,200 were closed with 1001 after they had stood: going away"))
        #expect(report.text.contains("3 were refused with HTTP 401: no token"))
        #expect(report.connections.ends.map(\.count) == [1_200, 3], "the most frequent first")
    }

    @Test func whatMakesTheFiguresDoubtfulIsSaid() {
        func warns(_ text: String, _ change: (inout BenchRun.Outcome) -> Void) -> Bool {
            report(change).warnings.contains { $0.contains(text) }
        }
        #expect(warns("clocks") { $0.figures.latency.record(-2_500) })
        #expect(warns("by up to 2.50 ms") { $0.figures.latency.record(-2_500) })
        #expect(warns("81 % of a processor") { $0.busiest = 0.81 })
        #expect(!warns("of a processor") { $0.busiest = 0.8 })
        #expect(warns("whole seconds") { $0.figures.subsecondCount = 0 })
        #expect(!warns("whole seconds") { $0.figures.subsecondCount = 1 })
        #expect(warns("No event came") { $0.judgement = Judgement([], cut: 0) })
        #expect(warns("alone") { $0.judgement.aloneCount = 1 })
        #expect(
            warns("nobody got the event") {
                var figures = Publisher.Figures()
                figures.changeCount = 5
                $0.published = .init(figures: figures, seenCount: 4, perSecond: 1)
            })
        // In two seconds 100 changes are due.
        func isSlow(_ made: Int) -> Bool {
            warns("the org takes too long") {
                var figures = Publisher.Figures()
                for _ in 0..<made { figures.calls.record(1) }
                $0.published = .init(figures: figures, seenCount: 0, perSecond: 50)
            }
        }
        #expect(isSlow(88) && !isSlow(89))
    }

    @Test func negativeLatenciesCountAsZero() {
        var durations = Durations()
        durations.record(-5)
        durations.record(7)
        #expect(durations.negativeCount == 1 && durations.lowest == -5 && durations.count == 2 && durations.max == 7)
        #expect(durations.percentile(50) == 0 && durations.percentile(100) == 7)
        durations.record(.max)
        #expect(durations.max >= Durations.microsecondsMax)
        #expect(Durations().percentile(99) == 0 && Durations().max == 0)
    }

    @Test func theProgressFitsALine() {
        let states: [ProgressLine.State] = [
            .opening(standing: 123_456, failed: 654_321, wanted: 1_000_000), .settling,
            .opening(standing: 0, failed: 0, wanted: 0),
            .measuring(
                elapsed: .seconds(86_399), of: .seconds(86_400), standing: 1_000_000, deliveries: 1, slowest: 99_999_999
            ),
        ]
        for state in states {
            let text = ProgressLine.text(state, deliveriesPerSecond: 12_345_678)
            #expect(text.count <= TerminalLine.columns && !text.contains("\n"))
        }
        #expect(
            1_234_567.grouped == "1,234,567" && 999.grouped == "999" && (-1_000).grouped == "-1,000" && 0.grouped == "0"
        )
    }
}
