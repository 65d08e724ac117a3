import ChangeEvents
import Doors
import NIOCore
import Store
import Testing

@testable import Sandbox

/// Reading ahead for subscribers that replay.
struct LogChunksTests {
    private func events(_ positions: [Int64]) -> [ArrivedEvent] {
        positions.map { number in
            ArrivedEvent(
                position: Position(rawValue: number),
                event: ReceivedEvent(
                    topic: "/t", replayID: ReplayID(counter: UInt64(number)), eventID: "\(number)",
                    schemaID: SchemaID("s"), payload: ByteBuffer()), receivedAt: number)
        }
    }

    private func kept(_ positions: [Int64], after: Int64 = 0, reached: Int64, limit: Int = 2) -> (LogChunks, BusRead) {
        let chunks = LogChunks()
        let read = BusRead(
            events: events(positions), reached: Position(rawValue: reached),
            latestReplayID: ReplayID(counter: UInt64(reached)))
        let first = chunks.keep(
            read, after: Position(rawValue: after), topics: ["/t"], limit: limit, generation: chunks.generation)
        return (chunks, first)
    }

    private func numbers(_ read: BusRead?) -> [Int64]? { read?.events.map(\.position.rawValue) }

    @Test func readGoesOnWhereTheLastOneEnded() throws {
        let (chunks, first) = kept([2, 3, 5, 8, 9], reached: 9)
        #expect(numbers(first) == [2, 3])
        #expect(first.reached.rawValue == 3)
        #expect(first.latestReplayID == ReplayID(counter: 3))
        let second = try #require(chunks.read(after: first.reached, topics: ["/t"], limit: 2))
        #expect(numbers(second) == [5, 8])
        let third = try #require(chunks.read(after: second.reached, topics: ["/t"], limit: 2))
        #expect(numbers(third) == [9])
        #expect(third.reached.rawValue == 9)
        #expect(chunks.read(after: third.reached, topics: ["/t"], limit: 2) == nil)
        // A place between two events of the topic, and one before the chunk.
        #expect(numbers(chunks.read(after: Position(rawValue: 6), topics: ["/t"], limit: 9)) == [8, 9])
        #expect(chunks.read(after: Position(rawValue: -1), topics: ["/t"], limit: 9) == nil)
        #expect(chunks.read(after: .start, topics: ["/t", "/u"], limit: 9) == nil)
    }

    /// A chunk that ends at the head of the log ends at its last event: behind that there may be more by now.
    @Test func headOfTheLogIsNotKept() throws {
        let (chunks, first) = kept([1, 2, 3], reached: 10)
        #expect(numbers(first) == [1, 2])
        let last = try #require(chunks.read(after: first.reached, topics: ["/t"], limit: 5))
        #expect(last.reached.rawValue == 3)
        #expect(chunks.read(after: last.reached, topics: ["/t"], limit: 5) == nil)
        // What fits into one answer is told as it was read.
        let (whole, only) = kept([1, 2], reached: 10)
        #expect(only.reached.rawValue == 10)
        #expect(whole.read(after: .start, topics: ["/t"], limit: 5) == nil)
    }

    @Test func chunksAreBoundedAndTheOneUsedLastStays() {
        let (chunks, _) = kept([1, 2, 3], reached: 3)
        for number in 1..<LogChunks.chunksMax {
            let start = Int64(number * 10)
            let read = BusRead(
                events: events([start + 1, start + 2, start + 3]), reached: Position(rawValue: start + 3),
                latestReplayID: ReplayID(counter: 0))
            _ = chunks.keep(
                read, after: Position(rawValue: start), topics: ["/t"], limit: 1, generation: chunks.generation)
        }
        #expect(chunks.read(after: .start, topics: ["/t"], limit: 1) != nil)
        let more = BusRead(
            events: events([101, 102]), reached: Position(rawValue: 102), latestReplayID: ReplayID(counter: 0))
        _ = chunks.keep(
            more, after: Position(rawValue: 100), topics: ["/t"], limit: 1, generation: chunks.generation)
        #expect(chunks.read(after: .start, topics: ["/t"], limit: 1) != nil)
        #expect(chunks.read(after: Position(rawValue: 10), topics: ["/t"], limit: 1) == nil)
    }

    @Test func trimmedLogIsForgotten() {
        let (chunks, _) = kept([1, 2, 3], reached: 3)
        let generation = chunks.generation
        chunks.clear()
        #expect(chunks.read(after: .start, topics: ["/t"], limit: 1) == nil)
        // A read that began before the trimming comes too late.
        let late = BusRead(
            events: events([1, 2, 3]), reached: Position(rawValue: 3), latestReplayID: ReplayID(counter: 3))
        _ = chunks.keep(late, after: .start, topics: ["/t"], limit: 1, generation: generation)
        #expect(chunks.read(after: .start, topics: ["/t"], limit: 1) == nil)
    }

    /// From the log of an org that was opened again, so that nothing is in memory: every event, once, in its order.
    @Test func replayFromTheLogIsComplete() async throws {
        let org = try await TestOrg.open()
        let count = LogChunks.chunkEventsMax + 250
        try await org.sandbox.transaction { transaction in
            for number in 0..<count { _ = try transaction.create("Case", ["Subject": .string("\(number)")]) }
        }
        _ = try await org.create("Account", [("Name", .string("another topic"))])
        let topics = ["/data/CaseChangeEvent", "/data/ChangeEvents"]
        var fromMemory: [[ReceivedEvent]] = []
        for topic in topics { fromMemory.append(try await replay(org, topic)) }
        let again = try await org.reopened()
        for (topic, expected) in zip(topics, fromMemory) {
            let fromLog = try await replay(again, topic)
            #expect(fromLog.count >= count)
            #expect(fromLog == expected)
        }
    }

    private func replay(_ org: TestOrg, _ topic: String) async throws -> [ReceivedEvent] {
        let caller = try await TestOrg.session(of: org)
        var place = try await org.sandbox.start(topic: topic, from: .earliest, caller: caller)
        var events: [ReceivedEvent] = []
        while true {
            let read = try await org.sandbox.read(topic: topic, after: place, limit: 73, caller: caller)
            guard !read.events.isEmpty else { return events }
            events += read.events.map(\.event)
            place = read.reached
        }
    }
}
