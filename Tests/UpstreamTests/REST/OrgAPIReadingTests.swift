import ChangeEvents
import Foundation
import NIOHTTP1
import Testing

@testable import Upstream

/// Descriptions, queries and replication lists.
@Suite(.timeLimit(.minutes(2)))
struct OrgAPIReadingTests {
    static let description = """
        {"name":"Case","label":"Case","keyPrefix":"500","queryable":true,"replicateable":true,"custom":false,"fields":[\
        {"name":"Id","type":"id","length":18,"nillable":false,"filterable":true},\
        {"name":"Subject","type":"string","length":255,"nillable":true,"calculatedFormula":null},\
        {"name":"Amount__c","type":"currency","precision":18,"scale":2,"externalId":false,"calculated":true},\
        {"name":"IsClosed","type":"boolean"},{"name":"Odd__c","type":"hologram"},\
        {"name":"BillingCity","type":"string","compoundFieldName":"BillingAddress"},\
        {"name":"OwnerId","type":"reference","referenceTo":["User","Group"],"relationshipName":"Owner"}]}
        """

    @Test func anObjectIsDescribed() async throws {
        try await FakeOrg.with { org, api in
            org.answer(.json(Self.description))
            let object = try await api.describe("Case")
            #expect(org.requests.first?.uri == "/services/data/v67.0/sobjects/Case/describe")
            #expect(object.name == "Case" && object.keyPrefix == "500" && object.isQueryable && object.isReplicateable)
            let amount = try #require(object.field("amount__C"))
            #expect(amount.type == .currency && amount.precision == 18 && amount.scale == 2 && amount.isCalculated)
            #expect(object.field("Odd__c")?.type == .other("hologram"))
            #expect(object.field("BillingCity")?.compoundFieldName == "BillingAddress")
            #expect(object.field("OwnerId")?.referenceTo == ["User", "Group"])
            #expect(object.field("Subject")?.isNillable == true && object.field("Id")?.isFilterable == true)
        }
    }

    @Test func anUnchangedDescriptionIsNotSentAgain() async throws {
        try await FakeOrg.with { org, api in
            org.answer { request in
                if request.headers.first(name: "if-modified-since") == "Tue, 17 Feb 2026 04:03:15 GMT" {
                    return FakeOrg.Answer(status: 304)
                }
                var answer = FakeOrg.Answer.json(Self.description)
                answer.headers = [("Last-Modified", "Tue, 17 Feb 2026 04:03:15 GMT")]
                return answer
            }
            let known = try await api.describe("Case")
            #expect(try await api.describe("Case", since: known) == nil)
            var older = known
            older.lastModified = "Mon, 16 Feb 2026 04:03:15 GMT"
            #expect(try await api.describe("Case", since: older) == known)
        }
    }

    @Test func allObjectsAreListed() async throws {
        try await FakeOrg.with { org, api in
            org.answer(.json(#"{"encoding":"UTF-8","sobjects":[{"name":"Case"},{"name":"A__c","custom":true}]}"#))
            let objects = try await api.describeGlobal()
            #expect(objects.map(\.name) == ["Case", "A__c"] && objects[1].isCustom && objects[0].fields.isEmpty)
        }
    }

    @Test func pagesFollowOneAnother() async throws {
        try await FakeOrg.with { org, api in
            org.answer { request in
                request.uri.hasSuffix("/query/01g-2")
                    ? .json(#"{"totalSize":3,"done":true,"records":[{"N":3}]}"#)
                    : .json(
                        #"{"totalSize":3,"done":false,"nextRecordsUrl":"/services/data/v67.0/query/01g-2","#
                            + #""records":[{"N":1},{"N":9007199254740993}]}"#)
            }
            var numbers: [Int64?] = []
            for try await page in api.query("SELECT N FROM A WHERE B = 'ä&+'") {
                #expect(page.totalSize == 3)
                numbers += page.records.map { $0["N"]?.integer }
            }
            #expect(numbers == [1, 9_007_199_254_740_993, 3])
            #expect(
                org.requests.first?.uri
                    == "/services/data/v67.0/query?q=SELECT%20N%20FROM%20A%20WHERE%20B%20%3D%20%27%C3%A4%26%2B%27")
        }
    }

    @Test(arguments: [
        "https://evil.example/services/data/v67.0/query/1", "//evil.example/services/data/", "/elsewhere",
        "/services/data/../../x", "@evil.example/services/data/",
    ])
    func anAddressThatIsNotOfTheAPIIsNotAsked(address: String) async throws {
        try await FakeOrg.with { org, api in
            org.answer(.json(#"{"totalSize":3,"done":false,"nextRecordsUrl":"\#(address)","records":[]}"#))
            await #expect(throws: OrgAPIError.self) { for try await _ in api.query("SELECT Id FROM A") {} }
            #expect(org.requests.count == 1)
        }
    }

    @Test func aCountIsTheSizeOfTheAnswer() async throws {
        try await FakeOrg.with { org, api in
            org.answer(.json(#"{"totalSize":42,"done":true,"records":[]}"#))
            let count = try await api.count("SELECT COUNT() FROM Case", includingDeleted: true)
            #expect(count == 42)
            #expect(org.requests.first?.path == "/services/data/v67.0/queryAll")
        }
    }

    @Test func aLongQueryGoesInABody() async throws {
        try await FakeOrg.with { org, api in
            org.answer(
                .json(
                    #"{"compositeResponse":[{"body":[{"message":"locked","errorCode":"UNABLE_TO_LOCK_ROW"}],"#
                        + #""httpHeaders":{},"httpStatusCode":400,"referenceId":"query"}]}"#),
                .json(
                    #"{"compositeResponse":[{"body":{"totalSize":7,"done":true,"records":[]},"#
                        + #""httpHeaders":{},"httpStatusCode":200,"referenceId":"query"}]}"#))
            let soql = "SELECT COUNT() FROM Case WHERE Subject = '\(String(repeating: "x", count: 15_000))'"
            let count = try await api.count(soql)
            #expect(count == 7)
            #expect(org.requests.map(\.method) == ["POST", "POST"])
            #expect(org.requests.allSatisfy { $0.path == "/services/data/v67.0/composite" && $0.body.contains("xxxx") })
        }
    }

    @Test func recordsAreReadByTheirIDs() async throws {
        try await FakeOrg.with { org, api in
            org.answer(.json(Self.description))
            let object = try await api.describe("Case")
            org.answer(
                .json(
                    #"{"totalSize":1,"done":true,"records":[{"attributes":{"type":"Case"},"Id":"500000000000001AAA","#
                        + #""Subject":"","IsClosed":true,"Amount__c":0.1}]}"#))
            let ids = try [#require(RecordID("500000000000001")), #require(RecordID("500000000000002"))]
            let rows = try await api.recordsByID(object, fields: ["subject", "IsClosed", "Amount__c"], ids: ids)
            #expect(rows.count == 1 && rows[0].id == ids[0])
            #expect(rows[0].fields == ["Subject": .null, "IsClosed": .boolean(true), "Amount__c": .double(0.1)])
            let uri = try #require(org.requests.last?.uri.removingPercentEncoding)
            #expect(uri.hasPrefix("/services/data/v67.0/queryAll?q=SELECT Id,subject,IsClosed,Amount__c FROM Case"))
            #expect(uri.hasSuffix("WHERE Id IN ('500000000000001AAA','500000000000002AAA')"))
            #expect(try await api.recordsByID(object, fields: [], ids: []).isEmpty)
            await #expect(throws: OrgAPIError.self) {
                _ = try await api.recordsByID(object, fields: [], ids: Array(repeating: ids[0], count: 201))
            }
            #expect(org.requests.count == 2)
        }
    }

    @Test func whatWasUpdatedAndDeletedIsListed() async throws {
        try await FakeOrg.with { org, api in
            org.answer(.json(#"{"ids":["500000000000001AAA"],"latestDateCovered":"2026-02-17T04:03:00.000+0000"}"#))
            let start: Int64 = 1_771_300_000_500
            let updated = try await api.updated("Case", from: start, to: start + 1_000)
            #expect(updated.ids.map(\.string) == ["500000000000001AAA"] && updated.coveredUntil == 1_771_300_980_000)
            let uri = try #require(org.requests.last?.uri.removingPercentEncoding)
            #expect(uri.hasSuffix("/Case/updated/?start=2026-02-17T03:46:40Z&end=2026-02-17T03:46:42Z"))
            org.answer(
                .json(
                    #"{"deletedRecords":[{"id":"500000000000002AAA","deletedDate":"2026-02-17T04:00:00.000+0000"}],"#
                        + #""earliestDateAvailable":"2026-01-01T00:00:00.000+0000","#
                        + #""latestDateCovered":"2026-02-17T04:03:00.000+0000"}"#))
            let deleted = try await api.deleted("Case", from: start, to: start + 1_000)
            #expect(deleted.records.map(\.deletedAt) == [1_771_300_800_000] && deleted.availableSince != nil)
            await #expect(throws: OrgAPIError.self) {
                _ = try await api.updated("Case", from: start, to: start + 31 * 86_400_000)
            }
            await #expect(throws: OrgAPIError.self) { _ = try await api.updated("Case", from: start, to: start) }
            #expect(org.requests.count == 2)
        }
    }
}
