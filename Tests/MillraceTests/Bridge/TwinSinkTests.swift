import ChangeEvents
import Dispatch
import Logging
import Store
import Synchronization
import TestSupport
import Testing
import Twin
import Upstream
import Waiting

@testable import millrace

/// The bridge's real sink, before a store that is slow. That Upstream never has more on its way than the sink has room for
/// is shown by `UpstreamTests.aSlowSinkBoundsWhatIsOnItsWay`.
struct TwinSinkTests {
    @Test func whatIsReceivedIsDurableBeforeTheSinkReturns() async throws {
        let cases = try CaseEvents()
        let store = try SQLiteStore.temporary()
        let twin = try await Twin(
            store: store, configuration: Twin.Configuration(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let sink = TwinSink(twin: twin)
        try await sink.learn(cases.schema)
        #expect(try await sink.knowsSchema(cases.schema.id))
        #expect(try await sink.room(for: CaseEvents.topic) == 200)
        #expect(try await sink.cursor(for: CaseEvents.topic) == nil)

        let events = try (1...UInt64(TwinSink.eventsPerTopicMax)).map {
            try cases.event(
                .create, ids: [RecordID.test("500", Int($0)).string], counter: $0,
                changes: ["Subject": .string("\($0)")],
                commitTimestamp: 1_700_000_000_000)
        }
        // A transaction that does not end keeps the writer, as a slow disk would.
        let begun = Signal()
        let release = DispatchSemaphore(value: 0)
        let slow = Task {
            try await store.write { _ in
                begun.raise()
                release.wait()
            }
        }
        await begun.wait()

        let hasReturned = Mutex(false)
        let received = Task {
            try await sink.receive(
                topic: CaseEvents.topic, events: events, latestReplayID: ReplayID(counter: UInt64(events.count)))
            hasReturned.withLock { $0 = true }
        }
        try await Task.sleep(for: .milliseconds(200))
        #expect(!hasReturned.withLock { $0 })
        #expect(try await sink.cursor(for: CaseEvents.topic) == nil)
        release.signal()
        try await slow.value
        try await received.value

        #expect(try await sink.cursor(for: CaseEvents.topic) == ReplayID(counter: UInt64(events.count)))
        let logged = try await store.read {
            try $0.events(after: .start, selection: .all, limit: .max, bytesMax: .max).map(\.content.event.eventID)
        }
        #expect(logged == events.map(\.eventID))
        try await store.close()
    }

    /// The org's silence is measured by the store's file: a keepalive that changed nothing in it would count as silence.
    @Test func aKeepaliveThatBringsNothingNewIsWrittenDownAllTheSame() async throws {
        let store = try SQLiteStore.temporary()
        let twin = try await Twin(
            store: store, configuration: Twin.Configuration(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let sink = TwinSink(twin: twin)
        let key = TwinSink.heardKey("/data/ChangeEvents")
        var heard: [[UInt8]?] = []
        for _ in 0..<2 {
            try await sink.receive(topic: "/data/ChangeEvents", events: [], latestReplayID: ReplayID(counter: 7))
            heard.append(try await store.read { try $0.state(key) })
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(heard[0] != nil && heard[1] != nil && heard[0] != heard[1])
        try await store.close()
    }
}
