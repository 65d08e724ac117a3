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
import Twin

/// The sandbox's event bus, from its log to one subscriber: how many events a second come out, read in process and over
/// gRPC, from memory (a subscriber that keeps up) and from the log (one that replays). Beside the rate of the clock stands
/// the processor time of all sides together, which says what one core would do.
///
/// `bench bus [--events N] [--deliveries N]`: so many accounts are created (default 20,000), and so many events delivered in
/// each measurement (default 200,000), by replaying as often as that takes.
func runBusBenchmark(arguments: [String]) async throws {
    func number(_ name: String, _ standard: Int) -> Int {
        guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count,
            let given = Int(arguments[index + 1]), given > 0
        else { return standard }
        return given
    }
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-bench-\(UUID().uuidString)")
        .path
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await BusBenchmark(
        directory: directory, count: number("--events", 20_000), deliveries: number("--deliveries", 200_000)
    ).run()
}

struct BusBenchmark {
    static let topic = "/data/AccountChangeEvent"
    /// As many as a stream may have outstanding.
    static let outstanding: Int32 = 100

    let directory: String
    let count: Int
    let deliveries: Int

    func run() async throws {
        let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        var configuration = Sandbox.Configuration()
        configuration.loadsSampleData = false
        configuration.isDurable = false
        configuration.allocations = .addOn
        var sandbox = try await Sandbox(directory: directory, configuration: configuration, logger: logger)
        try await measure("published with their records", count) { try await publish(to: sandbox) }
        let caller = BusCaller(userID: "", organizationID: "")
        let rounds = max(1, deliveries / count)
        let earliest = try await sandbox.start(topic: Self.topic, from: .earliest, caller: caller)
        // The memory holds 16,384 events: fewer than there are means that the first of them come from the log.
        try await measure("read in process, from memory", rounds * count) { [sandbox] in
            for _ in 0..<rounds { try await read(sandbox, earliest, count, caller) }
        }
        try await withDoor(OpenBus(bus: sandbox), logger) { client in
            try await measure("delivered over gRPC, from memory", rounds * count) {
                for _ in 0..<rounds { try await subscribe(client, count: count) }
            }
        }
        try await sandbox.close()
        // Opened again, the memory is empty.
        sandbox = try await Sandbox(directory: directory, configuration: configuration, logger: logger)
        try await measure("read in process, from the log", count) { [sandbox] in
            try await read(sandbox, earliest, count, caller)
        }
        try await withDoor(OpenBus(bus: sandbox), logger) { client in
            try await measure("delivered over gRPC, from the log", rounds * count) {
                for _ in 0..<rounds { try await subscribe(client, count: count) }
            }
        }
        try await sandbox.close()
    }

    private func publish(to sandbox: Sandbox) async throws {
        for start in stride(from: 0, to: count, by: 200) {
            let numbers = start..<min(start + 200, count)
            try await sandbox.transaction { transaction in
                for number in numbers {
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

    private func measure(_ name: String, _ count: Int, _ body: () async throws -> Void) async throws {
        let start = ContinuousClock.now
        let processor = processorSeconds()
        try await body()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let cost = (processorSeconds() - processor) * 1e6 / Double(count)
        print(
            "bus: \(name): \(Int((Double(count) / seconds).rounded())) events/s, "
                + "\((cost * 10).rounded() / 10) µs of processor time each (\(count) events)")
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

    /// Replays everything, asking for as many events as came, so that a hundred are always outstanding.
    private func subscribe(_ client: Eventbus_V1_PubSub.Client<HTTP2ClientTransport.Posix>, count: Int) async throws {
        let (requests, asking) = AsyncStream.makeStream(of: Int32.self)
        asking.yield(Self.outstanding)
        try await client.subscribe(metadata: [:]) { writer in
            for await number in requests {
                var request = Eventbus_V1_FetchRequest()
                request.topicName = Self.topic
                request.numRequested = number
                request.replayPreset = .earliest
                try await writer.write(request)
            }
        } onResponse: { response in
            var seen = 0
            for try await message in response.messages {
                seen += message.events.count
                if seen >= count { break }
                if !message.events.isEmpty { asking.yield(Int32(message.events.count)) }
            }
            precondition(seen == count, "\(seen) of \(count) events came")
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
    func lookTicket() -> LookTicket { bus.lookTicket() }
    func waitForEvents(after: Position, since look: LookTicket, timeout: Duration) async {
        await bus.waitForEvents(after: after, since: look, timeout: timeout)
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
