import ChangeEvents
import Doors
import Testing

@testable import Sandbox

/// Allocations: counted, reported, enforced, kept.
struct EventUsageTests {
    @Test func aRollingCountForgetsBucketByBucket() {
        var count = RollingCount(width: 10, bucketsCounted: 3)
        count.add(1, at: 5)
        count.add(2, at: 15)
        count.add(4, at: 29)
        #expect(count.count(at: 29) == 7)
        #expect(count.count(at: 30) == 6)
        #expect(count.count(at: 40) == 4)
        #expect(count.count(at: 1_000) == 0)
        count.add(-1, at: 1_000)
        count.add(3, at: 1_000)
        #expect(count.count(at: 1_000) == 2)
    }

    private func limited(_ deliveries: Int, published: Int = 250_000) async throws -> TestOrg {
        try await TestOrg.open {
            $0.allocations = .unlimited
            $0.allocations.deliveriesPerDay = deliveries
            $0.allocations.publishedPerHour = published
        }
    }

    /// The sum over all subscribers counts, in 24 rolling hours.
    @Test func trap20DeliveriesAreLimitedOverAllSubscribers() async throws {
        let org = try await limited(5)
        for _ in 0..<3 { _ = try await org.create("Case", []) }
        #expect(try await org.received().count == 3)
        let start = try await org.sandbox.start(topic: "/data/CaseChangeEvent", from: .earliest, caller: org.caller)
        let second = try await org.sandbox.read(
            topic: "/data/CaseChangeEvent", after: start, limit: 100, caller: org.caller)
        #expect(second.events.count == 2)
        let read = await #expect(throws: EventBusError.self) {
            try await org.sandbox.read(
                topic: "/data/CaseChangeEvent", after: second.reached, limit: 100, caller: org.caller)
        }
        #expect(read?.code == .deliveryLimitExceeded)
        #expect(read?.message == "You have exceeded the event delivery limit for your org.")
        let subscribe = await #expect(throws: EventBusError.self) {
            try await org.sandbox.start(topic: "/data/ChangeEvents", from: .latest, caller: org.caller)
        }
        #expect(subscribe?.code == .deliveryLimitExceeded)
        #expect(remaining(org, "DailyDeliveredPlatformEvents") == 0)
        org.clock.advance(.seconds(24 * 3_600 + 900))
        let later = try await org.sandbox.read(
            topic: "/data/CaseChangeEvent", after: second.reached, limit: 100, caller: org.caller)
        #expect(later.events.count == 1)
    }

    private func remaining(_ org: TestOrg, _ name: String) -> Int? {
        org.sandbox.eventLimits().first { $0.name == name }?.remaining
    }

    @Test func theAddOnCountsAndRefusesNothing() async throws {
        let org = try await TestOrg.open {
            $0.use(.unlimitedAddOn)
            $0.allocations.deliveriesPerDay = 1
        }
        for _ in 0..<3 { _ = try await org.create("Case", []) }
        #expect(try await org.received().count == 3)
        #expect(try await org.received().count == 3)
        #expect(org.sandbox.eventUsage.figures.delivered == 6)
        #expect(remaining(org, "DailyDeliveredPlatformEvents") == 0)
    }

    @Test func deliveriesCountAfterFilteringAndPerSplitEvent() async throws {
        let org = try await TestOrg.open()
        try await org.addChannel("A__chn")
        try await org.addMember("AccountChangeEvent", to: "A__chn", filter: "Industry = 'Energy'")
        let ids = try await org.sandbox.transaction { transaction in
            try ["Energy", "Energy", "Retail"].map {
                try transaction.create("Account", ["Name": .string("A"), "Industry": .string($0)])
            }
        }
        org.clock.advance(.seconds(1))
        try await org.sandbox.transaction { transaction in
            for id in ids { try transaction.update("Account", id, ["Fax": .string("1")]) }
        }
        // One merged CREATE of the two, and the merged UPDATE of three as two.
        #expect(try await org.received("/data/A__chn").count == 3)
        #expect(org.sandbox.eventUsage.figures.delivered == 3)
    }

    @Test func publishingIsLimitedByTheHour() async throws {
        let org = try await PlatformEventTests.org {
            $0.allocations = .unlimited
            $0.allocations.publishedPerHour = 2
        }
        let event = try #require(org.sandbox.catalogue.event("Low_Charge__e"))
        for _ in 0..<2 { try await org.sandbox.transaction { _ = try $0.publish(event, []) } }
        let refusal = await #expect(throws: OrgError.self) {
            try await org.sandbox.transaction { _ = try $0.publish(event, []) }
        }
        #expect(refusal?.errorCode == "LIMIT_EXCEEDED")
        let schema = try #require(org.sandbox.schema.eventSchemas["Low_Charge__e"])
        let payload = try schema.encode(values: [
            "CreatedDate": .integer(0), "CreatedById": .string("005000000000001AAA"),
        ])
        let produced = ProducedEvent(id: "", schemaID: schema.id.string, payload: payload)
        let answer = try await org.sandbox.publish(
            topic: "/event/Low_Charge__e", events: [produced], caller: org.caller)
        #expect(answer.results[0].replayID == nil)
        #expect(remaining(org, "HourlyPublishedPlatformEvents") == 0)
        // Change events have no publishing allocation.
        _ = try await org.create("Case", [])
        org.clock.advance(.seconds(3_660))
        let later = try await org.sandbox.publish(
            topic: "/event/Low_Charge__e", events: [produced, produced, produced], caller: org.caller)
        #expect(later.results.map { $0.replayID != nil } == [true, true, false])
    }

    @Test func cometDClientsAreCounted() throws {
        let usage = EventUsage(allocations: .developer, clock: { 0 })
        for _ in 0..<20 { try usage.cometDConnected() }
        let error = #expect(throws: EventBusError.self) { try usage.cometDConnected() }
        #expect(error?.code == .clientLimitExceeded)
        usage.cometDDisconnected()
        try usage.cometDConnected()
    }

    @Test func editionsHaveTheirNumbers() {
        #expect(EventAllocations.unlimited.cometDClients == 2_000)
        #expect(EventAllocations.unlimited.deliveriesPerDay == 50_000)
        #expect(EventAllocations.enterprise.deliveriesPerDay == 25_000)
        #expect(EventAllocations.developer.publishedPerHour == 50_000)
        #expect(EventAllocations.developer.selectedEntities == 5)
        #expect(EventAllocations.enterprise.pushTopicDeliveriesPerDay == 200_000)
        #expect(OrgEdition.developer.apiCallsMax == 15_000)
    }

    /// The default once counted and refused nothing.
    @Test func theDefaultRefusesAsAnOrgDoes() {
        let configuration = Sandbox.Configuration()
        #expect(configuration.allocations == .unlimited)
        #expect(configuration.allocations.isEnforced)
        #expect(!OrgEdition.unlimitedAddOn.allocations.isEnforced)
    }

    /// PushTopic and generic deliveries were not counted at all.
    @Test(arguments: ["/topic/T", "/u/T"]) func channelsOfCometDHaveAllocationsOfTheirOwn(channel: String) async throws
    {
        let org = try await TestOrg.open {
            $0.allocations.pushTopicDeliveriesPerDay = 2
            $0.allocations.genericDeliveriesPerDay = 2
        }
        let limit = channel == "/u/T" ? "DailyDurableGenericStreamingApiEvents" : "DailyDurableStreamingApiEvents"
        let generic = try await org.create("StreamingChannel", [("Name", .string("/u/T"))])
        _ = try await org.create(
            "PushTopic",
            [
                ("Name", .string("T")), ("Query", .string("SELECT Id FROM Account")), ("ApiVersion", .number("66.0")),
                ("NotifyForFields", .string("All")),
            ])
        for number in 0..<3 {
            _ = try await org.create("Account", [("Name", .string("\(number)"))])
            _ = try await org.sandbox.push(
                channelID: generic.string, events: [GenericEvent(payload: "\(number)", userIDs: [])],
                context: org.context)
        }
        let start = try await org.sandbox.startChannel(channel, from: .earliest, caller: org.caller)
        let read = try await org.sandbox.readChannel(channel, after: start, limit: 10, caller: org.caller)
        #expect(read.events.count == 2)
        #expect(remaining(org, limit) == 0)
        // The bus has not delivered anything.
        #expect(org.sandbox.eventUsage.figures.delivered == 0)
        let more = await #expect(throws: EventBusError.self) {
            try await org.sandbox.readChannel(channel, after: read.reached, limit: 10, caller: org.caller)
        }
        #expect(more?.code == .deliveryLimitExceeded)
        let again = await #expect(throws: EventBusError.self) {
            try await org.sandbox.startChannel(channel, from: .latest, caller: org.caller)
        }
        #expect(again?.code == .deliveryLimitExceeded)
        // They are in no metric, and a restart does not forget them.
        let types = Set(org.sandbox.eventUsage.ledger.days.values.joined().map(\.key.type))
        #expect(types.isDisjoint(with: [.delivery]))
        let reopened = try await org.reopened {
            $0.allocations.pushTopicDeliveriesPerDay = 2
            $0.allocations.genericDeliveriesPerDay = 2
        }
        #expect(remaining(reopened, limit) == 0)
        reopened.clock.advance(.seconds(24 * 3_600 + 900))
        #expect(remaining(reopened, limit) == 2)
    }

    @Test func countsSurviveARestart() async throws {
        let org = try await TestOrg.open()
        for _ in 0..<3 { _ = try await org.create("Case", []) }
        #expect(try await org.received().count == 3)
        let again = try await org.reopened()
        #expect(again.sandbox.eventUsage.figures.delivered == 3)
        let entries = again.sandbox.eventUsage.ledger.days.values.joined().map(\.key)
        #expect(Set(entries.map(\.client)) == ["SYSTEM", "PUB_SUB_API"])
        #expect(Set(entries.map(\.event)) == ["CaseChangeEvent"])
    }

    /// The retention of the bus is on the org's clock.
    @Test func eventsExpireAfterSeventyTwoHours() async throws {
        let org = try await TestOrg.open()
        // Two: after the last event that has gone nothing is missing, so its id stays good.
        for _ in 0..<2 { _ = try await org.create("Case", []) }
        let first = try #require(try await org.received().first)
        org.clock.advance(.seconds(71 * 3_600))
        _ = try await org.create("Case", [])
        let caller = try await TestOrg.session(of: org)
        _ = try await org.sandbox.start(topic: "/data/ChangeEvents", from: .after(first.replayID), caller: caller)
        org.clock.advance(.seconds(2 * 3_600))
        let error = await #expect(throws: EventBusError.self) {
            try await org.sandbox.start(topic: "/data/ChangeEvents", from: .after(first.replayID), caller: caller)
        }
        // Expired, malformed and foreign ids have one code.
        #expect(error?.code == .replayIDCorrupted)
        #expect(try await org.received().count == 1)
    }
}
