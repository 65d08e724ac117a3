import Foundation
import TestSupport
import Testing

@testable import millrace

struct LagTests {
    @Test(
        arguments: [
            (0, .ok, "less than a minute ago"), (90, .ok, "a minute ago"), (3_600, .ok, "60 minutes ago"),
            (86_399, .ok, "23 hours ago"), (86_400, .warning, "lost in 48 hours"),
            (215_999, .warning, "lost in 12 hours"),
            (216_000, .error, "lost in 12 hours"), (259_199, .error, "lost within the hour"),
            (259_200, .error, "have been lost"),
        ] as [(Int, Finding.Weight, String)])
    func theLongerTheSilenceTheGraver(seconds: Int, weight: Finding.Weight, words: String) throws {
        let directory = try TemporaryDirectory()
        let path = directory.url("millrace.sqlite").path
        try Data("a database".utf8).write(to: directory.url("millrace.sqlite"))
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        try FileManager.default.setAttributes(
            [.modificationDate: now.addingTimeInterval(-Double(seconds))], ofItemAtPath: path)
        let finding = Lag.finding(store: .file(path), now: now)
        #expect(finding.weight == weight && finding.message.contains(words), "\(finding)")
        #expect((finding.advice == nil) == (weight == .ok))
    }

    @Test func theWriteAheadFileCountsWhereItHoldsSomething() throws {
        let directory = try TemporaryDirectory()
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        let path = directory.url("millrace.sqlite").path
        #expect(Lag.finding(store: .file(path), now: now).message.contains("nothing was heard yet"))
        for (name, content, age) in [("millrace.sqlite", "old", 80.0), ("millrace.sqlite-wal", "", 0)] {
            try Data(content.utf8).write(to: directory.url(name))
            try FileManager.default.setAttributes(
                [.modificationDate: now.addingTimeInterval(-age * 3_600)], ofItemAtPath: directory.url(name).path)
        }
        #expect(Lag.finding(store: .file(path), now: now).weight == .error)
        try Data("new".utf8).write(to: directory.url("millrace.sqlite-wal"))
        try FileManager.default.setAttributes([.modificationDate: now], ofItemAtPath: path + "-wal")
        #expect(Lag.finding(store: .file(path), now: now).weight == .ok)
    }

    @Test func theTopicThatWasSilentLongestCounts() {
        let metrics = """
            # TYPE millrace_upstream_live gauge
            millrace_upstream_live{topic="/data/A"} 1
            millrace_upstream_live{topic="/data/B"} 0
            # TYPE millrace_upstream_last_message_age_seconds gauge
            millrace_upstream_last_message_age_seconds{topic="/data/A"} 12.5
            millrace_upstream_last_message_age_seconds{topic="/data/B"} 230400.25

            """
        let finding = Lag.finding(metrics: metrics, topics: ["/data/A", "/data/B"])
        #expect(finding.weight == .error && finding.message.hasPrefix("/data/B was last heard 64 hours ago"))
        #expect(Lag.finding(metrics: metrics, topics: ["/data/A"]).weight == .ok)
    }

    @Test func aStreamThatStandsIsHeardBeforeItsFirstMessage() {
        let metrics = #"millrace_upstream_live{topic="/data/A"} "#
        #expect(Lag.finding(metrics: metrics + "1\n", topics: ["/data/A"]) == .ok("lag", "the org is heard"))
        let finding = Lag.finding(metrics: metrics + "0\n", topics: ["/data/A"])
        #expect(finding.weight == .warning && finding.message.contains("/data/A has not been heard since"))
    }
}
