import ChangeEvents
import Store
import TestSupport
import Testing

@testable import Doors

/// What a loop does when things meet that meet seldom, turn by turn.
@Suite(.timeLimit(.minutes(5)))
struct PushLoopTests {
    private static let all = "/data/ChangeEvents"

    private func subscribed(_ bench: LoopBench, sendBytes: Int? = nil) async throws -> (client: RawClient, row: UInt32)
    {
        let (client, row) = try await bench.open(sendBytes: sendBytes)
        try client.send(text: #"{"type":"subscribe","id":1,"channel":"\#(PushFixture.channel)"}"#)
        try await bench.turns(until: "subscribed") { bench.loop.subscriptions.count == 1 }
        #expect(try await client.message().type == "subscribed")
        return (client, row)
    }

    /// Pongs once queued without a bound while the socket took nothing: a client that only asks could fill the memory.
    @Test func whoAsksWithoutReadingIsCutOff() async throws {
        let bench = try await LoopBench {
            $0.messagesPerSecondMax = 1_000_000
            $0.closeTimeout = .seconds(120)
        }
        let (client, _) = try await bench.open(sendBytes: 4096)
        let pings = (0..<16).flatMap { _ in RawClient.frame(opcode: 9, [UInt8](repeating: 7, count: 125)) }
        var most = 0
        try await poll("it is cut off", every: .milliseconds(1)) {
            try await client.send(pings)
            bench.turn()
            most = max(most, bench.loop.queue.count)
            return bench.loop.statistics.closes[4408] != nil
        }
        #expect(bench.loop.statistics.closes[4408] == 1)
        #expect(most <= Int(PushLoop.answersWaitingMax) + 1)
        var code: UInt16?
        // With turns while nothing comes: the sockets take what is left when acknowledgements make room.
        try await poll("the close frame", every: .milliseconds(1)) {
            bench.turn()
            while code == nil, let frame = client.frameIfAny(), frame != .end { code = frame.closeCode }
            return code != nil
        }
        #expect(code == 4408)
    }

    /// Whoever does not read has a bounded part of what is new queued, and reads the rest from the log later.
    @Test(arguments: [(count: 40, bytes: 1 << 20), (count: 1000, bytes: 4096)])
    func theQueueOfWhoDoesNotReadIsBounded(count: Int, bytes: Int) async throws {
        let bench = try await LoopBench {
            $0.queueCountMax = count
            $0.queueBytesMax = bytes
        }
        let (client, row) = try await subscribed(bench, sendBytes: 4096)
        var most = (count: 0, bytes: 0)
        for number in 1...3000 {
            bench.loop.deliver(LoopBench.item(number))
            bench.turn()
            let connection = bench.loop.connections[row]
            most = (max(most.count, Int(connection.queueCount)), max(most.bytes, Int(connection.queueBytes)))
        }
        // The last frame may reach over the bound of bytes.
        #expect(most.count <= count && most.bytes <= bytes + 2048, "\(most)")
        #expect(most.count == count || most.bytes >= bytes, "the bound was reached: \(most)")
        #expect(bench.loop.statistics.parked == 1 && bench.loop.statistics.framesQueued <= count)
        #expect(bench.loop.connections[row].flags.contains(.isBehind))
        _ = client
    }

    /// A window of what was read for a connection once went into its queue whole, whatever the bound.
    @Test func theQueueIsBoundedWhileCatchingUp() async throws {
        let head = LogPlace(event: Position(rawValue: 100))
        let bench = try await LoopBench(head: Position(rawValue: 100)) {
            $0.queueCountMax = 8
        }
        let (client, row) = try await bench.open(sendBytes: 4096, receiveBytes: PushFixture.smallBuffer)
        try client.send(text: #"{"type":"subscribe","id":1,"channel":"\#(PushFixture.channel)","replay":-2}"#)
        try await bench.turns(until: "it reads") { bench.loop.connections[row].flags.contains(.isReading) }
        #expect(try await client.message().type == "subscribed")
        let slot = try bench.subscription(row, channel: PushFixture.channel)

        // Several times what the sockets hold.
        let items = (1...100).map { LoopBench.item($0, padding: 8_000) }
        var (most, wasBlocked) = (0, false)
        func look() {
            let connection = bench.loop.connections[row]
            most = max(most, Int(connection.queueCount))
            wasBlocked = wasBlocked || connection.flags.contains(.isBlocked)
        }
        /// A turn, and what the reader would answer to a question in it.
        func step() {
            bench.turn()
            look()
            guard bench.loop.connections[row].flags.contains(.isReading) else { return }
            let place = bench.loop.subscriptions[slot].place
            bench.loop.chunkRead(
                LogQuestion(
                    loop: 0, connection: row, generation: bench.loop.connections[row].generation,
                    kind: .chunk(ChunkWish(after: place, selection: .all))),
                .items(items.filter { $0.place > place }, retained: .start, reached: head))
            look()
        }
        var (sent, quiet) = (0, 0)
        try await poll("the sockets are full") {
            step()
            quiet = bench.loop.statistics.bytesSent == sent ? quiet + 1 : 0
            sent = bench.loop.statistics.bytesSent
            // Longer than an acknowledgement may be put off.
            return quiet == 40
        }
        #expect(wasBlocked && bench.loop.connections[row].flags.contains(.isBehind))
        #expect((1...8).contains(most), "\(most)")
        // What is new is read from the loop's own memory later.
        for number in 101...150 {
            bench.loop.deliver(LoopBench.item(number, padding: 8_000))
            step()
        }
        #expect(most <= 8, "\(most)")

        var seen: [UInt64] = []
        try await poll("everything has come", every: .milliseconds(1)) {
            step()
            while let message = try client.messageIfAny() {
                #expect(message.type == "event")
                seen.append(try #require(message.replay))
            }
            return seen.count >= 150
        }
        #expect(seen == Array(1...150))
        #expect(most <= 8, "\(most)")
        try await bench.turns(until: "live") { !bench.loop.connections[row].flags.contains(.isBehind) }
        #expect(bench.loop.statistics.gaps == 0 && bench.loop.statistics.framesQueued == 0)
    }

    /// A checkpoint once stayed in the queue while the events before it were taken back: who left then missed them.
    @Test func aCheckpointIsTakenBackWithTheEventsBeforeIt() async throws {
        let bench = try await LoopBench()
        let (client, row) = try await subscribed(bench)
        bench.loop.deliver(LoopBench.item(1))
        bench.loop.deliver(LoopBench.item(2, topic: "/data/AccountChangeEvent", event: "AccountChangeEvent"))
        bench.loop.checkpoint(try bench.subscription(row, channel: PushFixture.channel))
        #expect(bench.loop.connections[row].queueCount == 2)
        let narrow = try PushFixture.token(allow: [.init(channel: PushFixture.channel, fields: ["Status"])])
        bench.loop.authenticate(row, id: nil, token: narrow)
        try await bench.turns(until: "live again") {
            bench.loop.connections[row].flags.isDisjoint(with: [.isBehind, .isScheduled])
        }
        let first = try await client.message()
        #expect(first.type == "event" && first.replay == 1, "\(first)")
    }

    /// The request once got no answer when retention passed another subscription of its connection meanwhile.
    @Test func aPlaceThatIsLookedUpOutlivesTheLossOfAnother() async throws {
        let bench = try await LoopBench(head: Position(rawValue: 10))
        let (client, row) = try await bench.open(allow: [.init(channel: PushFixture.channel), .init(channel: Self.all)])
        try client.send(text: #"{"type":"subscribe","id":1,"channel":"\#(PushFixture.channel)","replay":-2}"#)
        try await bench.turns(until: "it begins") { bench.loop.subscriptions.count == 1 }
        bench.loop.subscriptions[0].place = LogPlace(event: Position(rawValue: 2))
        try await bench.turns(until: "it reads") { bench.loop.connections[row].flags.contains(.isReading) }
        try client.send(text: #"{"type":"subscribe","id":2,"channel":"\#(Self.all)","replay":999}"#)
        try await bench.turns(until: "it is looked up") { bench.loop.subscriptions.count == 2 }
        let slot = try bench.subscription(row, channel: Self.all)
        func question(_ kind: LogQuestion.Kind) -> LogQuestion {
            LogQuestion(loop: 0, connection: row, generation: bench.loop.connections[row].generation, kind: kind)
        }
        bench.loop.chunkRead(
            question(.chunk(ChunkWish(after: .start, selection: .all))),
            .items([], retained: Position(rawValue: 5), reached: .start))
        bench.loop.placed(
            question(
                .place(
                    subscription: slot, stamp: bench.loop.subscriptions[slot].stamp, id: .integer(2),
                    ReplayID(counter: 999), channel: Self.all)), .unknown)
        bench.turn()
        var seen: [String] = []
        for _ in 0..<4 {
            let message = try await client.message()
            seen.append("\(message.type) \(message["id"] ?? message["channel"] ?? "")")
        }
        #expect(
            seen == ["subscribed 1", "gap \(PushFixture.channel)", "subscribed 2", "gap \(Self.all)"], "\(seen)")
    }

    /// Who asked for all that is retained once hid the loss of another subscription of the connection.
    @Test func oneThatReadsFromTheStartHidesNoLoss() async throws {
        let bench = try await LoopBench(head: Position(rawValue: 10))
        let (client, row) = try await bench.open(allow: [.init(channel: PushFixture.channel), .init(channel: Self.all)])
        for (id, channel) in [(1, PushFixture.channel), (2, Self.all)] {
            try client.send(text: #"{"type":"subscribe","id":\#(id),"channel":"\#(channel)","replay":-2}"#)
        }
        try await bench.turns(until: "it reads") {
            bench.loop.subscriptions.count == 2 && bench.loop.connections[row].flags.contains(.isReading)
        }
        // It has been somewhere in the log, slowly.
        let slow = try bench.subscription(row, channel: Self.all)
        bench.loop.subscriptions[slow].place = LogPlace(event: Position(rawValue: 2))
        bench.loop.chunkRead(
            LogQuestion(
                loop: 0, connection: row, generation: bench.loop.connections[row].generation,
                kind: .chunk(ChunkWish(after: .start, selection: .all))),
            .items(
                [LoopBench.item(7)], retained: Position(rawValue: 5), reached: LogPlace(event: Position(rawValue: 10))))
        bench.turn()
        var seen: [String] = []
        for _ in 0..<4 {
            let message = try await client.message()
            seen.append("\(message.type) \(message["channel"] ?? "")")
        }
        #expect(seen.suffix(2) == ["gap \(Self.all)", "event \(PushFixture.channel)"], "\(seen)")
    }

    /// A connection that was ending already once sent what it had queued to a subject that was revoked.
    @Test func aRevokedSubjectGetsNothingFromAnEndingConnectionEither() async throws {
        let bench = try await LoopBench()
        let (client, row) = try await subscribed(bench)
        bench.loop.deliver(LoopBench.item(1))
        bench.loop.finishAfterQueue(row, code: CloseCode.policy, reason: "enough")
        bench.loop.revoke(.subject("alice", issuedUpTo: .max))
        bench.turn()
        #expect(try await client.frame().closeCode == CloseCode.policy)
    }

    /// A crowd whose tokens end at once was once closed in one turn, for half a second of which nobody else was served. Now a turn
    /// says a bounded number of goodbyes, and whoever waits for its own gets nothing and is not listened to.
    @Test(arguments: [Goodbye.Reason.revoked, .expired])
    func aCrowdIsDismissedInSlices(_ reason: Goodbye.Reason) async throws {
        let bench = try await LoopBench { $0.connectionsPerSubjectMax = .max }
        var crowd: [RawClient] = []
        let count = PushLoop.burialsPerTurn + 20
        for _ in 0..<count {
            let client = try await bench.open().client
            try client.send(text: #"{"type":"subscribe","id":1,"channel":"\#(PushFixture.channel)"}"#)
            crowd.append(client)
        }
        let (bystander, _) = try await bench.open(subject: "bob")
        try bystander.send(text: #"{"type":"subscribe","id":1,"channel":"\#(PushFixture.channel)"}"#)
        try await bench.turns(until: "all subscribed") { bench.loop.subscriptions.count == count + 1 }
        for client in crowd + [bystander] { #expect(try await client.message().type == "subscribed") }

        for client in crowd { try client.send(text: #"{"type":"ping"}"#) }
        if reason == .revoked {
            bench.loop.revoke(.subject("alice", issuedUpTo: .max))
        } else {
            for row in 0..<UInt32(count) { bench.loop.dismiss(row, .expired) }
        }
        bench.loop.deliver(LoopBench.item(1))
        bench.turn()
        #expect(try await bystander.message().type == "event")
        #expect(bench.loop.statistics.closes == [CloseCode.unauthorized: PushLoop.burialsPerTurn])
        bench.turn()
        #expect(bench.loop.statistics.closes == [CloseCode.unauthorized: count])
        for client in crowd { #expect(try await client.frame().closeCode == CloseCode.unauthorized) }
        for client in crowd { client.shut() }
        try await bench.turns(until: "they are gone") { bench.loop.connections.count == 1 }
        #expect(bench.loop.goodbyes.isEmpty && bench.loop.subscriptions.count == 1)
    }

    /// Each code that a client made up was once a time series of its own.
    @Test func codesThatClientsMakeUpAreCountedAsOne() async throws {
        let bench = try await LoopBench()
        for code in [4999, 3000, 1000] as [UInt16] {
            let (client, _) = try await bench.open()
            try await client.send(RawClient.frame(opcode: 8, [UInt8(code >> 8), UInt8(code & 0xFF)]))
            let before = bench.loop.statistics.closes.values.reduce(0, +)
            try await bench.turns(until: "closed") { bench.loop.statistics.closes.values.reduce(0, +) > before }
            #expect(try await client.frame().closeCode == code)
            client.shut()
            try await bench.turns(until: "gone") { bench.loop.connections.count == 0 }
        }
        #expect(bench.loop.statistics.closes == [1000: 3])
    }
}
