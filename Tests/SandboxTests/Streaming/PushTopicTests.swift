import ChangeEvents
import Doors
import Store
import Testing

@testable import Sandbox

struct PushTopicTests {
    @Test func queryIsReadWithDeclaredNames() throws {
        let query = try PushTopicQuery(
            " select Id ,NAME, billingcity\nFROM account  where Phone like '07%' ", catalogue: .standard)
        #expect(query.object.name == "Account")
        #expect(query.selected == ["Id", "Name", "BillingCity"])
        #expect(query.referenced == ["Phone"])
        #expect(try PushTopicQuery("SELECT Id FROM Case", catalogue: .standard).condition == nil)
    }

    @Test(arguments: [
        "", "SELECT", "SELECT Id", "SELECT Id FROM", "SELECT FROM Account", "SELECT Id, FROM Account",
        "Id FROM Account",
        "SELECT Id FROM User", "SELECT Id FROM PushTopic", "SELECT Name FROM Account", "SELECT Id FROM Account WHERE",
        "SELECT Id FROM Account ORDER BY Name", "SELECT Id FROM Account WHERE Name = 'a' LIMIT 1",
        "SELECT Id, Owner.Name FROM Account", "SELECT COUNT() FROM Account", "SELECT Id FROM Account, Contact",
        "SELECT Id, (SELECT Id FROM Contacts) FROM Account", "SELECT Id FROM Account WHERE Owner.Name = 'a'",
        "SELECT Id FROM Account WHERE BillingAddress = null", "SELECT Id FROM Account WHERE Description = 'a'",
    ])
    func otherQueriesAreRefused(text: String) {
        #expect(throws: OrgError.self) { try PushTopicQuery(text, catalogue: .standard) }
    }

    private func topic(_ org: TestOrg, _ query: String, _ more: [(String, JSONValue)] = []) async throws -> RecordID {
        try await org.create(
            "PushTopic", [("Name", .string("T")), ("Query", .string(query)), ("ApiVersion", .number("66.0"))] + more)
    }

    /// What came on a channel since the beginning.
    private func heard(_ org: TestOrg, _ channel: String = "/topic/T") async throws -> [LegacyEvent] {
        let start = try await org.sandbox.startChannel(channel, from: .earliest, caller: org.caller)
        let read = try await org.sandbox.readChannel(channel, after: start, limit: 100, caller: org.caller)
        return try read.events.map { LegacyEvent(try org.sandbox.legacyStreaming.schema.values(of: $0.event.payload)) }
    }

    private func types(_ events: [LegacyEvent]) -> [String] {
        events.map { if case .record(let type, _) = $0.body { type } else { "?" } }
    }

    @Test func recordThatLeavesTheConditionGivesNoEvent() async throws {
        let org = try await TestOrg.open()
        _ = try await topic(org, "SELECT Id, Name FROM Account WHERE Phone = '1'")
        let account = try await org.create("Account", [("Name", .string("A")), ("Phone", .string("1"))])
        try await org.update("Account", account, [("Phone", .string("2"))])
        try await org.update("Account", account, [("Phone", .string("1"))])
        try await org.delete("Account", account)
        #expect(types(try await heard(org)) == ["created", "updated", "deleted"])
    }

    @Test func rolledBackTransactionTellsNothing() async throws {
        let org = try await TestOrg.open()
        _ = try await topic(org, "SELECT Id FROM Account")
        await #expect(throws: OrgError.self) {
            try await org.sandbox.transaction { transaction in
                _ = try transaction.create("Account", ["Name": .string("A")])
                throw OrgError.internalFailure()
            }
        }
        #expect(try await heard(org).isEmpty)
    }

    @Test func changesOfATopicCountFromItsTransaction() async throws {
        let org = try await TestOrg.open()
        let id = try await topic(org, "SELECT Id FROM Account", [("IsActive", .boolean(false))])
        _ = try await org.create("Account", [("Name", .string("unheard"))])
        try await org.update("PushTopic", id, [("IsActive", .boolean(true))])
        _ = try await org.create("Account", [("Name", .string("heard"))])
        #expect(try await heard(org).count == 1)
        // A change that is taken back has changed nothing.
        await #expect(throws: OrgError.self) {
            try await org.sandbox.transaction { transaction in
                try transaction.update("PushTopic", id, ["IsActive": .boolean(false)])
                throw OrgError.internalFailure()
            }
        }
        _ = try await org.create("Account", [("Name", .string("heard too"))])
        #expect(try await heard(org).count == 2)
        try await org.delete("PushTopic", id)
        let error = await refusal(org, "/topic/T", .latest)
        #expect(error == .topicNotFound)
    }

    private func refusal(_ org: TestOrg, _ channel: String, _ from: ReplayStart) async -> EventBusError.Code? {
        do throws(EventBusError) {
            _ = try await org.sandbox.startChannel(channel, from: from, caller: org.caller)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func replayReachesBack24Hours() async throws {
        let org = try await TestOrg.open()
        _ = try await topic(org, "SELECT Id FROM Account")
        _ = try await org.create("Account", [("Name", .string("early"))])
        let start = try await org.sandbox.startChannel("/topic/T", from: .earliest, caller: org.caller)
        let read = try await org.sandbox.readChannel("/topic/T", after: start, limit: 1, caller: org.caller)
        let first = try #require(read.events.first?.event.replayID)
        org.clock.advance(.seconds(24 * 3_600))
        _ = try await org.create("Account", [("Name", .string("late"))])
        #expect(try await heard(org).count == 2)
        #expect(await refusal(org, "/topic/T", .after(first)) == nil)
        org.clock.advance(.seconds(1))
        #expect(try await heard(org).count == 1)
        #expect(await refusal(org, "/topic/T", .after(first)) == .replayIDCorrupted)
        org.clock.advance(.seconds(24 * 3_600))
        #expect(try await heard(org).isEmpty)
    }

    @Test func namesAreUniqueAndWellFormed() async throws {
        let org = try await TestOrg.open()
        _ = try await topic(org, "SELECT Id FROM Account")
        let twice = await org.failure { () async throws(OrgError) in
            _ = try await org.create(
                "PushTopic",
                [("Name", .string("t")), ("Query", .string("SELECT Id FROM Case")), ("ApiVersion", .number("66.0"))])
        }
        #expect(twice?.errorCode == "DUPLICATE_VALUE")
        for name in ["x", "/u", "/u/", "/u/a b", "/topic/a"] {
            let error = await org.failure { () async throws(OrgError) in
                _ = try await org.create("StreamingChannel", [("Name", .string(name))])
            }
            #expect(error?.errorCode == "INVALID_FIELD", "\(name)")
        }
    }

    @Test func genericEventForSomeUsersIsTheirs() async throws {
        let org = try await TestOrg.open()
        let channel = try await org.create("StreamingChannel", [("Name", .string("/u/some"))])
        let other = BusCaller(userID: "0055g00000000099AA", organizationID: org.caller.organizationID)
        let results = try await org.sandbox.push(
            channelID: channel.string,
            events: [
                GenericEvent(payload: "mine", userIDs: [String(org.caller.userID.prefix(15))]),
                GenericEvent(payload: "", userIDs: []),
            ], context: org.context)
        #expect(results.map(\.fanoutCount) == [0, 0])
        for (caller, expected) in [(org.caller, ["mine", ""]), (other, [""])] {
            let start = try await org.sandbox.startChannel("/u/some", from: .earliest, caller: caller)
            let read = try await org.sandbox.readChannel("/u/some", after: start, limit: 10, caller: caller)
            let texts = try read.events.map {
                LegacyEvent(try org.sandbox.legacyStreaming.schema.values(of: $0.event.payload)).body
            }
            #expect(texts == expected.map { .payload($0) })
        }
    }
}
