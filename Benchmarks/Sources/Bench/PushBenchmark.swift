import ChangeEvents
import Doors
import Foundation
import Logging
import NIOCore
import NIOPosix
import Store
import Synchronization
import Twin

/// A hub on a real twin behind the real HTTP door, for `scripts/bench-push` to measure.
///
/// Arguments: CONNECTIONS MESSAGES INTERVAL_MS [BURST]. Prints `PORT n` and `TOKEN t`, then `READY` when that many are
/// subscribed; waits for a line on standard input; publishes the messages, BURST (1) of them in one batch per interval, as
/// the org's bus hands them over; prints its figures as JSON.
func runPushBenchmark(arguments: [String]) async throws {
    let numbers = arguments.compactMap { Int($0) }
    guard (3...4).contains(numbers.count) else { throw UsageError() }
    let (connections, messages, interval) = (numbers[0], numbers[1], numbers[2])
    let burst = numbers.count == 4 ? numbers[3] : 1
    let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
    let twin = try await Twin(store: try SQLiteStore.temporary(), configuration: .init(), logger: logger)
    let schema = try EventSchema(json: PushBenchmark.schema)
    try await twin.learn(schema)
    var configuration = PushConfiguration()
    configuration.loopCount = 1
    configuration.connectionsPerSubjectMax = connections
    // The reader connects all of its sockets before it answers a ping.
    configuration.heartbeat = .seconds(300)
    let secret = String(repeating: "benchmark ", count: 4)
    let verifier = try TokenVerifier(algorithm: .hs256, key: secret, issuer: "bench", audience: "bench")
    let token = try TokenSigner(algorithm: .hs256, key: secret, issuer: "bench", audience: "bench").sign(
        subject: "bench", allow: [.init(channel: PushBenchmark.channel)], issuedAt: Int64(Date().timeIntervalSince1970),
        lifetime: .seconds(3600))
    let hub = try PushHub(configuration: configuration, twin: twin, verifier: verifier, logger: logger)
    let door = HTTPDoor(
        configuration: .init(host: "127.0.0.1", port: 0), routes: [], takeovers: [hub], metrics: MetricsRegistry(),
        eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
    let benchmark = PushBenchmark(
        hub: hub, twin: twin, schema: schema, connections: connections, messages: messages,
        interval: .milliseconds(interval), burst: burst)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await hub.run() }
        group.addTask { try await door.run() }
        let port = try await door.listening.address().port ?? 0
        say("PORT \(port)")
        say("TOKEN \(token)")
        try await benchmark.run()
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

struct PushBenchmark {
    static let channel = "/data/CaseChangeEvent"

    var hub: PushHub
    var twin: Twin
    var schema: EventSchema
    var connections: Int
    var messages: Int
    var interval: Duration
    var burst: Int

    func run() async throws {
        // The slope from a fifth on: what the process itself holds, and what NIO keeps for the next handshake, falls out.
        let first = connections / 5
        try await until { hub.statistics().subscriptions >= first }
        let early = (Self.residentBytes(), hub.statistics().subscriptions)
        try await until { hub.statistics().subscriptions == connections }
        try await Task.sleep(for: .seconds(1))
        let residentPerConnection = Double(Self.residentBytes() - early.0) / Double(connections - early.1)
        for number in 0..<3 { try await twin.ingest(try batch(number..<number + 1)) }
        try await until { hub.statistics().deliveries >= 3 * connections }
        say("READY")
        _ = readLine()
        let idleStart = Self.processorSeconds()
        let idleTime = Duration.seconds(2)
        try await Task.sleep(for: idleTime)
        let idlePerSecond = (Self.processorSeconds().all - idleStart.all) / 2

        // Encoded before, and paced by a thread of its own: the org's work is not the server's.
        let batches = try stride(from: 3, to: 3 + messages, by: burst).map {
            try batch($0..<min($0 + burst, 3 + messages))
        }
        let before = (Self.processorSeconds(), hub.statistics(), ContinuousClock.now)
        let pacing = Pacing()
        for await batch in pacing.paced(batches, every: interval) { try await twin.ingest(batch) }
        // The interval leaves time for every delivery: as a rule nothing is waited for here, and asking costs nothing.
        try await until { hub.statistics().deliveries >= (3 + messages) * connections }
        let after = (Self.processorSeconds(), hub.statistics(), ContinuousClock.now)
        let elapsed = (after.2 - before.2) / .seconds(1)
        let deliveries = Double(after.1.deliveries - before.1.deliveries)
        let loops = Double(after.1.cpuNanoseconds - before.1.cpuNanoseconds) / 1e9
        func micro(_ seconds: Double) -> String { String(format: "%.3f", seconds / deliveries * 1e6) }
        say(
            """
            {"cpu_us_per_message": \(micro(after.0.all - before.0.all - idlePerSecond * elapsed - pacing.processorSeconds)), \
            "loop_cpu_us_per_message": \(micro(loops)), "user_us_per_message": \(micro(after.0.user - before.0.user)), \
            "deliveries": \(Int(deliveries)), "frame_bytes": \(Int((Double(after.1.bytesSent - before.1.bytesSent) / deliveries).rounded())), \
            "sends_per_message": \(String(format: "%.3f", Double(after.1.sends - before.1.sends) / deliveries)), \
            "frames_made": \(after.1.framesMade - before.1.framesMade), "parked": \(after.1.parked - before.1.parked), \
            "resident_bytes_per_connection": \(Int(residentPerConnection)), \
            "idle_cpu_us_per_second": \(Int(idlePerSecond * 1e6))}
            """)
    }

    private func batch(_ numbers: Range<Int>) throws -> ReceivedBatch {
        let events = try numbers.map { try event($0) }
        return ReceivedBatch(topic: Self.channel, events: events, latestReplayID: events.last?.replayID)
    }

    private func event(_ number: Int) throws -> ReceivedEvent {
        let header = ChangeEventHeader(
            entityName: "Case", recordIDs: ["500xx000000bpkTAAQ"], changeType: .update, changeOrigin: "",
            transactionKey: "t-\(number)",
            sequenceNumber: 1, commitTimestamp: 1_700_000_000_000, commitNumber: Int64(number),
            commitUser: "005xx000001X8UzAAK",
            changedFields: try schema.bitmap(ofNames: ["Status"]))
        let payload = try schema.encode(header: header, values: ["Status": .string("Working \(number % 10)")])
        return ReceivedEvent(
            topic: Self.channel, replayID: ReplayID(counter: UInt64(1000 + number)), eventID: "e-\(number)",
            schemaID: schema.id, payload: payload)
    }

    private func until(_ condition: () -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(120)
        while !condition() {
            guard ContinuousClock.now < end else { throw PushBenchmarkError.stuck("\(hub.statistics())") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private static func processorSeconds() -> (all: Double, user: Double) {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let user = Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) / 1e6
        return (user + Double(usage.ru_stime.tv_sec) + Double(usage.ru_stime.tv_usec) / 1e6, user)
    }

    private static func residentBytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * Int(getpagesize())
    }

    static let schema = """
        {"type":"record","name":"CaseChangeEvent","namespace":"com.sforce.eventbus","fields":[
        {"name":"ChangeEventHeader","type":{"type":"record","name":"ChangeEventHeader","fields":[
        {"name":"entityName","type":"string"},{"name":"recordIds","type":{"type":"array","items":"string"}},
        {"name":"changeType","type":{"type":"enum","name":"ChangeType","symbols":["CREATE","UPDATE","DELETE","UNDELETE",
        "GAP_CREATE","GAP_UPDATE","GAP_DELETE","GAP_UNDELETE","GAP_OVERFLOW","SNAPSHOT"]}},
        {"name":"changeOrigin","type":"string"},{"name":"transactionKey","type":"string"},{"name":"sequenceNumber","type":"int"},
        {"name":"commitTimestamp","type":"long"},{"name":"commitNumber","type":"long"},{"name":"commitUser","type":"string"},
        {"name":"nulledFields","type":{"type":"array","items":"string"}},
        {"name":"diffFields","type":{"type":"array","items":"string"}},
        {"name":"changedFields","type":{"type":"array","items":"string"}}]},"doc":"Data:ComplexValueType"},
        {"name":"Status","type":["null","string"],"doc":"Data:Picklist","default":null}]}
        """
}

/// The org's side: a thread that hands over a batch each interval. What it costs is known, because it is not the server's.
private final class Pacing: Sendable {
    private let nanoseconds = Atomic<UInt64>(0)

    /// Of the thread, when the stream has ended.
    var processorSeconds: Double { Double(nanoseconds.load(ordering: .acquiring)) / 1e9 }

    func paced(_ batches: [ReceivedBatch], every interval: Duration) -> AsyncStream<ReceivedBatch> {
        let (stream, arrivals) = AsyncStream.makeStream(of: ReceivedBatch.self)
        let start = Date()
        let thread = Thread {
            for (turn, batch) in batches.enumerated() {
                arrivals.yield(batch)
                Thread.sleep(until: start.addingTimeInterval(interval / .seconds(1) * Double(turn + 1)))
            }
            var used = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used)
            self.nanoseconds.store(UInt64(used.tv_sec) * 1_000_000_000 + UInt64(used.tv_nsec), ordering: .releasing)
            arrivals.finish()
        }
        thread.start()
        return stream
    }
}

enum PushBenchmarkError: Error, CustomStringConvertible {
    case stuck(String)

    var description: String {
        switch self {
        case .stuck(let statistics):
            "two minutes have passed and not every connection has what it should: \(statistics)"
        }
    }
}
