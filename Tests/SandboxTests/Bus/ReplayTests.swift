import ChangeEvents
import Doors
import Store
import Testing
import Twin

@testable import Sandbox

struct ReplayTests {
    private let all = "/data/ChangeEvents"

    @Test func topicsDescribeThemselves() async throws {
        let org = try await TestOrg.open()
        let single = try await org.sandbox.topic("/data/CaseChangeEvent", caller: org.caller)
        #expect(single.canSubscribe && !single.canPublish)
        #expect(single.schemaID.utf8.count == 22)
        let text = try await org.sandbox.schemaJSON(single.schemaID, caller: org.caller)
        #expect(try EventSchema(json: text).id.string == single.schemaID)
        let channel = try await org.sandbox.topic(all, caller: org.caller)
        #expect(channel.schemaID.isEmpty)
        for unknown in ["/data/caseChangeEvent", "/event/Nothing__e", ""] {
            #expect(
                await code { () async throws(EventBusError) in
                    _ = try await org.sandbox.topic(unknown, caller: org.caller)
                } == .topicNotFound)
        }
    }

    @Test func blankAndUnknownSchemasAreInvalid() async throws {
        let org = try await TestOrg.open()
        do {
            _ = try await org.sandbox.schemaJSON("", caller: org.caller)
            Issue.record("a blank id was answered")
        } catch {
            #expect(error.code == .schemaInvalid)
            #expect(error.message == "Schema validation failed. The schema ID can't be blank.")
        }
        #expect(
            await code { () async throws(EventBusError) in
                _ = try await org.sandbox.schemaJSON("AAAAAAAAAAAAAAAAAAAAAA", caller: org.caller)
            } == .schemaInvalid)
    }

    @Test func latestEarliestAndCustomBeginWhereTheySay() async throws {
        let org = try await TestOrg.open()
        for index in 0..<5 { _ = try await org.create("Case", [("Subject", .string("\(index)"))]) }
        let events = try await org.received()
        let latest = try await org.sandbox.start(topic: all, from: .latest, caller: org.caller)
        #expect(try await org.sandbox.read(topic: all, after: latest, limit: 10, caller: org.caller).events.isEmpty)
        for (index, event) in events.enumerated() {
            // The 10 bytes, and the bare counter of 8.
            for bytes in [event.replayID.bytes, Array(event.replayID.bytes.prefix(8))] {
                let start = try await org.sandbox.start(
                    topic: all, from: .after(ReplayID(bytes: bytes)), caller: org.caller)
                let read = try await org.sandbox.read(topic: all, after: start, limit: 10, caller: org.caller)
                #expect(read.events.map(\.event) == Array(events.dropFirst(index + 1)))
            }
        }
    }

    @Test func limitIsKeptAndReadingGoesOn() async throws {
        let org = try await TestOrg.open()
        for _ in 0..<5 { _ = try await org.create("Case", []) }
        let events = try await org.received()
        let start = try await org.sandbox.start(topic: all, from: .earliest, caller: org.caller)
        let first = try await org.sandbox.read(topic: all, after: start, limit: 2, caller: org.caller)
        #expect(first.events.map(\.event) == Array(events.prefix(2)))
        #expect(first.latestReplayID == events[1].replayID)
        #expect(first.reached == first.events[1].position)
        let rest = try await org.sandbox.read(topic: all, after: first.reached, limit: 100, caller: org.caller)
        #expect(rest.events.map(\.event) == Array(events.dropFirst(2)))
        #expect(rest.latestReplayID == events[4].replayID)
    }

    @Test func readerIsCarriedPastEventsOfOtherTopics() async throws {
        let org = try await TestOrg.open()
        _ = try await org.create("Account", [("Name", .string("A"))])
        let start = try await org.sandbox.start(topic: "/data/AccountChangeEvent", from: .earliest, caller: org.caller)
        for _ in 0..<3 { _ = try await org.create("Case", []) }
        let read = try await org.sandbox.read(
            topic: "/data/AccountChangeEvent", after: start, limit: 10, caller: org.caller)
        #expect(read.events.count == 1)
        let newest = try #require(try await org.received().last)
        #expect(read.latestReplayID == newest.replayID)
        // What a keepalive names is a place to resume from, on this topic and any other.
        let resumed = try await org.sandbox.start(
            topic: "/data/AccountChangeEvent", from: .after(read.latestReplayID), caller: org.caller)
        #expect(resumed == read.reached)
    }

    @Test func emptyBusHasAReplayIDToResumeFrom() async throws {
        let org = try await TestOrg.open()
        let start = try await org.sandbox.start(topic: all, from: .latest, caller: org.caller)
        let read = try await org.sandbox.read(topic: all, after: start, limit: 10, caller: org.caller)
        #expect(read.events.isEmpty)
        _ = try await org.create("Case", [])
        let resumed = try await org.sandbox.start(topic: all, from: .after(read.latestReplayID), caller: org.caller)
        #expect(try await org.sandbox.read(topic: all, after: resumed, limit: 10, caller: org.caller).events.count == 1)
    }

    @Test func trap10MalformedForeignAndExpiredIDsAreCorrupted() async throws {
        let org = try await TestOrg.open()
        for _ in 0..<3 { _ = try await org.create("Case", []) }
        let events = try await org.received()
        let expired = events[0].replayID
        org.clock.advance(.seconds(73 * 3_600))
        _ = try await org.create("Case", [])
        let now = org.clock.now
        _ = try await org.sandbox.twin.commit { try $0.trim(olderThan: now - 72 * 3_600_000, bytesMax: nil) }
        let foreign = ReplayID(counter: 42)
        for wrong in [
            expired, foreign, ReplayID(bytes: []), ReplayID(bytes: [1, 2, 3]),
            ReplayID(bytes: [UInt8](repeating: 1, count: 10)),
        ] {
            #expect(
                await code { () async throws(EventBusError) in
                    _ = try await org.sandbox.start(topic: all, from: .after(wrong), caller: org.caller)
                } == .replayIDCorrupted)
        }
        #expect(try await org.received().count == 1)
    }

    @Test func newestIDStaysGoodWhenItsEventHasExpired() async throws {
        let org = try await TestOrg.open()
        _ = try await org.create("Case", [])
        let newest = try #require(try await org.received().last).replayID
        let future = org.clock.now + 1
        _ = try await org.sandbox.twin.commit { try $0.trim(olderThan: future, bytesMax: nil) }
        #expect(try await org.received().isEmpty)
        let start = try await org.sandbox.start(topic: all, from: .after(newest), caller: org.caller)
        _ = try await org.create("Case", [])
        #expect(try await org.sandbox.read(topic: all, after: start, limit: 10, caller: org.caller).events.count == 1)
        // Also once events have followed it.
        #expect(try await org.sandbox.start(topic: all, from: .after(newest), caller: org.caller) == start)
    }

    private func code(_ call: () async throws(EventBusError) -> Void) async -> EventBusError.Code? {
        do {
            try await call()
            return nil
        } catch {
            return error.code
        }
    }
}
