import ChangeEvents
import Doors
import SOQL
import Testing

@testable import Sandbox

struct UsageMetricTests {
    /// 2026-02-17T04:03:15Z
    private static let now: Int64 = 1_771_300_995_000

    private func ledger() -> UsageLedger {
        var ledger = UsageLedger()
        let hour = UsageMetric.hour
        ledger.add(3, .delivery, event: "CaseChangeEvent", client: "PUB_SUB_API", at: Self.now - hour)
        ledger.add(2, .delivery, event: "CaseChangeEvent", client: "cometd-1", at: Self.now - 2 * hour)
        ledger.add(5, .publish, event: "Low_Charge__e", client: "REST_API", at: Self.now - 2 * hour)
        // Yesterday, and this hour, which is not over.
        ledger.add(7, .publish, event: "CaseChangeEvent", client: "SYSTEM", at: Self.now - 20 * hour)
        ledger.add(100, .publish, event: "CaseChangeEvent", client: "SYSTEM", at: Self.now)
        return ledger
    }

    @Test func sumsAreOfTheLastFullDayAndOfWholeDays() {
        let rows = UsageMetric(ledger: ledger(), now: Self.now, isEnhanced: false).rows
        let lastHour = Self.now / UsageMetric.hour * UsageMetric.hour
        let rolling = rows.filter { $0["EndDate"] == .dateTime(milliseconds: lastHour) }
        #expect(
            Dictionary(uniqueKeysWithValues: rolling.map { ($0["Name"], $0["Value"]) }) == [
                .string("CHANGE_EVENTS_DELIVERED"): .double(5), .string("CHANGE_EVENTS_PUBLISHED"): .double(7),
                .string("PLATFORM_EVENTS_PUBLISHED"): .double(5),
            ])
        let midnight = Self.now / UsageLedger.day * UsageLedger.day
        let yesterday = rows.filter { $0["EndDate"] == .dateTime(milliseconds: midnight) }
        #expect(yesterday.map { $0["Value"] } == [.double(7)])
        #expect(rows.count == 4)
    }

    @Test func enhancedRowsAreByEventClientAndSegment() {
        let rows = UsageMetric(ledger: ledger(), now: Self.now, isEnhanced: true).rows
        let hourly = rows.filter {
            $0["TimeSegment"] == .string("Hourly") && $0["EventName"] == .string("CaseChangeEvent")
                && $0["UsageType"] == .string("DELIVERY")
        }
        #expect(hourly.map { $0["Client"] } == [.string("cometd-1"), .string("PUB_SUB_API")])
        #expect(hourly.allSatisfy { $0["EventType"] == .string("CHANGE_EVENT") })
        let daily = rows.filter { $0["TimeSegment"] == .string("Daily") && $0["Client"] == .string("SYSTEM") }
        #expect(daily.map { $0["Value"] } == [.double(7), .double(100)])
        #expect(rows.contains { $0["EventType"] == .string("CUSTOM_PLATFORM_EVENT") })
        #expect(Set(rows.compactMap { $0["TimeSegment"] }).count == 3)
    }

    private func refusal(_ soql: String) -> OrgError? {
        do {
            try UsageMetricRules.check(try Query(soql), now: Self.now)
            return nil
        } catch {
            return error as? OrgError
        }
    }

    private static let from = "SELECT Value FROM PlatformEventUsageMetric"

    @Test(arguments: [
        "", " WHERE Name = 'CHANGE_EVENTS_DELIVERED'",
        " WHERE StartDate >= 2026-02-16T00:00:00Z AND EndDate <= 2026-02-17T00:00:00Z",
        " WHERE TimeSegment = 'Hourly' AND UsageType = 'DELIVERY' AND EventName = 'CaseChangeEvent'",
        " WHERE StartDate >= 2026-01-18T00:00:00Z AND EndDate <= 2026-02-17T00:00:00Z",
    ])
    func queriesThatAreAnswered(_ rest: String) {
        #expect(refusal(Self.from + rest) == nil)
    }

    @Test(arguments: [
        " LIMIT 10", " WHERE StartDate >= 2026-02-16T00:00:00Z", " WHERE EndDate <= 2026-02-17T00:00:00Z",
        " WHERE EventName = 'CaseChangeEvent' AND TimeSegment = 'Daily'", " WHERE Client = 'SYSTEM'",
        " WHERE StartDate >= 2026-02-16T00:00:00Z AND EndDate <= 2026-02-16T00:14:00Z",
        " WHERE StartDate >= 2026-01-16T00:00:00Z AND EndDate <= 2026-02-17T00:00:00Z",
        " WHERE StartDate >= 2025-12-01T00:00:00Z AND EndDate <= 2025-12-02T00:00:00Z",
    ])
    func queriesThatAreRefused(_ rest: String) {
        #expect(refusal(Self.from + rest)?.errorCode == "MALFORMED_QUERY")
    }

    @Test func aggregatesAreRefused() {
        #expect(refusal("SELECT SUM(Value) FROM PlatformEventUsageMetric") != nil)
        #expect(refusal("SELECT COUNT() FROM PlatformEventUsageMetric") != nil)
        #expect(refusal("SELECT Name, COUNT(Value) FROM PlatformEventUsageMetric GROUP BY Name") != nil)
    }

    @Test func theOrgAnswersQueries() async throws {
        let org = try await TestOrg.open()
        _ = try await org.create("Case", [])
        org.clock.advance(.seconds(3_600))
        let page = try await org.sandbox.query(
            "SELECT Id, Name, Value FROM PlatformEventUsageMetric WHERE Name = 'CHANGE_EVENTS_PUBLISHED'", scope: .live,
            batchSize: nil, context: org.context)
        #expect(page.records.map { $0.dictionary["Value"] } == [.number("1.0")])
        // A metric is no record: all rows have the same id.
        let all = try await org.sandbox.query(
            "SELECT Id FROM PlatformEventUsageMetric WHERE TimeSegment IN ('Daily', 'Hourly', 'FifteenMinutes')",
            scope: .live, batchSize: nil, context: org.context)
        #expect(all.records.count == 3)
        #expect(Set(all.records.map { $0.dictionary["Id"] }) == [.string("000000000000000AAA")])
        let subscribers = try await org.sandbox.query(
            "SELECT Name, Position FROM EventBusSubscriber", scope: .live, batchSize: nil, context: org.context)
        #expect(subscribers.records.isEmpty)
    }

    @Test func toolingObjectsAreQueried() async throws {
        let org = try await TestOrg.open()
        try await org.addChannel("A__chn")
        try await org.addMember("AccountChangeEvent", to: "A__chn")
        let answer = try await org.sandbox.toolingQuery(
            "SELECT Id, DeveloperName, EventChannel, SelectedEntity FROM PlatformEventChannelMember "
                + "WHERE DeveloperName LIKE 'A%'", context: org.context
        ).dictionary
        #expect(answer["entityTypeName"] == .string("PlatformEventChannelMember"))
        #expect(answer["queryLocator"] == .null)
        #expect(answer["totalSize"] == .number("1"))
        let record = try #require(answer["records"]?.elements.first).dictionary
        #expect(record["SelectedEntity"] == .string("AccountChangeEvent"))
        let count = try await org.sandbox.toolingQuery(
            "SELECT COUNT_DISTINCT(SelectedEntity) n FROM PlatformEventChannelMember", context: org.context
        ).dictionary
        #expect(count["records"]?.elements.first?.dictionary["n"] == .number("3"))
        let unknown = await org.failure { () throws(OrgError) in
            _ = try await org.sandbox.toolingQuery("SELECT Id FROM Nothing", context: org.context)
        }
        #expect(unknown?.errorCode == "INVALID_TYPE")
    }

    @Test func oldDaysAreForgotten() {
        var ledger = UsageLedger()
        for day in 0..<100 { ledger.add(1, .publish, event: "X__e", client: "APEX", at: Int64(day) * UsageLedger.day) }
        #expect(ledger.days.count <= Int(UsageLedger.daysKept) + 1)
        #expect(ledger.days[0] == nil)
    }

    @Test func forgottenDaysLeaveTheStore() throws {
        var ledger = UsageLedger()
        ledger.add(1, .publish, event: "X__e", client: "APEX", at: 0)
        #expect(try ledger.takeChanges().map { $0.value != nil } == [true])
        ledger.add(1, .publish, event: "X__e", client: "APEX", at: 100 * UsageLedger.day)
        let changes = try ledger.takeChanges().sorted { $0.key < $1.key }
        #expect(changes.map(\.key) == [UsageLedger.stateKey(day: 0), UsageLedger.stateKey(day: 100)])
        #expect(changes.map { $0.value != nil } == [false, true])
    }

    /// Each CometD handshake is a client of its own: beyond a bound they are counted together, and none is lost.
    @Test func manyClientsAreCountedTogether() throws {
        var ledger = UsageLedger()
        let count = UsageLedger.clientsPerDayMax + 500
        for client in 0..<count { ledger.add(1, .delivery, event: "X__e", client: "c\(client)", at: 5) }
        ledger.add(1, .delivery, event: "X__e", client: "c0", at: 6)
        let entries = try #require(ledger.days[0])
        #expect(entries.count == UsageLedger.clientsPerDayMax + 1)
        #expect(entries.values.reduce(0, +) == count + 1)
        #expect(entries.first { $0.key.client == UsageLedger.otherClients }?.value == 500)
        #expect(entries.first { $0.key.client == "c0" }?.value == 2)
    }

    @Test func aDayIsKeptAndRestored() throws {
        var ledger = ledger()
        let changes = try ledger.takeChanges()
        #expect(changes.count == 2)
        #expect(try ledger.takeChanges().isEmpty)
        var restored = UsageLedger()
        for change in changes {
            let day = try #require(Int64(change.key.split(separator: ".").last ?? ""))
            try restored.restore(day: day, from: try #require(change.value))
        }
        #expect(restored.days == ledger.days)
    }
}
