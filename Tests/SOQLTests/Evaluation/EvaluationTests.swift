import SOQL
import Testing

/// A record in a dictionary; what is not in it is unknown.
struct DictionaryRecord: FieldSource {
    var fields: [String: Value]

    func value(of field: String) -> Value? {
        fields.first { $0.key.lowercased() == field.lowercased() }?.value
    }
}

struct EvaluationTests {
    static let record = DictionaryRecord(fields: [
        "Status": .string("In Progress"), "Empty": .null, "Blank": .string(""), "Count": .integer(5),
        "Amount": .double(12.5),
        "Big": .integer(9_007_199_254_740_993), "Open": .boolean(true), "Shut": .boolean(false),
        "Day": .date(milliseconds: 1_783_555_200_000), "Moment": .dateTime(milliseconds: 1_783_593_000_000),
        "Clock": .time(milliseconds: 52_200_000), "Colours": .string("Red;Light Green;Blue"), "City": .string("Zürich"),
        "Huge": .double(1e300), "NotANumber": .double(.nan),
        // Comparing it with a day once trapped: its day begins before 64 bits of milliseconds do.
        "Beginning": .dateTime(milliseconds: .min), "End": .dateTime(milliseconds: .max),
    ])

    @Test(arguments: [
        // Texts compare without case.
        ("Status = 'in progress'", Truth.yes), ("status = 'IN PROGRESS'", .yes), ("Status != 'in progress'", .no),
        ("Status = 'In Progres'", .no), ("Status = 'In Progress!'", .no), ("Status < 'j'", .yes),
        ("Status >= 'IN'", .yes),
        ("Status > 'in progress'", .no), ("Status <= 'in progress'", .yes), ("City = 'zÜRICH'", .yes),
        ("City > 'zurich'", .yes),
        ("City != 'ZÜRICH'", .no), ("City < 'zz'", .no),
        // Empty fields.
        ("Empty = null", .yes), ("Empty != null", .no), ("Empty = 'x'", .no), ("Empty != 'x'", .yes),
        ("Empty < 'x'", .no),
        ("Empty > 5", .no), ("Empty <= 5", .no), ("NOT Empty > 5", .yes), ("Empty = ''", .yes), ("Empty != ''", .no),
        ("Blank = null", .yes), ("Blank != 'x'", .yes), ("Status = null", .no), ("Status != null", .yes),
        ("Status != ''", .yes),
        ("Empty LIKE '%'", .no), ("Empty IN ('x')", .no), ("Empty NOT IN ('x')", .yes), ("Empty IN ('x', null)", .yes),
        ("Empty NOT IN ('x', null)", .no), ("Empty INCLUDES ('x')", .no), ("Empty EXCLUDES ('x')", .yes),
        // Numbers.
        ("Count = 5", .yes), ("Count = 5.0", .yes), ("Count != 5", .no), ("Count > 4.9", .yes), ("Count < 5", .no),
        ("Amount = 12.5", .yes), ("Amount > 12", .yes), ("Amount <= 12", .no), ("Count IN (1, 5, 9)", .yes),
        ("Amount IN (1, 12.5)", .yes), ("Amount NOT IN (1, 12.5)", .no), ("Count IN (1, 2)", .no),
        ("Big = 9007199254740992.0", .no), ("Big > 9007199254740992.0", .yes), ("Big = 9007199254740993", .yes),
        ("Huge > 9223372036854775807", .yes), ("Count < 1e300", .yes), ("Count > -1e300", .yes),
        ("NotANumber = 1", .unknown),
        ("NotANumber != 1", .unknown),
        // Checkboxes: null is false.
        ("Open = true", .yes), ("Open != true", .no), ("Shut = false", .yes), ("Empty = false", .yes),
        ("Empty = true", .no),
        ("Empty != true", .yes), ("Empty != false", .no), ("Shut = null", .yes), ("Shut != null", .no),
        ("Open = null", .no),
        // Dates and times.
        ("Day = 2026-07-09", .yes), ("Day > 2026-07-08", .yes), ("Day < 2026-07-09", .no),
        ("Moment = 2026-07-09T10:30:00Z", .yes), ("Moment = 2026-07-09T02:30:00-08:00", .yes),
        ("Moment > 2026-07-09T10:29:59.999Z", .yes), ("Moment = 2026-07-09", .yes), ("Moment > 2026-07-09", .no),
        ("Moment >= 2026-07-10", .no), ("Day = 2026-07-09T23:00:00Z", .yes), ("Day < 2026-07-10T00:00:00Z", .yes),
        ("Day IN (2026-07-08, 2026-07-09)", .yes), ("Moment IN (2026-07-09)", .yes), ("Clock = 14:30:00Z", .yes),
        ("Day IN (2026-07-08T10:00:00Z, 2026-07-09T01:00:00Z, 2026-07-09T02:00:00Z)", .yes),
        ("Clock < 14:30:00.001Z", .yes),
        ("Beginning < 2026-07-09", .yes), ("Beginning = 2026-07-09", .no), ("Beginning IN (2026-07-09)", .no),
        ("End > 2026-07-09", .yes),
        // Multi-select.
        ("Colours INCLUDES ('red')", .yes), ("Colours INCLUDES ('Green')", .no),
        ("Colours INCLUDES ('Blue;Red')", .yes),
        ("Colours INCLUDES ('Blue;Black', 'light green')", .yes), ("Colours EXCLUDES ('Black', 'White')", .yes),
        ("Colours EXCLUDES ('Black', 'Red')", .no), ("Colours = 'red;light green;blue'", .yes),
        // Types that do not go together cannot be judged, nor can their negation.
        ("Count = 'x'", .unknown), ("Count != 'x'", .unknown), ("Status = 5", .unknown), ("NOT Status = 5", .unknown),
        ("Status IN (5)", .unknown), ("Status NOT IN (5)", .unknown), ("Count LIKE '5'", .unknown),
        ("Open = 'true'", .unknown),
        ("Day = 14:30:00Z", .unknown), ("Count INCLUDES ('x')", .unknown), ("Status = true", .unknown),
        ("Status IN (null)", .no), ("Status NOT IN (null)", .yes),
        // Unknown fields and Kleene's logic.
        ("Missing = 1", .unknown), ("Missing = null", .unknown), ("Missing != null", .unknown),
        ("NOT Missing = 1", .unknown),
        ("Count = 5 OR Missing = 1", .yes), ("Missing = 1 OR Count = 5", .yes), ("Count = 4 OR Missing = 1", .unknown),
        ("Count = 5 AND Missing = 1", .unknown), ("Missing = 1 AND Count = 4", .no), ("Count = 4 AND Missing = 1", .no),
        ("NOT (Count = 5 AND Missing = 1)", .unknown), ("NOT (Count = 4 AND Missing = 1)", .yes),
    ])
    func judges(text: String, truth: Truth) throws {
        #expect(try Condition(text).evaluate(on: Self.record) == truth)
    }

    @Test(arguments: [
        // 15 characters stand for 18.
        ("ContactId = '003xx000004TmiQ'", Truth.yes), ("ContactId = '003xx000004TmiQAAS'", .yes),
        ("ContactId != '003xx000004TmiQ'", .no), ("Lookup__c = '003xx000004TmiQ'", .yes),
        // Case counts.
        ("ContactId = '003xx000004Tmiq'", .no), ("ContactId = '003xx000004tmiQAAS'", .no),
        ("ContactId = '003XX000004TMIQAAS'", .no),
        ("ContactId != '003xx000004Tmiq'", .yes),
        // A wrong checksum is no id.
        ("ContactId = '003xx000004TmiQAAA'", .no),
        ("ContactId IN ('003xx000004Tmiq', '003xx000004TmiQ')", .yes), ("ContactId IN ('003xx000004Tmiq')", .no),
        ("ContactId NOT IN ('003xx000004Tmiq')", .yes), ("ContactId IN ('x', 'y')", .no),
        // An id kept with 15 characters, in a field that says it holds one.
        ("ShortId = '003xx000004TmiQAAS'", .yes), ("ShortId = '003xx000004TmiQ'", .yes),
        ("ShortId = '003xx000004Tmiq'", .no),
        ("ShortId IN ('003xx000004TmiQAAS')", .yes),
        // A word of 15 letters in any other field is a text.
        ("Word = 'ELECTRICMOTORS1'", .yes), ("Word IN ('electricMOTORS1')", .yes),
    ])
    func recordIDsCompareBytewise(text: String, truth: Truth) throws {
        let record = DictionaryRecord(fields: [
            "ContactId": .string("003xx000004TmiQAAS"), "Lookup__c": .string("003xx000004TmiQAAS"),
            "ShortId": .string("003xx000004TmiQ"), "Word": .string("ElectricMotors1"),
        ])
        #expect(try Condition(text).evaluate(on: record) == truth)
    }

    /// Every list length, so that the binary search meets each of its ends.
    @Test func listsOfAnyLengthAreSearched() throws {
        for count in 1...40 {
            let members = (0..<count).map { "name\($0 * 2)" }
            let condition = try Condition(
                "A IN (" + members.reversed().map { "'\($0.uppercased())'" }.joined(separator: ",") + ")")
            for number in 0..<count * 2 {
                let record = DictionaryRecord(fields: ["A": .string("Name\(number)")])
                #expect(condition.evaluate(on: record) == (number.isMultiple(of: 2) ? .yes : .no))
            }
        }
    }
}
