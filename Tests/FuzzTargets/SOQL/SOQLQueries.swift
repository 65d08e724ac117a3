@testable import SOQL

/// Queries: reading one twice gives one thing; a plan holds no text of the query but in its parameters; a plan that is kept
/// and bound to another query's texts is the plan of that query.
enum SOQLQueries {
    private static let now: Int64 = 1_750_000_000_000

    static func run(_ input: inout FuzzInput) {
        let includesDeleted = input.byte() & 1 != 0
        let text = input.remainingText()
        _ = Query.objectName(in: text)
        let query: Query
        do throws(SOQLError) {
            query = try Query(text)
        } catch {
            property("an error has a message", holds: !error.message.isEmpty)
            let places = max(text.count, SyntaxLimits.queryCharactersMax)
            property("an error's place is in the text", holds: (1...places + 1).contains(error.position))
            return
        }
        let again = must("a query can be read again") { try Query(text) }
        property("a query is read the same again", holds: again == query && again.hashValue == query.hashValue)
        guard let plan = attempt({ try Self.plan(query, includesDeleted) }) else { return }
        check(plan)
        checkTemplate(text, plan, includesDeleted)
    }

    static func plan(_ query: Query, _ includesDeleted: Bool) throws(QueryError) -> QueryPlan {
        try QueryPlanner.plan(query, schema: SampleSchema(), includesDeleted: includesDeleted, now: now)
    }

    static func check(_ plan: QueryPlan) {
        for sql in [plan.sql, plan.numbersSQL, plan.rowSQL, plan.followingSQL, plan.sliceSQL] { check(sql, plan) }
        property("columns are bounded", holds: plan.columns.count <= QueryPlanner.columnsMax)
        for child in plan.children { check(child) }
    }

    /// Parameters that are there, brackets in pairs, and of every character only what a catalogue and we ourselves write.
    private static func check(_ sql: String, _ plan: QueryPlan) {
        let bytes = Array(sql.utf8)
        var depth = 0
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"): depth -= 1
            case UInt8(ascii: "?"):
                var number = 0
                while index < bytes.count, (0x30...0x39).contains(bytes[index]) {
                    number = number * 10 + Int(bytes[index] - 0x30)
                    index += 1
                }
                property("a parameter of the SQL is there", holds: (1...plan.parameters.count + 2).contains(number))
            default: property("the SQL is of printable characters", holds: (0x20...0x7E).contains(byte))
            }
            property("brackets close behind what they open", holds: depth >= 0)
        }
        property("brackets are closed", holds: depth == 0)
    }

    private static func checkTemplate(_ text: String, _ plan: QueryPlan, _ includesDeleted: Bool) {
        var opened = plan
        guard let template = QueryTemplate(text), opened.open(to: template) else { return }
        compare(opened.bound(to: template), plan)
        // Another text of the same length in each of them, letters for letters, is another query with this template.
        let other = exchanged(text)
        guard let otherTemplate = QueryTemplate(other), otherTemplate.skeleton == template.skeleton else { return }
        guard let bound = opened.bound(to: otherTemplate) else { return }
        let planned = attempt { try Self.plan(Query(other), includesDeleted) }
        guard let planned else { fatalError("violated: what a kept plan is bound to can be planned") }
        compare(bound, planned)
    }

    private static func compare(_ bound: QueryPlan?, _ planned: QueryPlan) {
        guard let bound else { return }
        property("a kept plan has the parameters of a new one", holds: bound.parameters == planned.parameters)
        property("a kept plan has the SQL of a new one", holds: bound.sql == planned.sql)
        property("a kept plan has the children of a new one", holds: bound.children.count == planned.children.count)
        for (bound, planned) in zip(bound.children, planned.children) { compare(bound, planned) }
    }

    /// Digits and letters within quotes become others.
    private static func exchanged(_ text: String) -> String {
        var isQuoted = false
        var isEscaped = false
        var bytes = Array(text.utf8)
        for index in bytes.indices {
            switch bytes[index] {
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\") where isQuoted: isEscaped = true
            case UInt8(ascii: "'"): isQuoted.toggle()
            case UInt8(ascii: "a"): if isQuoted { bytes[index] = UInt8(ascii: "z") }
            case UInt8(ascii: "1"): if isQuoted { bytes[index] = UInt8(ascii: "2") }
            default: break
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Two objects with fields of every type.
struct SampleSchema: QuerySchema {
    func object(named name: String) -> QueryObject? {
        switch name.lowercased() {
        case "account": Self.account
        case "contact": Self.contact
        default: nil
        }
    }

    private static func field(_ name: String, _ type: QueryType) -> QueryField {
        QueryField(name: name, type: type, source: .column("\"\(name.lowercased())\""), isCustom: name.hasSuffix("__c"))
    }

    private static let account = QueryObject(
        name: "Account", keyPrefix: "001", table: "\"account\"",
        fields: [
            field("Id", .identifier), field("Name", .text), field("OwnerId", .identifier),
            field("Interests__c", .multiPicklist),
            field("IsActive__c", .boolean), field("NumberOfEmployees", .integer), field("AnnualRevenue", .double),
            field("Since__c", .date), field("CreatedDate", .dateTime), field("Opens__c", .time),
            field("BillingStreet", .text), field("BillingCity", .text),
            QueryField(
                name: "BillingAddress", type: .compound,
                source: .compound([("street", "BillingStreet"), ("city", "BillingCity")]), isFilterable: false,
                isSortable: false, isGroupable: false, isAggregatable: false),
            QueryField(name: "Rating__c", type: .double, source: .derived, isCustom: true),
        ], parents: [], children: [ChildRelationship(name: "Contacts", object: "Contact", field: "AccountId")])

    private static let contact = QueryObject(
        name: "Contact", keyPrefix: "003", table: "\"contact\"",
        fields: [
            field("Id", .identifier), field("FirstName", .text), field("LastName", .text),
            field("AccountId", .identifier),
            field("ReportsToId", .identifier), field("Birthdate", .date),
            QueryField(name: "Name", type: .text, source: .personName(first: "\"firstname\"", last: "\"lastname\"")),
        ],
        parents: [
            ParentRelationship(name: "Account", field: "AccountId", targets: ["Account"]),
            ParentRelationship(name: "ReportsTo", field: "ReportsToId", targets: ["Contact"]),
        ], children: [])
}
