import ChangeEvents
import Doors
import Matching
import SOQL
import Store

/// One query on one snapshot, answered as JSON. Made for one call, used on the store's thread.
struct QueryRun {
    /// Rows of one page, whatever the caller wishes.
    static let batchSizes = 200...2_000
    /// Groups of an aggregate query; there is no second page of them.
    static let groupsMax = 2_000

    let plan: QueryPlan
    let soql: String
    let includesDeleted: Bool
    let plannedAt: Int64
    let batchSize: Int
    let context: CallContext
    let catalogue: Catalogue
    let reader: any StoreReader
    /// Nil where there is no second page (computed objects).
    let cursors: QueryCursors?

    func firstPage() throws -> QueryPage {
        switch plan.kind {
        case .rowCount:
            var count = 0
            try reader.select(select(plan.sql), deriving: derivation(plan)) { row in
                count = Int(row.integer(0))
                return false
            }
            return QueryPage(totalSize: count, nextLocator: nil, records: [])
        case .aggregates: return try groups()
        case .records: return try records(of: plan, parent: nil, childIndex: nil)
        }
    }

    /// The page of a cursor that begins at an offset.
    func page(of cursor: QueryCursors.Cursor, from offset: Int, locator: String) throws -> QueryPage {
        let (plan, parameters) = try self.plan(of: cursor)
        let end = min(offset + cursor.batchSize, cursor.numbers.count)
        let records = try records(of: plan, parameters, numbered: cursor.numbers[offset..<end])
        let next = end < cursor.numbers.count ? cursors?.locator(after: locator, offset: end) : nil
        return QueryPage(totalSize: cursor.numbers.count, nextLocator: next, records: records)
    }

    private func plan(of cursor: QueryCursors.Cursor) throws -> (QueryPlan, [FieldValue]) {
        guard let (index, parent) = cursor.children else { return (plan, plan.parameters.map { FieldValue($0) }) }
        guard plan.children.indices.contains(index) else { throw OrgError.invalidLocator() }
        return (plan.children[index], Self.parameters(of: plan.children[index], parent: parent))
    }

    // MARK: Records

    private func records(of plan: QueryPlan, parent: String?, childIndex: Int?) throws -> QueryPage {
        let parameters = Self.parameters(of: plan, parent: parent)
        var answers: [JSONValue] = []
        var isWhole = true
        var failure: (any Error)?
        try reader.select(RowSelect(sql: plan.sql, parameters: parameters), deriving: derivation(plan)) {
            row throws(StoreError) in
            if answers.count == batchSize {
                isWhole = false
                return false
            }
            do {
                answers.append(try answer(row, plan))
            } catch {
                failure = error
                return false
            }
            return true
        }
        if let failure { throw failure }
        if isWhole { return QueryPage(totalSize: answers.count, nextLocator: nil, records: answers) }
        guard let cursors, parent == nil || childIndex != nil else {
            // No cursor over rows that were made for this query, nor over children of children: all of them at once.
            return try everything(of: plan, parameters)
        }
        // The numbers first, then the page by them: two texts need not give the same order where the query asks for none.
        var numbers: [Int64] = []
        try reader.select(RowSelect(sql: plan.numbersSQL, parameters: parameters), deriving: derivation(plan)) { row in
            numbers.append(row.integer(0))
            return true
        }
        let page = try records(of: plan, parameters, numbered: numbers.prefix(batchSize))
        let cursor = QueryCursors.Cursor(
            soql: soql, includesDeleted: includesDeleted, plannedAt: plannedAt, userID: context.session.userID,
            numbers: numbers, batchSize: batchSize, children: childIndex.flatMap { index in parent.map { (index, $0) } }
        )
        let locator = cursors.open(cursor, from: batchSize, now: plannedAt)
        return QueryPage(totalSize: numbers.count, nextLocator: locator, records: page)
    }

    private func everything(of plan: QueryPlan, _ parameters: [FieldValue]) throws -> QueryPage {
        var answers: [JSONValue] = []
        var failure: (any Error)?
        try reader.select(RowSelect(sql: plan.sql, parameters: parameters), deriving: derivation(plan)) {
            row throws(StoreError) in
            do {
                answers.append(try answer(row, plan))
            } catch {
                failure = error
                return false
            }
            return true
        }
        if let failure { throw failure }
        return QueryPage(totalSize: answers.count, nextLocator: nil, records: answers)
    }

    private func records(
        of plan: QueryPlan, _ parameters: [FieldValue], numbered numbers: ArraySlice<Int64>
    ) throws -> [JSONValue] {
        var answers: [JSONValue] = []
        answers.reserveCapacity(numbers.count)
        var select = RowSelect(sql: plan.rowSQL, parameters: parameters + [.null])
        let derivation = derivation(plan)
        var failure: (any Error)?
        for number in numbers {
            select.parameters[parameters.count] = .integer(number)
            try reader.select(select, deriving: derivation) { row throws(StoreError) in
                do {
                    answers.append(try answer(row, plan))
                } catch {
                    failure = error
                }
                return false
            }
            if let failure { throw failure }
        }
        return answers
    }

    private func groups() throws -> QueryPage {
        var answers: [JSONValue] = []
        let attributes = JSONValue.Member(
            name: "attributes", value: .object([.init(name: "type", value: .string("AggregateResult"))]))
        try reader.select(select(plan.sql), deriving: derivation(plan)) { row throws(StoreError) in
            var members = [attributes]
            for member in plan.members {
                guard case .column(let column) = member.content else { continue }
                members.append(.init(name: member.name, value: try Self.value(row, column, plan)))
            }
            answers.append(.object(members))
            return answers.count <= Self.groupsMax
        }
        guard answers.count <= Self.groupsMax else {
            throw OrgError(
                QueryError(
                    .exceededIDLimit,
                    "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch"),
                in: soql)
        }
        return QueryPage(totalSize: answers.count, nextLocator: nil, records: answers)
    }

    // MARK: One record

    private func answer(_ row: ResultRow, _ plan: QueryPlan) throws -> JSONValue {
        let id = try row.text(1)
        return .object(try members(plan.members, row, plan, type: plan.object, id: id))
    }

    private func members(
        _ planned: [PlannedMember], _ row: ResultRow, _ plan: QueryPlan, type: String, id: String
    ) throws -> [JSONValue.Member] {
        var members: [JSONValue.Member] = []
        members.reserveCapacity(planned.count + 1)
        members.append(.init(name: "attributes", value: attributes(type, id)))
        for member in planned {
            members.append(.init(name: member.name, value: try content(member.content, row, plan, id: id)))
        }
        return members
    }

    private func content(
        _ content: PlannedMember.Content, _ row: ResultRow, _ plan: QueryPlan, id: String
    ) throws -> JSONValue {
        switch content {
        case .column(let column): return try Self.value(row, column, plan)
        case .compound(let parts):
            guard parts.contains(where: { !row.isNull($0.column) }) else { return .null }
            var members: [JSONValue.Member] = []
            for part in parts { members.append(.init(name: part.name, value: try Self.value(row, part.column, plan))) }
            return .object(members)
        case .parent(let parent):
            guard !row.isNull(parent.identifier) else { return .null }
            let id = try row.text(parent.identifier)
            return .object(try members(parent.members, row, plan, type: parent.typeName(ofRecord: id), id: id))
        case .children(let index):
            let isOfTheQuery = plan.parentParameter == nil
            let page = try records(
                of: plan.children[index], parent: id, childIndex: isOfTheQuery ? index : nil)
            return page.totalSize == 0 ? .null : page.json(apiVersion: context.apiVersion)
        }
    }

    private func attributes(_ type: String, _ id: String) -> JSONValue {
        .object([
            .init(name: "type", value: .string(type)),
            .init(name: "url", value: .string("/services/data/v\(context.apiVersion)/sobjects/\(type)/\(id)")),
        ])
    }

    private static func value(_ row: ResultRow, _ column: Int, _ plan: QueryPlan) throws(StoreError) -> JSONValue {
        RecordAnswer.json(try row.value(column, as: plan.columns[column].type.columnType))
    }

    // MARK: Statements

    private func select(_ sql: String) -> RowSelect {
        RowSelect(sql: sql, parameters: Self.parameters(of: plan, parent: nil))
    }

    private static func parameters(of plan: QueryPlan, parent: String?) -> [FieldValue] {
        var parameters = plan.parameters.map { FieldValue($0) }
        if let place = plan.parentParameter { parameters[place - 1] = parent.map { .string($0) } ?? .null }
        return parameters
    }

    private func derivation(_ plan: QueryPlan) -> DerivedValues? {
        DerivedValues(
            plan.derived, catalogue: catalogue, now: plannedAt, userID: context.session.userID, reader: reader)
    }
}

extension QueryType {
    /// Compounds are read part by part, never as such.
    var columnType: ObjectTable.ColumnType {
        switch self {
        case .identifier: .identifier
        case .text, .multiPicklist, .compound: .text
        case .boolean: .boolean
        case .integer: .integer
        case .double: .double
        case .date: .date
        case .dateTime: .dateTime
        case .time: .time
        }
    }
}
