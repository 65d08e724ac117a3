import ChangeEvents
import Testing

@testable import Sandbox

struct TimeFormulaTests {
    /// 08:30:00.250
    private static let opens: Int64 = 30_600_250

    private var record: FormulaRecord {
        var record = FormulaRecord()
        record.types["Opens__c"] = .time
        record.types["NoTime__c"] = .time
        record.values["Opens__c"] = .time(milliseconds: Self.opens)
        return record
    }

    @Test(
        arguments: [
            ("Opens__c", opens), ("Opens__c + 600000", opens + 600_000), ("Opens__c - 600000", opens - 600_000),
            ("600000 + Opens__c", opens + 600_000),
            // The clock begins again after 24 hours, in both directions.
            ("Opens__c + 25 * 3600000", opens + 3_600_000), ("Opens__c - 9 * 3600000", opens + 15 * 3_600_000),
            ("TIMEVALUE(\"11:30:00.000\")", 41_400_000), ("TIMEVALUE(\"11:30:00\")", 41_400_000),
            ("TIMEVALUE(\"11:30\")", 41_400_000), ("TIMEVALUE(Stamp__c)", 36_000_000), ("TIMENOW()", 45_045_000),
        ] as [(String, Int64)])
    func times(_ formula: String, _ expected: Int64) throws {
        #expect(try record.evaluate(formula, .time) == .time(milliseconds: expected))
    }

    @Test(
        arguments: [
            ("HOUR(Opens__c)", 8), ("MINUTE(Opens__c)", 30), ("SECOND(TIMENOW())", 45), ("MILLISECOND(Opens__c)", 250),
            ("Opens__c - TIMEVALUE(\"08:00:00\")", 1_800_250), ("TIMEVALUE(\"08:00:00\") - Opens__c", -1_800_250),
        ] as [(String, Double)])
    func numbers(_ formula: String, _ expected: Double) throws {
        #expect(try record.number(formula) == expected)
    }

    @Test func timesCompareAndShow() throws {
        #expect(try record.truth("Opens__c < TIMEVALUE(\"09:00:00\")") == true)
        #expect(try record.truth("Opens__c = TIMEVALUE(\"08:30:00.250\")") == true)
        #expect(try record.text("TEXT(Opens__c)") == "08:30:00.250")
        #expect(try record.truth("ISBLANK(NoTime__c)") == true)
        #expect(try record.evaluate("NoTime__c + 1", .time) == .null)
        #expect(try record.evaluate("TIMEVALUE(\"noon\")", .time) == .null)
    }

    @Test(arguments: [
        ("Opens__c + Opens__c", "operator '+'"), ("1 - Opens__c", "operator '-'"),
        ("Opens__c - Start__c", "operator '-'"),
        ("HOUR(Stamp__c)", "function 'HOUR()'"), ("TIMEVALUE(1)", "function 'TIMEVALUE()'"),
    ])
    func whatDoesNotFitIsRefused(_ formula: String, _ place: String) throws {
        #expect(try #require(record.refusal(formula, .time)).message.contains(place))
    }
}
