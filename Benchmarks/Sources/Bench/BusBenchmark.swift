import ChangeEvents
import Doors
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import Logging
import NIOPosix
import PubSubAPI
import Sandbox
import Store

/// The sandbox's event bus, from its log to one subscriber: how many events a second come out, read in process and over
/// gRPC, from memory (a subscriber that keeps up) and from the log (one that replays).
///
/// `bench bus [--events N]`: N accounts are created (default 200,000) in transactions of 200.
func runBusBenchmark(arguments: [String]) async throws {
    var count = 200_000
    if let index = arguments.firstIndex(of: "--events"), index + 1 < arguments.count,
        let given = Int(arguments[index + 1])
    {
        count = given
    }
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-bench-\(UUID().uuidString)")
        .path
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await BusBenchmark(directory: directory, count: count).run()
}

struct BusBenchmark {
    static let topic = "/data/AccountChangeEvent"
    /// Newest events that the bus keeps in memory, and a few less.
    static let recentCount = 16_000
    /// As many as a stream may have outstanding.
    static let outstanding: Int32 = 100

    let directory: String
    let count: Int

    func run() async throws {
        let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        var configuration = Sandbox.Configuration()
        configuration.loadsSampleData = false
        configuration.isDurable = false
        let sandbox = try await Sandbox(directory: directory, configuration: configuration, logger: logger)
        let created = try await seconds {
            for start in stride(from: 0, to: count, by: 200) {
                try await sandbox.transaction { transaction in
                    for number in start..<min(start + 200, count) {
                        _ = try transaction.create(
                            "Account",
                            [
                                "Name": .string("Account \(number)"), "Phone": .string("\(number)"),
                                "Industry": .string("Energy"),
                            ])
                    }
                }
            }
        }
        report("published with its records", count, created)
        let bus = OpenBus(bus: sandbox)
        let caller = BusCaller(userID: "", organizationID: "")
        let earliest = try await bus.start(topic: Self.topic, from: .earliest, caller: caller)
        report(
            "read in process, from the log", count, try await seconds { try await read(bus, earliest, count, caller) })
        let head = try await bus.start(topic: Self.topic, from: .latest, caller: caller)
        let recent = min(count, Self.recentCount)
        let place = Position(rawValue: head.rawValue - Int64(recent))
        report("read in process, from memory", recent, try await seconds { try await read(bus, place, recent, caller) })
        try await withDoor(bus, logger) { client in
            report(
                "delivered over gRPC, from the log", count,
                try await seconds { try await subscribe(client, count: count, from: nil) })
            // The replay id before the newest: the counter counts the log's events, and now and then more.
            let read = try await bus.read(topic: Self.topic, after: place, limit: 1, caller: caller)
            let start = read.events.first?.event.replayID
            report(
                "delivered over gRPC, from memory", recent - 1,
                try await seconds { try await subscribe(client, count: recent - 1, from: start) })
        }
        try await sandbox.close()
    }

    private func seconds(_ body: () async throws -> Void) async throws -> Double {
        let start = ContinuousClock.now
        try await body()
        return (ContinuousClock.now - start) / .seconds(1)
    }

    private func report(_ name: String, _ count: Int, _ seconds: Double) {
        print("bus: \(name): \(Int((Double(count) / seconds).rounded())) events/s (\(count) events)")
    }

    private func read(_ bus: any EventBus, _ start: Position, _ count: Int, _ caller: BusCaller) async throws {
        var place = start
        var seen = 0
        while seen < count {
            let read = try await bus.read(topic: Self.topic, after: place, limit: 100, caller: caller)
            precondition(!read.events.isEmpty, "the log ended after \(seen) of \(count) events")
            seen += read.events.count
            place = read.reached
        }
    }

    private func withDoor(
        _ bus: OpenBus, _ logger: Logger,
        _ body: (Eventbus_V1_PubSub.Client<HTTP2ClientTransport.Posix>) async throws -> Void
    ) async throws {
        let door = PubSubDoor(
            configuration: .init(listeners: [.init()]), bus: bus, metrics: MetricsRegistry(),
            eventLoopGroup: .singleton, logger: logger)
        let serving = Task { try await door.run() }
        let port = try await door.listening[0].address().port ?? 0
        try await withGRPCClient(
            transport: .http2NIOPosix(
                target: .ipv4(host: "127.0.0.1", port: port), transportSecurity: .plaintext)
        ) { client in try await body(Eventbus_V1_PubSub.Client(wrapping: client)) }
        door.shutDown()
        try await serving.value
    }

    /// Asks for as many events as came, so that a hundred are always outstanding.
    private func subscribe(
        _ client: Eventbus_V1_PubSub.Client<HTTP2ClientTransport.Posix>, count: Int, from replayID: ReplayID?
    ) async throws {
        let (requests, asking) = AsyncStream.makeStream(of: Int32.self)
        asking.yield(Self.outstanding)
        try await client.subscribe(metadata: [:]) { writer in
            var isFirst = true
            for await number in requests {
                var request = Eventbus_V1_FetchRequest()
                request.topicName = Self.topic
                request.numRequested = number
                if isFirst, let replayID {
                    request.replayPreset = .custom
                    request.replayID = Data(replayID.bytes)
                } else {
                    request.replayPreset = .earliest
                }
                isFirst = false
                try await writer.write(request)
            }
        } onResponse: { response in
            var seen = 0
            for try await message in response.messages {
                seen += message.events.count
                if seen >= count { break }
                if !message.events.isEmpty { asking.yield(Int32(message.events.count)) }
            }
            asking.finish()
        }
    }
}

/// The sandbox's bus for anybody: what authorizing costs is paid once per stream and not measured here.
private struct OpenBus: EventBus {
    let bus: any EventBus

    func authorize(
        accessToken: String?, instanceURL: String?, tenantID: String?
    ) async throws(EventBusError) -> BusCaller {
        BusCaller(userID: "", organizationID: "")
    }
    func topic(_ name: String, caller: BusCaller) async throws(EventBusError) -> TopicDescription {
        try await bus.topic(name, caller: caller)
    }
    func schemaJSON(_ id: String, caller: BusCaller) async throws(EventBusError) -> String {
        try await bus.schemaJSON(id, caller: caller)
    }
    func start(topic: String, from: ReplayStart, caller: BusCaller) async throws(EventBusError) -> Position {
        try await bus.start(topic: topic, from: from, caller: caller)
    }
    func read(topic: String, after: Position, limit: Int, caller: BusCaller) async throws(EventBusError) -> BusRead {
        try await bus.read(topic: topic, after: after, limit: limit, caller: caller)
    }
    func waitForEvents(after: Position, timeout: Duration) async {
        await bus.waitForEvents(after: after, timeout: timeout)
    }
    func publish(
        topic: String, events: [ProducedEvent], caller: BusCaller
    ) async throws(EventBusError) -> PublishAnswer {
        try await bus.publish(topic: topic, events: events, caller: caller)
    }
    func openManaged(_ name: ManagedName, caller: BusCaller) async throws(EventBusError) -> ManagedSlot {
        try await bus.openManaged(name, caller: caller)
    }
    func readManaged(
        _ slot: ManagedSlot, after: Position, limit: Int, caller: BusCaller
    ) async throws(EventBusError) -> BusRead {
        try await bus.readManaged(slot, after: after, limit: limit, caller: caller)
    }
    func commitManaged(_ slot: ManagedSlot, replayID: ReplayID) async throws(EventBusError) -> Int64 {
        try await bus.commitManaged(slot, replayID: replayID)
    }
    func closeManaged(_ slot: ManagedSlot) async { await bus.closeManaged(slot) }
}
