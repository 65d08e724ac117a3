import ChangeEvents
import Doors
import Testing

@testable import Sandbox

extension TestOrg {
    /// A channel member's or channel's body.
    static func body(_ fullName: String, _ metadata: [(String, JSONValue)]) -> [JSONValue.Member] {
        [
            .init(name: "FullName", value: .string(fullName)),
            .init(name: "Metadata", value: .object(metadata.map { .init(name: $0.0, value: $0.1) })),
        ]
    }

    @discardableResult
    func addChannel(_ name: String, type: String = "data") async throws(OrgError) -> String {
        try await sandbox.toolingCreate(
            object: "PlatformEventChannel",
            fields: Self.body(name, [("channelType", .string(type)), ("label", .string("L"))]), context: context)
    }

    @discardableResult
    func addMember(
        _ event: String, to channel: String = "ChangeEvents", filter: String? = nil, enriched: [String] = []
    ) async throws(OrgError) -> String {
        let name = channel.replacing("__", with: "_") + "_" + event.replacing("__", with: "_")
        return try await sandbox.toolingCreate(
            object: "PlatformEventChannelMember",
            fields: Self.memberBody(name, event, channel, filter: filter, enriched: enriched), context: context)
    }

    static func memberBody(
        _ name: String, _ event: String, _ channel: String, filter: String?, enriched: [String]
    ) -> [JSONValue.Member] {
        var metadata: [(String, JSONValue)] = [
            ("eventChannel", .string(channel)), ("selectedEntity", .string(event)),
        ]
        if let filter { metadata.append(("filterExpression", .string(filter))) }
        if !enriched.isEmpty {
            metadata.append(
                (
                    "enrichedFields",
                    .array(enriched.map { .object([.init(name: "name", value: .string($0))]) })
                ))
        }
        return body(name, metadata)
    }
}

struct ToolingTests {
    @Test func channelIsMadeReadAndRelabelled() async throws {
        let org = try await TestOrg.open()
        let id = try await org.addChannel("SalesEvents__chn")
        #expect(id.hasPrefix("0YL"))
        #expect(id.utf8.count == 18)
        var row = try await org.sandbox.toolingRetrieve(
            object: "platformeventchannel", id: id, fields: nil, context: org.context
        ).dictionary
        #expect(row["FullName"] == .string("SalesEvents__chn"))
        #expect(row["DeveloperName"] == .string("SalesEvents"))
        #expect(row["Metadata"]?.dictionary["channelType"] == .string("data"))
        try await org.sandbox.toolingUpdate(
            object: "PlatformEventChannel", id: id,
            fields: TestOrg.body("SalesEvents__chn", [("channelType", .string("data")), ("label", .string("Sales"))]),
            context: org.context)
        row = try await org.sandbox.toolingRetrieve(
            object: "PlatformEventChannel", id: id, fields: ["MasterLabel", "FullName"], context: org.context
        ).dictionary
        #expect(row["MasterLabel"] == .string("Sales"))
        let url = row["attributes"]?.dictionary["url"]
        #expect(url == .string("/services/data/v66.0/tooling/sobjects/PlatformEventChannel/\(id)"))
    }

    @Test(arguments: ["SalesEvents", "9Sales__chn", "Sales__Events__chn", "Sales___chn", "__chn", "Säles__chn"])
    func channelNamesAreDeveloperNamesWithTheirSuffix(_ name: String) async throws {
        let org = try await TestOrg.open()
        let failure = await org.failure { () throws(OrgError) in try await org.addChannel(name) }
        #expect(failure?.errorCode == "FIELD_INTEGRITY_EXCEPTION")
        #expect(failure?.fields == ["FullName"])
    }

    @Test func patchNeedsTheWholeBodyAndKeepsTheType() async throws {
        let org = try await TestOrg.open()
        let id = try await org.addChannel("A__chn")
        func patch(_ body: [JSONValue.Member]) async -> OrgError? {
            await org.failure { () throws(OrgError) in
                try await org.sandbox.toolingUpdate(
                    object: "PlatformEventChannel", id: id, fields: body, context: org.context)
            }
        }
        #expect(await patch([.init(name: "FullName", value: .string("A__chn"))])?.errorCode == "REQUIRED_FIELD_MISSING")
        #expect(
            await patch(TestOrg.body("A__chn", [("label", .string("x"))]))?.errorCode == "REQUIRED_FIELD_MISSING")
        #expect(
            await patch(TestOrg.body("A__chn", [("channelType", .string("event")), ("label", .string("x"))]))?
                .errorCode == "FIELD_INTEGRITY_EXCEPTION")
        #expect(
            await patch(TestOrg.body("B__chn", [("channelType", .string("data")), ("label", .string("x"))]))?
                .errorCode == "FIELD_INTEGRITY_EXCEPTION")
    }

    @Test func channelsAndWhatStandsOnThemAreLimited() async throws {
        let definitions = try SchemaNodes.definitions(
            #"{"events": {"Ping__e": {"fields": {}}, "Pong__e": {"fields": {}}}}"#)
        let org = try await TestOrg.open {
            $0.schema = definitions
            $0.allocations.customChannels = 2
            $0.allocations.platformEventsInChannels = 1
            $0.allocations.managedSubscriptions = 1
        }
        for name in ["A__chn", "B__chn"] { try await org.addChannel(name) }
        let third = await org.failure { () throws(OrgError) in try await org.addChannel("C__chn") }
        #expect(third?.errorCode == "LIMIT_EXCEEDED")
        // Channels of platform events count for themselves.
        try await org.addChannel("D__chn", type: "event")
        try await org.addMember("Ping__e", to: "D__chn")
        let second = await org.failure { () throws(OrgError) in try await org.addMember("Pong__e", to: "D__chn") }
        #expect(second?.errorCode == "LIMIT_EXCEEDED")
        func subscription(_ name: String) async throws(OrgError) -> String {
            try await org.sandbox.toolingCreate(
                object: "ManagedEventSubscription",
                fields: TestOrg.body(
                    name,
                    [
                        ("label", .string(name)), ("topicName", .string("/data/ChangeEvents")),
                        ("state", .string("RUN")), ("defaultReplay", .string("LATEST")),
                        ("errorRecoveryReplay", .string("LATEST")),
                    ]), context: org.context)
        }
        _ = try await subscription("One")
        let another = await org.failure { () throws(OrgError) in _ = try await subscription("Two") }
        #expect(another?.errorCode == "LIMIT_EXCEEDED")
        let defaults = EventAllocations()
        #expect(
            [defaults.customChannels, defaults.platformEventsInChannels, defaults.managedSubscriptions]
                == [100, 50, 200])
    }

    @Test func deletingAChannelDeletesItsMembers() async throws {
        let org = try await TestOrg.open()
        let id = try await org.addChannel("A__chn")
        let member = try await org.addMember("AccountChangeEvent", to: "A__chn", enriched: ["Industry"])
        #expect(member.hasPrefix("0v8"))
        #expect(try await EnrichedFieldTooling().rows(in: org.sandbox).count == 1)
        try await org.sandbox.toolingDelete(object: "PlatformEventChannel", id: id, context: org.context)
        let failure = await org.failure { () throws(OrgError) in
            _ = try await org.sandbox.toolingRetrieve(
                object: "PlatformEventChannelMember", id: member, fields: nil, context: org.context)
        }
        #expect(failure?.status == 404)
        #expect(try await EnrichedFieldTooling().rows(in: org.sandbox).isEmpty)
    }

    @Test func aMemberExistsOncePerChannelAndEntity() async throws {
        let org = try await TestOrg.open()
        try await org.addChannel("A__chn")
        try await org.addMember("AccountChangeEvent", to: "A__chn")
        let failure = await org.failure { () throws(OrgError) in
            _ = try await org.sandbox.toolingCreate(
                object: "PlatformEventChannelMember",
                fields: TestOrg.memberBody("Another", "AccountChangeEvent", "A__chn", filter: nil, enriched: []),
                context: org.context)
        }
        #expect(failure?.errorCode == "DUPLICATE_VALUE")
    }

    @Test func selectedEntitiesAreLimitedOverAllChannels() async throws {
        let org = try await TestOrg.open {
            $0.selectedEntities = ["Account"]
            $0.allocations.selectedEntities = 2
        }
        try await org.addChannel("A__chn")
        // The same entity on another channel is none more.
        try await org.addMember("AccountChangeEvent", to: "A__chn")
        try await org.addMember("ContactChangeEvent", to: "A__chn")
        let failure = await org.failure { () throws(OrgError) in
            try await org.addMember("CaseChangeEvent", to: "A__chn")
        }
        #expect(failure?.errorCode == "LIMIT_EXCEEDED")
    }

    @Test func memberPatchReplacesFilterAndEnrichment() async throws {
        let org = try await TestOrg.open()
        try await org.addChannel("A__chn")
        let id = try await org.addMember(
            "AccountChangeEvent", to: "A__chn", filter: "Industry = 'Energy'", enriched: ["Industry", "BillingAddress"])
        func patch(_ event: String, _ channel: String, _ filter: String?) async -> OrgError? {
            await org.failure { () throws(OrgError) in
                try await org.sandbox.toolingUpdate(
                    object: "PlatformEventChannelMember", id: id,
                    fields: TestOrg.memberBody(
                        "A_chn_AccountChangeEvent", event, channel, filter: filter, enriched: ["Industry"]),
                    context: org.context)
            }
        }
        #expect(await patch("ContactChangeEvent", "A__chn", nil)?.fields == ["selectedEntity"])
        #expect(await patch("AccountChangeEvent", "ChangeEvents", nil)?.fields == ["eventChannel"])
        #expect(await patch("AccountChangeEvent", "A__chn", nil) == nil)
        let row = try #require(try await ChannelMemberTooling().rows(in: org.sandbox).first { $0.id.string == id })
        #expect(row.values["FilterExpression"] == .null)
        #expect(row.values["SelectedEntity"] == .string("AccountChangeEvent"))
        #expect(try await EnrichedFieldTooling().rows(in: org.sandbox).map(\.values["Field"]) == [.string("Industry")])
    }

    @Test(arguments: [
        ("BillingCity", "FIELD_INTEGRITY_EXCEPTION"), ("Description", "FIELD_INTEGRITY_EXCEPTION"),
        ("Nothing__c", "FIELD_INTEGRITY_EXCEPTION"), ("SystemModstamp", "FIELD_INTEGRITY_EXCEPTION"),
    ])
    func whatCannotBeEnriched(_ field: String, _ code: String) async throws {
        let org = try await TestOrg.open()
        try await org.addChannel("A__chn")
        let failure = await org.failure { () throws(OrgError) in
            try await org.addMember("AccountChangeEvent", to: "A__chn", enriched: [field])
        }
        #expect(failure?.errorCode == code)
    }

    @Test func tenEnrichedFieldsAreTheMost() async throws {
        let org = try await TestOrg.open()
        try await org.addChannel("A__chn")
        let names = [
            "Industry", "Phone", "Fax", "Website", "Type", "Rating", "Site", "OwnerId", "Sic", "BillingAddress",
        ]
        let failure = await org.failure { () throws(OrgError) in
            try await org.addMember("AccountChangeEvent", to: "A__chn", enriched: names + ["Ownership"])
        }
        #expect(failure?.errorCode == "LIMIT_EXCEEDED")
        try await org.addMember("AccountChangeEvent", to: "A__chn", enriched: names)
    }

    @Test func everythingSurvivesARestart() async throws {
        let org = try await TestOrg.open()
        try await org.addChannel("A__chn")
        try await org.addMember("AccountChangeEvent", to: "A__chn", filter: "Industry = 'Energy'")
        _ = try await org.sandbox.toolingCreate(
            object: "PlatformEventSubscriberConfig",
            fields: TestOrg.body(
                "Config",
                [
                    ("masterLabel", .string("C")), ("platformEventConsumer", .string("OrderTrigger")),
                    ("batchSize", .number("200")),
                ]), context: org.context)
        let again = try await org.reopened()
        #expect(again.sandbox.channels.current == org.sandbox.channels.current)
        #expect(again.sandbox.isTopic("/data/A__chn"))
        #expect(again.sandbox.channels.view(ofChannelTopic: "/data/A__chn")?.isPlain == false)
    }

    @Test(arguments: [("batchSize", "0"), ("batchSize", "2001"), ("numPartitions", "11")])
    func subscriberConfigurationsAreChecked(_ name: String, _ value: String) async throws {
        let org = try await TestOrg.open()
        let failure = await org.failure { () throws(OrgError) in
            _ = try await org.sandbox.toolingCreate(
                object: "PlatformEventSubscriberConfig",
                fields: TestOrg.body(
                    "Config",
                    [
                        ("masterLabel", .string("C")), ("platformEventConsumer", .string("T")),
                        (name, .number(value)),
                    ]), context: org.context)
        }
        #expect(failure?.fields == [name])
    }

    @Test func managedSubscriptionsNeedATopicAndTheVersion() async throws {
        let org = try await TestOrg.open()
        func body(_ topic: String) -> [JSONValue.Member] {
            TestOrg.body(
                "Mirror",
                [
                    ("label", .string("Mirror")), ("topicName", .string(topic)), ("state", .string("RUN")),
                    ("defaultReplay", .string("EARLIEST")), ("errorRecoveryReplay", .string("LATEST")),
                ])
        }
        func create(_ topic: String, version: String = "66.0") async -> OrgError? {
            await org.failure { () throws(OrgError) in
                let context = CallContext(session: org.context.session, apiVersion: version, clientName: nil)
                let id = try await org.sandbox.toolingCreate(
                    object: "ManagedEventSubscription", fields: body(topic), context: context)
                #expect(id.hasPrefix("18x"))
            }
        }
        #expect(await create("/data/Nothing__chn")?.fields == ["topicName"])
        #expect(await create("/data/ChangeEvents", version: "59.0")?.status == 404)
        #expect(await create("/data/ChangeEvents") == nil)
        #expect(await create("/data/ChangeEvents")?.errorCode == "DUPLICATE_VALUE")
    }

    @Test func describeNamesToolingAddresses() async throws {
        let org = try await TestOrg.open()
        let all = try await org.sandbox.toolingDescribeGlobal(context: org.context).dictionary["sobjects"]
        #expect(all?.elements.map { $0.dictionary["name"] }.contains(.string("PlatformEventChannelMember")) == true)
        let one = try await org.sandbox.toolingDescribe(object: "PlatformEventChannel", context: org.context)
        let url = one.dictionary["urls"]?.dictionary["sobject"]
        #expect(url == .string("/services/data/v66.0/tooling/sobjects/PlatformEventChannel"))
    }
}
