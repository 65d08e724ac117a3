import ChangeEvents
import Doors
import Foundation
import SOQL
import TestSupport
import Testing

@testable import Sandbox

/// Random queries over random records, answered by the org and by `SlowEvaluator`.
@Suite struct RandomQueryTests {
    @Test func orgAnswersWhatTheDefinitionSays() async throws {
        var random = SeededRandom()
        print("RandomQueryTests: MILLRACE_SEED=\(random.seed)")
        let org = try await TestOrg.open()
        try await Self.fill(org, &random)
        var records: [String: [RecordImage]] = [:]
        for object in ["Account", "Contact", "Case", "User"] {
            records[object] = try await org.sandbox.snapshot(entity: object)
        }
        let evaluator = SlowEvaluator(records: records, now: org.clock.now)
        let ids = records["Account", default: []].map(\.id.string)
        for _ in 0..<400 {
            var generator = RandomQuery(ids: ids)
            let soql = generator.text(&random)
            let query = try Query(soql)
            let answered: [String]
            do {
                let page = try await org.sandbox.query(soql, scope: .live, batchSize: nil, context: org.context)
                answered = page.records.map { record in
                    guard case .string(let id)? = record.dictionary["Id"] else { return "" }
                    return id
                }
            } catch {
                Issue.record("\(soql) was refused: \(error)")
                continue
            }
            let expected = evaluator.ids(query)
            if query.order.isEmpty, query.limit == nil, query.offset == nil {
                #expect(Set(answered) == Set(expected) && answered.count == expected.count, "\(soql)")
            } else if query.order.isEmpty {
                #expect(answered.count == expected.count, "\(soql)")
            } else {
                #expect(answered == expected, "\(soql)")
            }
        }
        for field in ["Industry", "BillingCity", "NumberOfEmployees", "CALENDAR_MONTH(CreatedDate)", "Parent.Industry"]
        {
            var generator = RandomQuery(ids: ids)
            let condition = generator.condition(&random, depth: 1)
            let soql = "SELECT \(field) key, COUNT(Id) n FROM Account WHERE \(condition) GROUP BY \(field)"
            let page = try await org.sandbox.query(soql, scope: .live, batchSize: nil, context: org.context)
            let expected = evaluator.groups(try Query(soql))
            let counts = page.records.map { record -> Int in
                guard case .number(let text)? = record.dictionary["n"] else { return -1 }
                return Int(text) ?? -1
            }
            #expect(counts.sorted() == expected.values.sorted(), "\(soql)")
        }
    }

    private static func fill(_ org: TestOrg, _ random: inout SeededRandom) async throws {
        var plans: [(fields: [String: FieldValue], parent: Int?)] = []
        for _ in 0..<120 { plans.append(RandomRecord.account(&random)) }
        for chunk in stride(from: 0, to: plans.count, by: 20) {
            org.clock.advance(.seconds(86_400 * 9))
            let part = Array(plans[chunk..<min(chunk + 20, plans.count)])
            try await org.sandbox.transaction { transaction in
                var made: [RecordID] = []
                for plan in part {
                    var fields = plan.fields
                    if let parent = plan.parent, !made.isEmpty {
                        fields["ParentId"] = .string(made[parent % made.count].string)
                    }
                    made.append(try transaction.create("Account", fields))
                }
            }
        }
    }
}

private enum RandomRecord {
    static let texts = [
        "Acme", "ACME", "acme nord", "Öl & Gas", "öl", "a_b", "a%b", "Ünder", "z", "Zürich", "A;B", "ß",
    ]
    static let industries = ["Energy", "Banking", "Media"]

    static func account(_ random: inout SeededRandom) -> (fields: [String: FieldValue], parent: Int?) {
        var fields: [String: FieldValue] = ["Name": .string(random.pick(texts))]
        if random.chance(0.5) { fields["Industry"] = .string(random.pick(industries)) }
        if random.chance(0.5) { fields["BillingCity"] = .string(random.pick(texts)) }
        if random.chance(0.5) { fields["AnnualRevenue"] = .double(Double(Int.random(in: -3...3, using: &random)) / 2) }
        if random.chance(0.5) { fields["NumberOfEmployees"] = .integer(.random(in: -2...4, using: &random)) }
        return (fields, random.chance(0.5) ? Int.random(in: 0..<100, using: &random) : nil)
    }
}

/// Makes queries that mean something.
private struct RandomQuery {
    let ids: [String]
    /// An org takes two.
    private var semiJoins = 0
    private static let texts = [
        "Name", "Industry", "BillingCity", "Parent.Name", "Parent.Parent.Industry", "account.Name",
    ]
    private static let numbers = ["AnnualRevenue", "NumberOfEmployees", "Parent.NumberOfEmployees"]
    private static let dates = ["CreatedDate", "LastModifiedDate", "Parent.CreatedDate"]
    private static let spans = [
        "TODAY", "YESTERDAY", "LAST_WEEK", "THIS_WEEK", "LAST_MONTH", "THIS_MONTH", "THIS_QUARTER", "LAST_N_DAYS:20",
        "NEXT_N_DAYS:3", "N_DAYS_AGO:9", "LAST_N_WEEKS:2", "N_MONTHS_AGO:1", "THIS_YEAR", "LAST_90_DAYS",
        "LAST_QUARTER",
        "THIS_FISCAL_YEAR", "NEXT_MONTH", "LAST_N_MONTHS:2", "N_WEEKS_AGO:1", "LAST_YEAR",
    ]

    init(ids: [String]) { self.ids = ids }

    mutating func text(_ random: inout SeededRandom) -> String {
        var text = "SELECT Id FROM Account"
        if Int.random(in: 0..<10, using: &random) > 0 { text += " WHERE \(condition(&random, depth: 3))" }
        if random.chance(0.5) {
            let fields = (Self.texts.dropLast() + Self.numbers + Self.dates).shuffled(using: &random)
                .prefix(.random(in: 1...3, using: &random))
            let directions = ["", " ASC", " DESC", " DESC NULLS LAST", " NULLS LAST", " ASC NULLS FIRST"]
            var terms: [String] = []
            for field in fields { terms.append(field + random.pick(directions)) }
            text += " ORDER BY " + terms.joined(separator: ", ")
        }
        if Int.random(in: 0..<4, using: &random) == 0 { text += " LIMIT \(Int.random(in: 0...50, using: &random))" }
        if Int.random(in: 0..<6, using: &random) == 0 { text += " OFFSET \(Int.random(in: 0...30, using: &random))" }
        return text
    }

    mutating func condition(_ random: inout SeededRandom, depth: Int) -> String {
        let choice = depth == 0 ? 3 : Int.random(in: 0..<6, using: &random)
        switch choice {
        case 0, 1:
            let word = choice == 0 ? " AND " : " OR "
            var parts: [String] = []
            for _ in 0..<Int.random(in: 2...3, using: &random) {
                parts.append("(\(condition(&random, depth: depth - 1)))")
            }
            return parts.joined(separator: word)
        case 2: return "(NOT (\(condition(&random, depth: depth - 1))))"
        default: return comparison(&random)
        }
    }

    private mutating func comparison(_ random: inout SeededRandom) -> String {
        func pick(_ list: [String]) -> String { random.pick(list) }
        let operators = ["=", "!=", "<", "<=", ">", ">="]
        let field = pick(Self.texts)
        let texts = RandomRecord.texts + RandomRecord.industries
        switch Int.random(in: 0..<11, using: &random) {
        case 0: return "\(field) \(pick(operators)) '\(pick(texts))'"
        case 1: return "\(field) \(pick(["=", "!="])) null"
        case 2: return "\(field) \(pick(["IN", "NOT IN"])) ('\(pick(texts))', \(pick(["'\(pick(texts))'", "null"])))"
        case 3:
            let pattern = pick(["a%", "%e", "%c%", "_cme", "a\\%b", "a\\_b", "%Ö%", "z_%", "%", "ß", "%\\%%", "Ü__er"])
            return "\(field) LIKE '\(pattern)'"
        case 4: return "\(pick(Self.numbers)) \(pick(operators)) \(pick(["0", "1", "0.5", "-1", "1.0", "2", "-0.5"]))"
        case 5: return "\(pick(Self.numbers)) \(pick(["IN", "NOT IN"])) (\(pick(["1", "0.5", "null"])), 2)"
        case 6: return "\(pick(Self.dates)) \(pick(operators)) \(pick(Self.spans))"
        case 7:
            let function = pick([
                "CALENDAR_MONTH", "CALENDAR_YEAR", "DAY_IN_MONTH", "CALENDAR_QUARTER", "DAY_IN_WEEK", "HOUR_IN_DAY",
            ])
            return "\(function)(\(pick(Self.dates))) \(pick(operators)) \(pick(["1", "3", "5", "2026"]))"
        case 8:
            let id = pick(ids)
            let written = random.chance(0.5) ? id : String(id.prefix(15))
            return "\(pick(["Id", "ParentId", "Parent.ParentId"])) \(pick(["=", "!=", "<", ">="])) '\(written)'"
        case 9 where semiJoins < 2:
            semiJoins += 1
            let inner =
                "SELECT \(pick(["Id", "ParentId"])) FROM Account WHERE Industry \(pick(["=", "!="])) '\(pick(RandomRecord.industries))'"
            return "\(pick(["Id", "ParentId"])) IN (\(inner))"
        default: return "IsDeleted \(pick(["=", "!="])) \(pick(["true", "false"]))"
        }
    }
}
