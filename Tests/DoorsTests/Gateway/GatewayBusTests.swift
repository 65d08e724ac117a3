import ChangeEvents
import Foundation
import NIOCore
import Store
import Synchronization
import TestSupport
import Testing
import Twin

@testable import Doors

/// What the doors of Salesforce's own protocols serve from the gateway's log, and to whom.
@Suite(.timeLimit(.minutes(5)))
struct GatewayBusTests {
    private static let cases = PushFixture.channel

    private func caller(
        _ fixture: PushFixture, _ allow: [TokenSigner.Allowance] = [.init(channel: cases)], id: String? = nil,
        lifetime: Duration = .seconds(600)
    ) async throws -> BusCaller {
        try await fixture.hub.bus.authorize(
            accessToken: try PushFixture.token(id: id, allow: allow, lifetime: lifetime), instanceURL: nil,
            tenantID: nil)
    }

    /// Everything on the channel after a place.
    private func all(
        _ fixture: PushFixture, _ caller: BusCaller, from: ReplayStart = .earliest, channel: String = cases,
        limit: Int = 100
    ) async throws -> [ArrivedEvent] {
        try await fixture.settled()
        var place = try await fixture.hub.bus.start(topic: channel, from: from, caller: caller)
        var events: [ArrivedEvent] = []
        while true {
            let read = try await fixture.hub.bus.read(topic: channel, after: place, limit: limit, caller: caller)
            events += read.events
            #expect(read.events.count <= limit && read.reached >= place)
            if read.reached == place { return events }
            place = read.reached
        }
    }

    private func change(_ arrived: ArrivedEvent, _ fixture: PushFixture) throws -> ChangeEvent {
        try fixture.schema.changeEvent(of: arrived.event.payload)
    }

    private func refusal(_ body: () async throws -> Void) async -> EventBusError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? EventBusError
        }
    }

    @Test func whoMaySeeAllGetsTheOrgsOwnBytes() async throws {
        try await PushFixture.with { fixture in
            try await fixture.ingest(.create, cases: [1], ["Subject": .string("one"), "Status": .string("New")])
            try await fixture.ingest(.update, cases: [1, 2], ["Status": .string("Working")])
            let events = try await all(fixture, caller(fixture))
            let logged = try await fixture.twin.store.read {
                try $0.events(after: .start, selection: .all, limit: 9, bytesMax: .max).map(\.content.event)
            }
            #expect(events.map(\.event.payload) == logged.map(\.payload))
            #expect(events.map(\.event.replayID) == logged.map(\.replayID))
            #expect(events.map(\.event.eventID) == logged.map(\.eventID))
            let one = try await all(fixture, caller(fixture), limit: 1)
            #expect(one.map(\.event.eventID) == logged.map(\.eventID))
        }
    }

    @Test func theTokensConditionDecidesByTheRecord() async throws {
        try await PushFixture.with { fixture in
            let bob = try await caller(fixture, [.init(channel: Self.cases, where: "Priority = 'High'")])
            try await fixture.ingest(.create, cases: [1], ["Priority": .string("High"), "Status": .string("New")])
            try await fixture.ingest(.create, cases: [2], ["Priority": .string("Low"), "Status": .string("New")])
            // Says nothing of the priority: the record does.
            try await fixture.ingest(.update, cases: [1], ["Status": .string("Working")])
            try await fixture.ingest(.update, cases: [2], ["Status": .string("Working")])
            // Leaves the view, and the values that took it out are not shown; comes back.
            try await fixture.ingest(.update, cases: [1], ["Priority": .string("Low")])
            try await fixture.ingest(.update, cases: [1], ["Status": .string("secret")])
            try await fixture.ingest(.update, cases: [1], ["Priority": .string("High")])
            let seen = try await all(fixture, bob).map { try change($0, fixture) }
            #expect(seen.allSatisfy { $0.header.recordIDs == [RecordID.test("500", 1).string] })
            #expect(seen.map { $0.values["Status"] ?? .null } == [.string("New"), .string("Working"), .null])
            #expect(seen.last?.values["Priority"] == .string("High"))
        }
    }

    /// A merged event names records that the bearer may not know of.
    @Test func aMergedEventIsShownWithoutWhatDoesNotMatch() async throws {
        try await PushFixture.with { fixture in
            let bob = try await caller(fixture, [.init(channel: Self.cases, where: "Priority = 'High'")])
            for (number, priority) in [(1, "High"), (2, "Low"), (3, "High")] {
                try await fixture.ingest(.create, cases: [number], ["Priority": .string(priority)])
            }
            let replay = try await fixture.ingest(.update, cases: [1, 2, 3], ["Status": .string("Working")])
            let merged = try #require(try await all(fixture, bob).last)
            #expect(merged.event.replayID.counter == replay)
            let change = try change(merged, fixture)
            #expect(change.header.recordIDs == [1, 3].map { RecordID.test("500", $0).string })
            #expect(change.changedFields == ["Status"] && change.values["Status"] == .string("Working"))
        }
    }

    /// Listeners of one class share bytes; those of another never see them, whoever came first.
    @Test func eachSeesItsOwnPartOfTheSameEvent() async throws {
        try await PushFixture.with { fixture in
            try await fixture.ingest(
                .create, cases: [1],
                ["Status": .string("New"), "Subject": .string("secret"), "Priority": .string("High")])
            let classes: [[String]] = [["Status"], ["Subject"], ["Status", "Subject"]]
            for fields in classes + classes.reversed() {
                let listener = try await caller(fixture, [.init(channel: Self.cases, fields: fields)])
                let event = try #require(try await all(fixture, listener).first)
                let shown = try change(event, fixture).values
                #expect(Set(shown.filter { $0.value != .null }.keys) == Set(fields))
            }
            #expect(fixture.hub.bus.encodingsCount == classes.count)
        }
    }

    @Test func hiddenFieldsAreNotInTheBytes() async throws {
        try await PushFixture.with { fixture in
            let narrow = try await caller(fixture, [.init(channel: Self.cases, fields: ["Status"])])
            try await fixture.ingest(
                .update, cases: [1], ["Status": .string("Working"), "Subject": .string("a secret subject")])
            try await fixture.ingest(.create, cases: [2], ["Subject": .string("a secret subject")])
            let events = try await all(fixture, narrow)
            let changes = try events.map { try change($0, fixture) }
            #expect(changes.map(\.header.changeType) == [.update, .create])
            #expect(changes[0].changedFields == ["Status"] && changes[0].values == ["Status": .string("Working")])
            for event in events {
                #expect(!String(decoding: event.event.payload.readableBytesView, as: UTF8.self).contains("secret"))
                #expect(event.event.schemaID == fixture.schema.id)
            }
        }
    }

    @Test func channelsNeedAnEntryOfTheToken() async throws {
        try await PushFixture.with { fixture in
            try await fixture.ingest(.create, cases: [1], ["Status": .string("New")])
            let bob = try await caller(fixture)
            let bus = fixture.hub.bus
            for channel in ["/data/ChangeEvents", "/data/ContactChangeEvent", "/event/Low_Ink__e"] {
                let refused = await refusal { _ = try await bus.start(topic: channel, from: .latest, caller: bob) }
                #expect(refused?.code == .permissionDenied, "\(channel)")
                #expect(await refusal { _ = try await bus.topic(channel, caller: bob) }?.code == .permissionDenied)
            }
            #expect(await refusal { _ = try await bus.topic("/topic/x", caller: bob) }?.code == .topicNotFound)
            #expect(await refusal { _ = try await bus.schemaJSON("unknown", caller: bob) }?.code == .schemaInvalid)
            let topic = try await bus.topic(Self.cases, caller: bob)
            #expect(topic.schemaID == fixture.schema.id.string && topic.canSubscribe && !topic.canPublish)
            #expect(try await bus.schemaJSON(topic.schemaID, caller: bob) == fixture.schema.json)
            // A schema names fields: it is for those who may have its events.
            let other = try await caller(fixture, [.init(channel: "/event/Low_Ink__e")])
            #expect(
                await refusal { _ = try await bus.schemaJSON(topic.schemaID, caller: other) }?.code == .schemaInvalid)
            let publishing = await refusal {
                _ = try await bus.publish(topic: Self.cases, events: [], caller: bob)
            }
            #expect(publishing?.code == .permissionDenied)
        }
    }

    @Test func expiryAndRevocationArePunctual() async throws {
        try await PushFixture.with { fixture in
            let bus = fixture.hub.bus
            let bob = try await caller(fixture, id: "the-token")
            let place = try await bus.start(topic: Self.cases, from: .latest, caller: bob)
            var old = bob
            old.pass?.grant.expiresAt = Int64(Date().timeIntervalSince1970)
            let expired = old
            let late = await refusal {
                _ = try await bus.read(topic: Self.cases, after: place, limit: 1, caller: expired)
            }
            #expect(late?.code == .unauthenticated)
            try await fixture.hub.revoke(.tokenID("the-token"))
            let revoked = await refusal {
                _ = try await bus.read(topic: Self.cases, after: place, limit: 1, caller: bob)
            }
            #expect(revoked?.code == .unauthenticated)
            for token in [nil, "", "not a token", try PushFixture.token(secret: "another secret of thirty-two bytes")] {
                let refused = await refusal {
                    _ = try await bus.authorize(accessToken: token, instanceURL: "https://x", tenantID: "00D")
                }
                #expect(refused?.code == .unauthenticated)
            }
            #expect(await bus.standing(ofToken: "not a token") == .unknown)
        }
    }

    @Test func aPlaceIsTheReplayIDThatWasSeenLast() async throws {
        try await PushFixture.with({ $0.recentEventsMax = 4 }) { fixture in
            var replays: [UInt64] = []
            for number in 1...12 { replays.append(try await fixture.ingest(.create, cases: [number])) }
            let bob = try await caller(fixture)
            // From memory, and from the store behind it.
            for index in [0, 5, 10] {
                let rest = try await all(fixture, bob, from: .after(ReplayID(counter: replays[index])))
                #expect(rest.compactMap(\.event.replayID.counter) == Array(replays[(index + 1)...]))
            }
            let unknown = await refusal {
                _ = try await fixture.hub.bus.start(
                    topic: Self.cases, from: .after(ReplayID(counter: 4711)), caller: bob)
            }
            #expect(unknown?.code == .replayIDCorrupted)
            #expect(try await all(fixture, bob, from: .latest).isEmpty)
            #expect(try await all(fixture, bob, channel: Self.cases).count == 12)
        }
    }

    /// A merged event comes whole, so it is behind its own place.
    @Test func aMergedEventIsNotRepeated() async throws {
        try await PushFixture.with { fixture in
            let replay = try await fixture.ingest(.create, cases: [1, 2, 3], ["Status": .string("New")])
            let rest = try await all(fixture, caller(fixture), from: .after(ReplayID(counter: replay)))
            #expect(rest.isEmpty)
        }
    }

    /// These protocols have no word for a loss: the stream ends, and the place is no longer good to go on from.
    @Test func aLossEndsTheStreamAndItsPlace() async throws {
        try await PushFixture.with { fixture in
            let bus = fixture.hub.bus
            let first = try await fixture.ingest(.create, cases: [1])
            let bob = try await caller(fixture)
            try await fixture.settled()
            var place = try await bus.start(topic: Self.cases, from: .earliest, caller: bob)
            place = try await bus.read(topic: Self.cases, after: place, limit: 10, caller: bob).reached
            // Another topic's loss is none, and both have their own places.
            try await fixture.twin.declareGap(topic: "/event/Low_Ink__e", reason: "expired")
            try await fixture.settled()
            place = try await bus.read(topic: Self.cases, after: place, limit: 10, caller: bob).reached
            let look = bus.lookTicket()
            let waiting = Task { [place] in
                await bus.waitForEvents(after: place, since: look, timeout: .seconds(600))
            }
            try await fixture.twin.declareGap(topic: Self.cases, reason: "expired")
            await waiting.value
            let second = try await fixture.ingest(.create, cases: [2])
            let ended = await refusal { [place] in
                _ = try await bus.read(topic: Self.cases, after: place, limit: 10, caller: bob)
            }
            #expect(ended?.code == .unavailable)
            let again = try await caller(fixture)
            let resumed = await refusal {
                _ = try await bus.start(topic: Self.cases, from: .after(ReplayID(counter: first)), caller: again)
            }
            #expect(resumed?.code == .replayIDCorrupted && resumed?.message.contains("lost") == true)
            // What the client's protocol tells it to do then, goes well.
            let events = try await all(fixture, again)
            #expect(events.compactMap(\.event.replayID.counter) == [first, second])
            let behind = try await all(fixture, again, from: .after(ReplayID(counter: second)))
            #expect(behind.isEmpty)
        }
    }

    @Test func readersAreWokenByWhatComes() async throws {
        try await PushFixture.with { fixture in
            let bus = fixture.hub.bus
            let bob = try await caller(fixture)
            let place = try await bus.start(topic: Self.cases, from: .latest, caller: bob)
            let look = bus.lookTicket()
            let waiting = Task { await bus.waitForEvents(after: place, since: look, timeout: .seconds(600)) }
            let replay = try await fixture.ingest(.create, cases: [7])
            await waiting.value
            let read = try await bus.read(topic: Self.cases, after: place, limit: 10, caller: bob)
            #expect(read.events.map(\.event.replayID.counter) == [replay])
            #expect(read.latestReplayID.counter == replay)
        }
    }

    @Test func aSubjectHasABoundedNumberOfListeners() async throws {
        try await PushFixture.with({ $0.connectionsPerSubjectMax = 2 }) { fixture in
            let bus = fixture.hub.bus
            let bob = try await caller(fixture)
            try bus.clientOpened("a", caller: bob)
            try bus.clientOpened("b", caller: bob)
            #expect(throws: EventBusError.self) { try bus.clientOpened("c", caller: bob) }
            bus.clientClosed("a", caller: bob)
            try bus.clientOpened("d", caller: bob)
            // Streams count beside them.
            func stream(_ id: String) -> BusStream {
                BusStream(id: id, rpc: "Subscribe", topic: Self.cases, caller: bob, peer: "")
            }
            let refused = await refusal { try bus.streamOpened(stream("1")) }
            #expect(refused?.code == .clientLimitExceeded)
            bus.streamClosed("1")
            #expect(await refusal { try bus.streamOpened(stream("1")) } != nil, "what was refused gives no place back")
            bus.clientClosed("b", caller: bob)
            try bus.streamOpened(stream("2"))
            #expect(await refusal { try bus.streamOpened(stream("3")) } != nil)
            bus.streamClosed("2")
            try bus.streamOpened(stream("3"))
        }
    }

    @Test func whatTheOrgSaysOfPublishingIsTheAnswer() async throws {
        let publisher = FakePublisher()
        try await PushFixture.with(publisher: publisher) { fixture in
            let bus = fixture.hub.bus
            func caller(_ publish: [String]) async throws -> BusCaller {
                try await bus.authorize(
                    accessToken: try PushFixture.token(allow: [], publish: publish), instanceURL: nil, tenantID: nil)
            }
            let (good, other) = (try await caller(["/event/Told__e"]), try await caller(["/event/Other__e"]))
            let event = ProducedEvent(id: "1", schemaID: "s", payload: ByteBuffer(string: "payload"))
            let answer = try await bus.publish(topic: "/event/Told__e", events: [event, event], caller: good)
            #expect(answer.results.map(\.message) == [nil, "no"])
            #expect(bus.publishedCounts == (1, 1))
            #expect(try await bus.topic("/event/Told__e", caller: good).schemaID == "of /event/Told__e")
            let refused = await refusal {
                _ = try await bus.publish(topic: "/event/Told__e", events: [event], caller: other)
            }
            #expect(refused?.code == .permissionDenied && publisher.requests.withLock { $0 } == ["/event/Told__e"])
            publisher.isAway.withLock { $0 = true }
            let away = await refusal {
                _ = try await bus.publish(topic: "/event/Told__e", events: [event], caller: good)
            }
            #expect(away?.code == .unavailable && bus.publishedCounts == (1, 1))
        }
    }
}

/// An org that takes every other event.
private final class FakePublisher: EventPublisher {
    let requests = Mutex<[String]>([])
    let isAway = Mutex(false)

    func schemaID(ofTopic topic: String) async throws(EventBusError) -> String { "of \(topic)" }

    func schema(_ id: SchemaID) async throws(EventBusError) -> EventSchema {
        throw EventBusError(code: .schemaInvalid, message: "unknown")
    }

    func publish(topic: String, events: [ProducedEvent]) async throws(EventBusError) -> PublishAnswer {
        guard !isAway.withLock({ $0 }) else { throw EventBusError(code: .unavailable, message: "away") }
        requests.withLock { $0.append(topic) }
        return PublishAnswer(
            results: events.enumerated().map { index, event in
                PublishAnswer.Result(
                    replayID: index.isMultiple(of: 2) ? ReplayID(counter: UInt64(index)) : nil,
                    message: index.isMultiple(of: 2) ? nil : "no", correlationKey: event.id)
            }, schemaID: "s")
    }
}
