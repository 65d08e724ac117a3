import ChangeEvents
import Store
import TestSupport
import Testing

@testable import Doors

struct EventFeedTests {
    /// What was dropped before the loops stood was once not told to them: a hole that nobody knew of.
    @Test func whatIsDroppedBeforeTheLoopsStandIsToldToThem() throws {
        let feed = EventFeed(schemas: SchemaBook())
        let content = NewEvent.test(1)
        let count = EventFeed.waitingCountMax + 1
        feed.appended((1...count).map { LoggedEvent(position: Position(rawValue: Int64($0)), content: content) })
        let inbox = try LoopInbox()
        feed.open([inbox])
        let messages = inbox.take()
        #expect(messages.count == 1)
        guard case .skipped(let place)? = messages.first else { return _ = Issue.record("\(messages.count) messages") }
        #expect(place == LogPlace(event: Position(rawValue: Int64(count))))
    }
}
