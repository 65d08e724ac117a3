import Doors
import SOQL

/// What an org refuses in queries on `PlatformEventUsageMetric`, before it looks for rows.
enum UsageMetricRules {
    static let rowsMax = 2_000
    private static let spanMin: Int64 = 900_000
    private static let spanMax: Int64 = 30 * UsageLedger.day
    private static let daysBackMax: Int64 = 60
    /// Columns that only enhanced usage metrics have.
    private static let detailed: Set<String> = ["eventname", "eventtype", "usagetype", "client", "timesegment"]

    static func check(_ query: Query, now: Int64) throws(OrgError) {
        guard query.limit == nil, query.offset == nil else { throw invalid("LIMIT and OFFSET can't be used") }
        guard query.grouping.isEmpty, query.having == nil else { throw invalid("GROUP BY can't be used") }
        for item in query.items {
            switch item {
            case .term(.field, _), .fieldGroup: continue
            case .term(.call, _), .rowCount: throw invalid("aggregate functions can't be used")
            case .children: throw invalid("subqueries can't be used")
            }
        }
        let tests = query.filter.map(tests(in:)) ?? []
        let filtered = Set(tests.map(\.field))
        guard filtered.contains("startdate") == filtered.contains("enddate") else {
            throw invalid("StartDate and EndDate must both be in the WHERE clause, or neither of them")
        }
        if !filtered.isDisjoint(with: detailed), !filtered.contains("timesegment") {
            throw invalid("TimeSegment must be in the WHERE clause")
        }
        if !filtered.isDisjoint(with: ["eventname", "eventtype"]), !filtered.contains("usagetype") {
            throw invalid("EventName and EventType need UsageType in the WHERE clause")
        }
        try checkSpan(tests, now: now)
    }

    private struct Test {
        var field: String
        var isLowerBound: Bool
        var isUpperBound: Bool
        var time: Int64?
    }

    private static func checkSpan(_ tests: [Test], now: Int64) throws(OrgError) {
        let start = tests.filter { $0.field == "startdate" && $0.isLowerBound }.compactMap(\.time).min()
        let end = tests.filter { $0.field == "enddate" && $0.isUpperBound }.compactMap(\.time).max()
        if let start, start < now - daysBackMax * UsageLedger.day {
            throw invalid("StartDate can't be more than 60 days ago")
        }
        guard let start, let end else { return }
        guard end - start >= spanMin, end - start <= spanMax else {
            throw invalid("StartDate and EndDate must be between 15 minutes and 30 days apart")
        }
    }

    private static func tests(in filter: Filter) -> [Test] {
        switch filter {
        case .and(let operands), .or(let operands): return operands.flatMap(tests(in:))
        case .not(let operand): return tests(in: operand)
        case .test(let test):
            guard case .field(let path) = test.term else { return [] }
            guard case .compare(let operation, .value(let value)) = test.test else {
                return [Test(field: path.key, isLowerBound: false, isUpperBound: false, time: nil)]
            }
            let time: Int64? =
                switch value {
                case .date(let milliseconds), .dateTime(let milliseconds): milliseconds
                case .null, .boolean, .integer, .double, .string, .time: nil
                }
            return [
                Test(
                    field: path.key, isLowerBound: [.equal, .greater, .greaterOrEqual].contains(operation),
                    isUpperBound: [.equal, .less, .lessOrEqual].contains(operation), time: time)
            ]
        }
    }

    private static func invalid(_ reason: String) -> OrgError {
        OrgError(
            status: 400, errorCode: "MALFORMED_QUERY",
            message: "Implementation restriction: PlatformEventUsageMetric: \(reason)")
    }
}
