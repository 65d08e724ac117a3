import ChangeEvents
import Doors
import Foundation
import Logging
import NIOCore
import NIOPosix
import Store
import Twin

/// A hub on a real twin behind the real HTTP door, for `scripts/bench-push` and `scripts/bench-push-peers` to measure from outside.
///
/// Arguments: `heartbeat=SECONDS` (25), `wide=FIELDS` (0: that many short fields in each event). Prints `PORT n`, then obeys
/// lines of standard input and ends with it:
///
/// - `publish COUNT BURST INTERVAL_MS BYTES [PARTS]`: so many events of so many bytes, BURST of them in one batch per interval,
///   as the org's bus hands them over; `PUBLISHED` with what handing over cost. Event n is of part n modulo PARTS (1).
/// - `statistics`: the hub's, as JSON.
/// - `revoke SUBJECT`: `REVOKED` when the revocation is in force and stored.
///
/// With `tokens KIND COUNT` it prints tokens for that hub and ends: made elsewhere, they leave no trace in the hub's memory.
func runPushBenchmark(arguments: [String]) async throws {
    if arguments.first == "tokens" { return try PushBenchmarkTokens(arguments: arguments.dropFirst()).write() }
    var configuration = PushConfiguration()
    configuration.loopCount = 1
    configuration.connectionsPerSubjectMax = configuration.connectionsMax
    var wide = 0
    for argument in arguments {
        let pair = argument.split(separator: "=").map(String.init)
        guard pair.count == 2, let number = Int(pair[1]) else { throw UsageError() }
        switch pair[0] {
        case "heartbeat": configuration.heartbeat = .seconds(number)
        case "wide": wide = number
        default: throw UsageError()
        }
    }
    let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
    let events = try PushBenchmarkEvents(wide: wide)
    let twin = try await Twin(store: try SQLiteStore.temporary(), configuration: .init(), logger: logger)
    try await twin.learn(events.schema)
    let hub = try PushHub(
        configuration: configuration, twin: twin, verifier: try PushBenchmarkTokens.verifier(), logger: logger)
    let door = HTTPDoor(
        configuration: .init(host: "127.0.0.1", port: 0), routes: [], takeovers: [hub], metrics: MetricsRegistry(),
        eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await hub.run() }
        group.addTask { try await door.run() }
        say("PORT \(try await door.listening.address().port ?? 0)")
        try await PushBenchmark(hub: hub, twin: twin, events: events).serve()
        group.cancelAll()
        do {
            try await group.waitForAll()
        } catch is CancellationError {
            // What was asked for.
        }
    }
}

private func say(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

/// Obeys the script. One `publish` at a time; other commands are answered meanwhile.
private struct PushBenchmark {
    let hub: PushHub
    let twin: Twin
    let events: PushBenchmarkEvents

    func serve() async throws {
        var published = 0
        try await withThrowingTaskGroup(of: Void.self) { group in
            for await line in Self.lines() {
                let words = line.split(separator: " ").map(String.init)
                let numbers = words.dropFirst().compactMap { Int($0) }
                switch words.first {
                case "publish" where (4...5).contains(numbers.count):
                    let plan = Publication(
                        numbers: published..<published + numbers[0], burst: numbers[1],
                        interval: .milliseconds(numbers[2]), bytes: numbers[3],
                        parts: numbers.count == 5 ? numbers[4] : 1)
                    published += numbers[0]
                    group.addTask { try await publish(plan) }
                case "statistics": say(Self.text(of: hub.statistics()))
                case "revoke" where words.count == 2:
                    try await hub.revoke(.subject(words[1], issuedUpTo: Int64(Date().timeIntervalSince1970)))
                    say("REVOKED")
                default: throw UsageError()
                }
            }
            try await group.waitForAll()
        }
    }

    /// Says how it failed, because the script waits for the answer.
    private func publish(_ plan: Publication) async throws {
        do {
            let pacing = PushBenchmarkPacing(events: events)
            for try await batch in pacing.batches(plan) { try await twin.ingest(batch) }
            say("PUBLISHED {\"pacing_seconds\": \(pacing.processorSeconds)}")
        } catch {
            say("FAILED \(error)")
            throw error
        }
    }

    /// Read by a thread of its own: a blocked one of the shared pool would be missing while events flow.
    private static func lines() -> AsyncStream<String> {
        let (stream, arrivals) = AsyncStream.makeStream(of: String.self)
        let thread = Thread {
            while let line = readLine() { arrivals.yield(line) }
            arrivals.finish()
        }
        thread.start()
        return stream
    }

    private static func text(of statistics: PushStatistics) -> String {
        """
        {"subscriptions": \(statistics.subscriptions), "connections": \(statistics.connections), \
        "behind": \(statistics.connectionsBehind), "deliveries": \(statistics.deliveries), \
        "frames_made": \(statistics.framesMade), "sends": \(statistics.sends), "bytes_sent": \(statistics.bytesSent), \
        "parked": \(statistics.parked), "chunks_read": \(statistics.chunksRead), "gaps": \(statistics.gaps), \
        "loop_cpu_seconds": \(Double(statistics.cpuNanoseconds) / 1e9)}
        """
    }
}
