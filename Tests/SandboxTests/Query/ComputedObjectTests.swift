import ChangeEvents
import Doors
import Testing

@testable import Sandbox

/// Queries over rows that no store keeps.
@Suite struct ComputedObjectTests {
    private static let definition = ObjectDefinition(
        name: "Gauge", label: "Gauge", labelPlural: "Gauges", keyPrefix: "0zz", isWritable: false, isCapturable: false,
        fields: ObjectDefinition.leadingFields(idLabel: "Gauge ID") + [
            .text("Name", "Name", 80), .integer("Level", "Level", digits: 9), .dateTime("ReadAt", "Read At"),
        ])

    private static let gauges = [
        gauge("north", .integer(5)), gauge("South", .integer(9)), gauge("west", .null),
    ]

    private static func gauge(_ name: String, _ level: FieldValue) -> ComputedRow {
        ComputedRow(values: [
            "Name": .string(name), "Level": level, "ReadAt": .dateTime(milliseconds: 1_771_300_995_000),
        ])
    }

    private static func ask(_ org: TestOrg, _ soql: String, _ rows: [ComputedRow]? = nil) throws -> QueryPage {
        try org.sandbox.query(soql, over: [(definition, rows ?? gauges)], context: org.context)
    }

    @Test func rowsAreFilteredSortedAndGrouped() async throws {
        let org = try await TestOrg.open()
        let found = try Self.ask(org, "SELECT Id, Name FROM Gauge WHERE Level > 1 ORDER BY Name DESC")
        #expect(found.records.map { $0.dictionary["Name"] } == [.string("South"), .string("north")])
        #expect(found.records[0].dictionary["attributes"]?.dictionary["type"] == .string("Gauge"))
        let sum = try Self.ask(org, "SELECT SUM(Level) s, COUNT(Id) n FROM gauge WHERE ReadAt = TODAY")
        #expect(sum.records[0].dictionary["s"] == .number("14"))
        #expect(sum.records[0].dictionary["n"] == .number("3"))
        #expect(try Self.ask(org, "SELECT COUNT() FROM Gauge WHERE Name = 'SOUTH'").totalSize == 1)
    }

    @Test func allRowsComeAtOnce() async throws {
        let org = try await TestOrg.open()
        let many = (0..<2_500).map { ComputedRow(values: ["Name": .string("\($0)")]) }
        let page = try Self.ask(org, "SELECT Name FROM Gauge", many)
        #expect(page.totalSize == 2_500)
        #expect(page.records.count == 2_500)
        #expect(page.isDone)
    }

    @Test func mistakesAreThoseOfEveryQuery() async throws {
        let org = try await TestOrg.open()
        for (soql, code) in [
            ("SELECT Nme FROM Gauge", "INVALID_FIELD"), ("SELECT Id FROM Account", "INVALID_TYPE"),
            ("SELECT Id FROM", "MALFORMED_QUERY"),
        ] {
            let error = #expect(throws: OrgError.self) { try Self.ask(org, soql) }
            #expect(error?.errorCode == code)
        }
    }

    @Test func logFilesAreAskedForLikeRecords() async throws {
        let org = try await TestOrg.open()
        let page = try await org.sandbox.query(
            "SELECT Id, EventType, LogDate FROM EventLogFile WHERE EventType = 'ApiTotalUsage' AND LogDate = TODAY",
            scope: .live, batchSize: nil, context: org.context)
        #expect(page.isDone)
        #expect(page.totalSize == page.records.count)
    }
}
