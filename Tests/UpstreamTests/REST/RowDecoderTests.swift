import CSV
import ChangeEvents
import Foundation
import NIOCore
import Testing

@testable import Upstream

struct RowDecoderTests {
    private static let columns = [
        "Id", "OwnerId", "Open__c", "Count__c", "Big__c", "Amount__c", "Day__c", "At__c", "Time__c", "Text__c",
        "Odd__c",
        "Owner.Name",
    ]

    private static func description() throws -> ObjectDescription {
        let fields = [
            ("Id", "id"), ("OwnerId", "reference"), ("Open__c", "boolean"), ("Count__c", "int"), ("Big__c", "long"),
            ("Amount__c", "currency"), ("Day__c", "date"), ("At__c", "datetime"), ("Time__c", "time"),
            ("Text__c", "textarea"), ("Odd__c", "hologram"),
        ].map { #"{"name":"\#($0.0)","type":"\#($0.1)"}"# }
        let json = #"{"name":"A__c","fields":[\#(fields.joined(separator: ","))]}"#
        return try JSONDecoder().decode(ObjectDescription.self, from: Data(json.utf8))
    }

    private static let expected: [String: FieldValue] = [
        "OwnerId": .string("005000000000001AAA"), "Open__c": .boolean(true), "Count__c": .integer(-5),
        "Big__c": .integer(9_007_199_254_740_993), "Amount__c": .double(1_234_567_890.12),
        "Day__c": .date(milliseconds: 1_771_286_400_000), "At__c": .dateTime(milliseconds: 1_771_300_995_123),
        "Time__c": .time(milliseconds: 14_595_123), "Text__c": .string("a,\"b\"\nc"), "Odd__c": .string("0.10"),
        "Owner.Name": .string("Ann"),
    ]

    private func row(_ values: [String], columns: [String] = columns) throws -> OrgRow {
        var writer = CSVWriter(CSVDialect())
        writer.write(row: values)
        var reader = CSVReader(CSVDialect())
        reader.append(writer.bytes)
        reader.finish()
        var row = CSVRow()
        #expect(try reader.next(into: &row))
        return try RowDecoder(Self.description(), columns: columns).decode(row)
    }

    @Test func aRowOfCSVIsTyped() throws {
        let row = try row([
            "a00000000000001AAA", "005000000000001", "true", "-5", "9007199254740993", "1.23456789012E9", "2026-02-17",
            "2026-02-17T04:03:15.123Z", "04:03:15.123Z", "a,\"b\"\nc", "0.10", "Ann",
        ])
        #expect(row.id == RecordID("a00000000000001AAA"))
        #expect(row.fields == Self.expected)
    }

    @Test func aRecordOfJSONIsTyped() throws {
        let json = """
            {"attributes":{"type":"A__c"},"Id":"a00000000000001AAA","OwnerId":"005000000000001AAA","Open__c":true,
            "Count__c":-5,"Big__c":9007199254740993,"Amount__c":1234567890.12,"Day__c":"2026-02-17",
            "At__c":"2026-02-17T04:03:15.123+0000","Time__c":"04:03:15.123Z","Text__c":"a,\\"b\\"\\nc","Odd__c":"0.10",
            "Owner":{"attributes":{},"Name":"Ann"}}
            """
        let row = try RowDecoder(Self.description(), columns: Self.columns).decode(
            RESTValue(json: ByteBuffer(string: json)))
        #expect(row.id == RecordID("a00000000000001AAA"))
        #expect(row.fields == Self.expected)
    }

    @Test func emptyIsNullAndMissingIsAbsent() throws {
        let row = try row(Array(repeating: "", count: Self.columns.count))
        #expect(row.id == nil && row.fields.count == Self.columns.count - 1)
        let values = row.fields.map(\.value)
        #expect(Set(values) == [.null])
        let json = #"{"Text__c":null,"Owner":null,"Odd__c":{"a":1}}"#
        let record = try RowDecoder(Self.description(), columns: Self.columns).decode(
            RESTValue(json: ByteBuffer(string: json)))
        #expect(record.fields == ["Text__c": .null, "Owner.Name": .null])
    }

    @Test func numbersThatJSONWritesOtherwiseAreTyped() throws {
        let json = #"{"Count__c":5.0,"Amount__c":7,"Text__c":12,"Odd__c":true}"#
        let record = try RowDecoder(Self.description(), columns: Self.columns).decode(
            RESTValue(json: ByteBuffer(string: json)))
        #expect(
            record.fields == [
                "Count__c": .integer(5), "Amount__c": .double(7), "Text__c": .string("12"), "Odd__c": .string("true"),
            ])
    }

    @Test(arguments: [
        ("Open__c", "yes"), ("Count__c", "1.5"), ("Count__c", "x"), ("Amount__c", "nan"), ("Amount__c", "1,5"),
        ("Day__c", "2026-02-30"), ("Day__c", "17.2.2026"), ("At__c", "2026-02-17"), ("At__c", "2026-02-17T25:00:00Z"),
        ("Time__c", "24:00:00Z"), ("Id", "short"),
    ])
    func aValueThatIsNotOfItsTypeIsNamed(field: String, text: String) throws {
        let error = #expect(throws: OrgAPIError.self) { _ = try row([text], columns: [field]) }
        #expect(error?.code == .answerUnreadable && error?.fields == [field])
        #expect(error?.description.contains(text) == false)
    }

    @Test func aShortRowIsRefused() throws {
        #expect(throws: OrgAPIError.self) { _ = try row(["a", "b"]) }
    }

    @Test(
        arguments: [
            ("1970-01-01T00:00:00.000Z", 0), ("2026-02-17T04:03:15.000+0000", 1_771_300_995_000),
            ("2026-02-17T06:03:15+02:00", 1_771_300_995_000), ("2026-02-17T04:03:15.1234Z", 1_771_300_995_123),
            ("1969-12-31T23:59:59.999Z", -1), ("2024-02-29T00:00:00Z", 1_709_164_800_000),
            ("1700-01-01T00:00:00.000Z", -8_520_336_000_000), ("4000-12-31T00:00:00Z", 64_092_124_800_000),
        ] as [(String, Int64)])
    func dateTimesAreRead(text: String, milliseconds: Int64) {
        #expect(OrgTime.dateTime(text.utf8) == milliseconds)
    }

    @Test(arguments: [
        "", "2026-02-17T04:03:15.Z", "2026-02-17T04:03:15+0", "2026-02-17T04:03:15Zx", "2026-2-17T04:03:15Z",
    ])
    func whatIsNoDateTimeIsNot(text: String) {
        #expect(OrgTime.dateTime(text.utf8) == nil)
    }

    @Test func timesAreWritten() {
        #expect(OrgTime.text(seconds: 1_771_300_995) == "2026-02-17T04:03:15Z")
        #expect(OrgTime.text(seconds: -1) == "1969-12-31T23:59:59Z")
    }

    @Test(arguments: [
        (401, #"[{"message":"Session expired","errorCode":"INVALID_SESSION_ID"}]"#, OrgAPIError.Code.sessionRefused),
        (403, #"[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#, .limitExceeded),
        (400, #"[{"errorCode":"QUERY_TIMEOUT","message":"Your query request was running for too long."}]"#, .busy),
        (400, #"{"exceptionCode":"InvalidBatch","exceptionMessage":"m"}"#, .refused),
        (400, #"[{"statusCode":"UNABLE_TO_LOCK_ROW","message":"m","fields":[]}]"#, .busy),
        (503, "", .unavailable), (520, "<html>", .unavailable), (404, "[]", .notFound), (307, "", .redirected),
        (410, #"[{"errorCode":"UNSUPPORTED_API_VERSION","message":"m"}]"#, .notFound), (418, "[1]", .refused),
    ])
    func errorsOfTheOrgAreSorted(status: Int, body: String, code: OrgAPIError.Code) {
        let error = OrgAPIError.answer(status: status, body: ByteBuffer(string: body), secret: "")
        #expect(error.code == code && error.status == status && !error.message.isEmpty)
    }

    @Test func anErrorsTextIsBoundedAndHoldsNoSecret() {
        let body = #"[{"message":"s3cret \u0007\#(String(repeating: "x", count: 5_000))","errorCode":"A"}]"#
        let error = OrgAPIError.answer(status: 400, body: ByteBuffer(string: body), secret: "s3cret")
        #expect(error.message.hasPrefix("(token)  xxx") && error.message.count <= 1_000)
    }

    @Test func aRetryAfterIsKeptWithinReason() {
        let timing = OrgAPI.Timing()
        var plan = RetryPlan(timing: timing, isRepeatable: true)
        var error = OrgAPIError(.busy, "m")
        error.retryAfter = .seconds(90)
        #expect(plan.next(after: error, jitter: 0) == .pause(.seconds(90)))
        error.retryAfter = .seconds(3_600)
        #expect(plan.next(after: error, jitter: 0) == .fail)
        var once = RetryPlan(timing: timing, isRepeatable: false)
        #expect(once.next(after: OrgAPIError(.unavailable, "m"), jitter: 0) == .fail)
        #expect(once.next(after: OrgAPIError(.sessionRefused, "m"), jitter: 0) == .renewToken)
        #expect(once.next(after: OrgAPIError(.sessionRefused, "m"), jitter: 0) == .fail)
    }

    @Test func pausesGrowToTheirBound() {
        var plan = RetryPlan(timing: OrgAPI.Timing(), isRepeatable: true)
        var pauses: [RetryPlan.Step] = []
        for _ in 0..<5 { pauses.append(plan.next(after: OrgAPIError(.unavailable, "m"), jitter: 0.5)) }
        #expect(
            pauses == [.pause(.seconds(0.5)), .pause(.seconds(1)), .pause(.seconds(2)), .pause(.seconds(4)), .fail])
        plan.hasProgressed()
        #expect(plan.next(after: OrgAPIError(.unavailable, "m"), jitter: 0.5) == .pause(.seconds(0.5)))
    }
}
