import ChangeEvents
import Doors
import Testing
import Twin

@testable import Sandbox

/// Custom channels: what they show, filtered and enriched.
struct ChannelDeliveryTests {
    private static let channel = "/data/A__chn"

    private func org(
        _ event: String = "AccountChangeEvent", filter: String? = nil, enriched: [String] = []
    ) async throws -> TestOrg {
        let org = try await TestOrg.open()
        try await org.addChannel("A__chn")
        try await org.addMember(event, to: "A__chn", filter: filter, enriched: enriched)
        return org
    }

    @Test func aChannelShowsItsMembersOnly() async throws {
        let org = try await org()
        _ = try await org.create("Account", [("Name", .string("A"))])
        _ = try await org.create("Case", [])
        #expect(try await org.events(Self.channel).map(\.header.entityName) == ["Account"])
        #expect(try await org.events().map(\.header.entityName) == ["Account", "Case"])
    }

    @Test func aSelectionIsEffectiveOnOpenStreams() async throws {
        let org = try await TestOrg.open { $0.selectedEntities = [] }
        let id = try await org.create("Account", [("Name", .string("before"))])
        let start = try await org.sandbox.start(topic: "/data/ChangeEvents", from: .latest, caller: org.caller)
        try await org.addMember("AccountChangeEvent")
        org.clock.advance(.seconds(1))
        try await org.update("Account", id, [("Name", .string("after"))])
        let read = try await org.sandbox.read(
            topic: "/data/ChangeEvents", after: start, limit: 10, caller: org.caller)
        #expect(read.events.count == 1)
        // What was done before the selection was never published.
        #expect(try await org.events().map(\.header.changeType) == [.update])
    }

    /// A state that somebody has damaged is told of by name, and stops nothing but this org.
    @Test func aStoredFilterThatCannotBeReadIsNamed() async throws {
        let org = try await org(filter: "Industry = 'Energy'")
        try await org.sandbox.twin.commit { writer in
            var channels = try #require(try EventChannels.read(writer))
            let index = try #require(channels.members.firstIndex { $0.filterExpression != nil })
            channels.members[index].filterExpression = "Industry ="
            try channels.write(writer)
        }
        await #expect {
            _ = try await org.reopened()
        } throws: { error in
            guard let error = error as? SandboxError else { return false }
            return error.code == .stateDamaged && error.message.contains("A_chn_AccountChangeEvent")
        }
    }

    @Test func filtersTestChangedAndUnchangedFields() async throws {
        let org = try await org(filter: "Industry = 'energy' AND (NOT(BillingAddress.City = 'Oslo'))")
        let energy = try await org.create(
            "Account", [("Name", .string("E")), ("Industry", .string("Energy")), ("BillingCity", .string("Bergen"))])
        _ = try await org.create("Account", [("Name", .string("R")), ("Industry", .string("Retail"))])
        org.clock.advance(.seconds(1))
        // Neither field changes: they are read from the record.
        try await org.update("Account", energy, [("Phone", .string("1"))])
        let events = try await org.events(Self.channel)
        #expect(events.map(\.header.changeType) == [.create, .update])
        let update = try #require(events.last)
        #expect(update.changedFields == ["Phone", "LastModifiedDate"])
        #expect(update.enrichedFields.sorted() == ["BillingCity", "Industry"])
        #expect(update.values["Industry"] == .string("Energy"))
        org.clock.advance(.seconds(1))
        try await org.update("Account", energy, [("BillingCity", .string("Oslo"))])
        // Judged with today's values, the update before it does not pass any more either.
        #expect(try await org.events(Self.channel).map(\.header.changeType) == [.create])
    }

    @Test(arguments: [
        ("ChangeEventHeader.changeType = 'DELETE'", [ChangeType.delete]),
        ("changeeventheader.sequencenumber = 1", [.create, .update, .delete]), ("IsEscalated = true", []),
        ("IsEscalated = false", [.create, .update, .delete]), ("Subject LIKE 'br%'", [.update, .delete]),
        ("Subject = null", [.create]), ("CreatedDate > 2026-01-01T00:00:00Z", [.create, .update, .delete]),
        ("CreatedDate < 2026-01-01", []), ("Mileage__c >= 100.0", [.update, .delete]),
    ])
    func filtersByKindOfField(_ filter: String, _ expected: [ChangeType]) async throws {
        let org = try await org("CaseChangeEvent", filter: filter)
        let id = try await org.create("Case", [])
        org.clock.advance(.seconds(1))
        try await org.update("Case", id, [("Subject", .string("Brakes")), ("Mileage__c", .number("100"))])
        org.clock.advance(.seconds(1))
        try await org.delete("Case", id)
        #expect(try await org.events(Self.channel).map(\.header.changeType) == expected)
    }

    @Test func enrichedValuesStandInTheBodyAndNotAmongTheChanged() async throws {
        let org = try await org(enriched: ["Industry", "BillingAddress", "Phone"])
        let id = try await org.create(
            "Account", [("Name", .string("A")), ("Industry", .string("Energy")), ("BillingCity", .string("Oslo"))])
        org.clock.advance(.seconds(1))
        try await org.update("Account", id, [("Fax", .string("1")), ("BillingStreet", .string("S"))])
        org.clock.advance(.seconds(1))
        try await org.delete("Account", id)
        let events = try await org.events(Self.channel)
        try #require(events.map(\.header.changeType) == [.create, .update, .delete])
        #expect(events[0].enrichedFields.isEmpty)
        #expect(events[1].changedFields == ["Fax", "LastModifiedDate", "BillingAddress.Street"])
        #expect(events[1].enrichedFields.sorted() == ["BillingCity", "Industry"])
        #expect(events[1].values["BillingStreet"] == .string("S"))
        #expect(events[2].enrichedFields.sorted() == ["BillingCity", "BillingStreet", "Industry"])
        // Elsewhere the events are as they are.
        #expect(try await org.events("/data/AccountChangeEvent").allSatisfy(\.enrichedFields.isEmpty))
    }

    @Test func trap23EnrichmentIsReadAtDelivery() async throws {
        let org = try await org(enriched: ["Industry"])
        let id = try await org.create("Account", [("Name", .string("A")), ("Industry", .string("Energy"))])
        org.clock.advance(.seconds(1))
        try await org.update("Account", id, [("Fax", .string("1"))])
        #expect(try await org.events(Self.channel).last?.values["Industry"] == .string("Energy"))
        org.clock.advance(.seconds(1))
        try await org.update("Account", id, [("Industry", .string("Retail"))])
        let replayed = try await org.events(Self.channel)
        try #require(replayed.count == 3)
        #expect(replayed[1].values["Industry"] == .string("Retail"))
        // The event that changed it keeps what it said.
        #expect(replayed[2].values["Industry"] == .string("Retail"))
        #expect(replayed[2].enrichedFields.isEmpty)
    }

    @Test func trap6MergedEventsAreSplitWithOneReplayID() async throws {
        let org = try await org(enriched: ["Industry"])
        let ids = try await org.sandbox.transaction { transaction in
            try ["A", "B", "C"].map {
                try transaction.create("Account", ["Name": .string($0), "Industry": .string("Energy")])
            }
        }
        org.clock.advance(.seconds(1))
        try await org.sandbox.transaction { transaction in
            for id in ids { try transaction.update("Account", id, ["Fax": .string("1")]) }
        }
        let merged = try await org.received("/data/AccountChangeEvent").suffix(1)
        let split = try await org.received(Self.channel).suffix(3)
        #expect(Set(split.map(\.replayID)) == Set(merged.map(\.replayID)))
        #expect(try await org.events(Self.channel).suffix(3).map(\.header.recordIDs) == ids.map { [$0.string] })
        #expect(try await org.events("/data/AccountChangeEvent").last?.header.recordIDs == ids.map(\.string))
    }

    @Test func aFilterChoosesAmongMergedRecords() async throws {
        let org = try await org(filter: "Industry = 'Energy'")
        let ids = try await org.sandbox.transaction { transaction in
            try ["Energy", "Retail", "Energy"].enumerated().map {
                try transaction.create("Account", ["Name": .string("\($0)"), "Industry": .string($1)])
            }
        }
        org.clock.advance(.seconds(1))
        try await org.sandbox.transaction { transaction in
            for id in ids { try transaction.update("Account", id, ["Fax": .string("1")]) }
        }
        let updates = try await org.events(Self.channel).filter { $0.header.changeType == .update }
        #expect(updates.map(\.header.recordIDs) == [[ids[0].string], [ids[2].string]])
    }

    @Test func gapsPassFiltersOfTheBody() async throws {
        let org = try await org(filter: "Industry = 'Energy'")
        let id = try await org.create("Account", [("Name", .string("A")), ("Industry", .string("Retail"))])
        try await org.sandbox.publishGap(.gapUpdate, object: "Account", ids: [id])
        try await org.sandbox.publishOverflow(object: "Account")
        #expect(try await org.events(Self.channel).map(\.header.changeType) == [.gapUpdate, .gapOverflow])
        let other = try await self.org(filter: "ChangeEventHeader.changeType = 'CREATE'")
        try await other.sandbox.publishOverflow(object: "Account")
        #expect(try await other.events(Self.channel).isEmpty)
    }

    @Test func trap21PermissionsOmitSilentlyOrRefuse() async throws {
        let org = try await TestOrg.open()
        _ = try await org.create("Account", [("Name", .string("A"))])
        _ = try await org.create("Case", [])
        org.sandbox.setEventAccess(
            EventAccess(viewsAllData: false, viewsAllRecordsOf: ["Case"]), userID: org.caller.userID)
        #expect(try await org.events().map(\.header.entityName) == ["Case"])
        #expect(try await org.events("/data/CaseChangeEvent").count == 1)
        let error = await #expect(throws: EventBusError.self) {
            try await org.sandbox.start(topic: "/data/AccountChangeEvent", from: .latest, caller: org.caller)
        }
        #expect(error?.code == .permissionDenied)
    }

    @Test(arguments: [
        ("Account", EventAccess(viewsAllData: false), false), ("Account", .all, true),
        ("Task", EventAccess(viewsAllData: false, viewsAllRecordsOf: ["Task"]), false),
        ("User", EventAccess(viewsAllUsers: false), false),
        ("User", EventAccess(viewsAllData: false, viewsAllUsers: true), true),
    ])
    func whoMayReceiveWhat(_ entity: String, _ access: EventAccess, _ isAdmitted: Bool) {
        #expect(access.admits(entity: entity) == isAdmitted)
    }

    @Test func accessCanBeConfigured() async throws {
        let org = try await TestOrg.open {
            $0.eventAccess = ["integration@electric-motors.example": EventAccess(viewsAllData: false)]
        }
        _ = try await org.create("Account", [("Name", .string("A"))])
        #expect(try await org.events().isEmpty)
    }

    @Test func trap12AChannelHasNoSchemaID() async throws {
        let org = try await org()
        let topic = try await org.sandbox.topic(Self.channel, caller: org.caller)
        #expect(topic.schemaID.isEmpty)
        #expect(topic.canSubscribe && !topic.canPublish)
        await #expect(throws: EventBusError.self) { try await org.sandbox.schemaJSON("", caller: org.caller) }
    }

    @Test func aFieldInUseIsKnown() async throws {
        let org = try await org(filter: "BillingAddress.City = 'Oslo'", enriched: ["Industry"])
        let account = try #require(org.sandbox.catalogue.object("Account"))
        #expect(org.sandbox.channelUse(ofField: "industry", on: account) == "A_chn_AccountChangeEvent")
        #expect(org.sandbox.channelUse(ofField: "BillingAddress", on: account) == "A_chn_AccountChangeEvent")
        #expect(org.sandbox.channelUse(ofField: "Phone", on: account) == nil)
    }
}
