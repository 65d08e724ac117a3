import ChangeEvents
import Doors
import NIOCore
import Store
import Testing

@testable import Sandbox

struct RecentEventsTests {
    private func events(_ positions: ClosedRange<Int>, topic: String = "/t", bytes: Int = 1) -> [LoggedEvent] {
        positions.map { number in
            let event = ReceivedEvent(
                topic: topic, replayID: ReplayID(counter: UInt64(number)), eventID: "\(number)",
                schemaID: SchemaID("s"), payload: ByteBuffer(repeating: 0, count: bytes))
            return LoggedEvent(
                position: Position(rawValue: Int64(number)),
                content: NewEvent(
                    event: event, eventName: "", routing: nil, transitions: [], receivedAt: Int64(number)))
        }
    }

    private func read(
        _ recent: RecentEvents, after: Int64, topics: Set<String> = ["/t"], limit: Int = 100
    ) -> BusRead? {
        recent.read(after: Position(rawValue: after), topics: topics, limit: limit, bytesMax: 1 << 20)
    }

    @Test func nothingIsKnownBeforeTheFirstEvent() {
        let recent = RecentEvents()
        #expect(read(recent, after: 0) == nil)
        recent.append(events(5...7))
        #expect(read(recent, after: 3) == nil)
        #expect(read(recent, after: 4)?.events.map(\.event.eventID) == ["5", "6", "7"])
        #expect(read(recent, after: 7)?.events.isEmpty == true)
        #expect(read(recent, after: 9)?.reached == Position(rawValue: 9))
    }

    @Test func otherTopicsArePassedOver() {
        let recent = RecentEvents()
        recent.append(events(1...2) + events(3...3, topic: "/other"))
        let found = read(recent, after: 0)
        #expect(found?.events.count == 2)
        #expect(found?.reached == Position(rawValue: 3))
        #expect(found?.latestReplayID == ReplayID(counter: 3))
        #expect(read(recent, after: 0, limit: 2)?.reached == Position(rawValue: 2))
        let rest = read(recent, after: 2)
        #expect(rest?.events.isEmpty == true)
        #expect(rest?.reached == Position(rawValue: 3))
        #expect(rest?.latestReplayID == ReplayID(counter: 3))
    }

    @Test func limitsHold() {
        let recent = RecentEvents()
        recent.append(events(1...10))
        let found = read(recent, after: 0, limit: 4)
        #expect(found?.events.count == 4)
        #expect(found?.reached == Position(rawValue: 4))
        #expect(found?.latestReplayID == ReplayID(counter: 4))
        #expect(recent.read(after: .start, topics: ["/t"], limit: 10, bytesMax: 3)?.events.count == 3)
    }

    @Test func theOldestGoAtTheBounds() {
        let recent = RecentEvents()
        recent.append(events(1...(RecentEvents.eventsMax + 5)))
        #expect(read(recent, after: 4) == nil)
        #expect(read(recent, after: 5, limit: 1)?.events.first?.event.eventID == "6")
        recent.append(events((RecentEvents.eventsMax + 6)...(RecentEvents.eventsMax + 6), bytes: RecentEvents.bytesMax))
        #expect(read(recent, after: 6) == nil)
    }

    /// The bound of bytes is one of memory: what was dropped must not be held until thousands more have come.
    @Test func droppedEventsAreLetGo() {
        let recent = RecentEvents()
        let live = RecentEvents.bytesMax / (1 << 20)
        for number in 1...(live * 6) {
            recent.append(events(number...number, bytes: 1 << 20))
            #expect(recent.heldCount <= live * 2 + 1)
        }
        #expect(read(recent, after: Int64(live * 6 - 1))?.events.count == 1)
        recent.drop(olderThan: .max)
        #expect(recent.heldCount == 0)
    }

    @Test func aHoleForgetsWhatWasBefore() {
        let recent = RecentEvents()
        recent.append(events(1...3))
        recent.append(events(7...8))
        #expect(read(recent, after: 2) == nil)
        #expect(read(recent, after: 6)?.events.count == 2)
    }

    @Test func expiredEventsGo() {
        let recent = RecentEvents()
        recent.append(events(1...9))
        recent.drop(olderThan: 5)
        #expect(read(recent, after: 3) == nil)
        #expect(read(recent, after: 4)?.events.count == 5)
    }
}
