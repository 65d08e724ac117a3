import ChangeEvents
import Glibc
import Logging
import Store
import TestSupport
import Testing
import Twin

@testable import Doors

struct EventFeedTests {
    /// What was dropped before the loops stood was once not told to them: a hole that nobody knew of.
    @Test func whatIsDroppedBeforeTheLoopsStandIsToldToThem() throws {
        let feed = EventFeed(schemas: SchemaBook())
        let content = NewEvent.test(1)
        let count = EventFeed.waitingCountMax + 1
        feed.appended((1...count).map { LoggedEvent(position: Position(rawValue: Int64($0)), content: content) })
        let inbox = LoopInbox(waker: try LoopWaker(usesPoller: true))
        feed.open([inbox])
        let messages = inbox.take()
        #expect(messages.count == 1)
        guard case .skipped(let place)? = messages.first else { return _ = Issue.record("\(messages.count) messages") }
        #expect(place == LogPlace(event: Position(rawValue: Int64(count))))
    }

    /// A batch is one message to each loop, and however many batches wait, a loop is woken once.
    @Test func aBatchCrossesToEachLoopOnce() async throws {
        let cases = try CaseEvents()
        let twin = try await Twin(
            store: try SQLiteStore.temporary(), configuration: .init(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await twin.learn(cases.schema)
        let schemas = SchemaBook()
        _ = try await schemas.facts(cases.schema.id, twin: twin)
        let feed = EventFeed(schemas: schemas)
        let inboxes = [
            LoopInbox(waker: try LoopWaker(usesPoller: true)), LoopInbox(waker: try LoopWaker(usesPoller: true)),
        ]
        feed.open(inboxes)

        let batches = try (0..<3).map { batch in
            try (1...100).map { number in
                let counter = UInt64(batch * 100 + number)
                let event = try cases.event(
                    .create, ids: [RecordID.test("500", Int(counter)).string], counter: counter,
                    commitTimestamp: 1_700_000_000_000)
                return LoggedEvent(
                    position: Position(rawValue: Int64(counter)),
                    content: NewEvent(
                        event: event, eventName: "CaseChangeEvent", routing: nil, transitions: [], receivedAt: 0))
            }
        }
        for batch in batches { feed.appended(batch) }
        for inbox in inboxes {
            let sizes = inbox.take().map { message in
                if case .items(let items) = message { items.count } else { 0 }
            }
            #expect(sizes == [100, 100, 100])
            #expect(wakeups(inbox) == 1)
            #expect(wakeups(inbox) == 0)
        }
        // What comes after the loop has taken wakes it again.
        feed.appended(batches[0])
        for inbox in inboxes { #expect(wakeups(inbox) == 1) }
    }

    /// How often the loop was woken since this was asked.
    private func wakeups(_ inbox: LoopInbox) -> UInt64 {
        var count: UInt64 = 0
        guard case .descriptor(let wakeup) = inbox.waker.kind else { return 0 }
        return read(wakeup, &count, MemoryLayout<UInt64>.size) == MemoryLayout<UInt64>.size ? count : 0
    }
}
