import ChangeEvents
package import Doors
import Matching
import SOQL
import Store

extension Sandbox: ODataService {
    /// A password with every request opens no session: there would be one per request. It locks a user as a login does.
    package func session(username: String, password: String) async throws(OrgError) -> OrgSession {
        let user: Organization.User
        do throws(OAuthError) {
            user = try logIn(username, password)
        } catch {
            throw .loginRefused
        }
        guard await isActive(user) else { throw .loginRefused }
        return OrgSession(
            accessToken: "", userID: user.id, username: user.username, organizationID: organization.id, clientID: "")
    }

    package func entityTypes(_ context: CallContext) async throws(OrgError) -> [ODataEntityType] {
        catalogue.objects.map(ODataEntityType.init).sorted { $0.name < $1.name }
    }

    package func entityType(_ name: String, _ context: CallContext) async throws(OrgError) -> ODataEntityType? {
        catalogue.object(name).flatMap { $0.name == name ? ODataEntityType($0) : nil }
    }

    package func read(_ read: ODataRead, _ context: CallContext) async throws(OrgError) -> ODataRows {
        try await asking { reader, catalogue in
            let run = ODataRun(
                catalogue: catalogue, now: self.configuration.clock(), userID: context.session.userID, reader: reader)
            return try run.rows(read)
        }
    }
}

/// Reads for the OData door on one snapshot. Made for one call, used on the store's thread.
private struct ODataRun {
    let catalogue: Catalogue
    let now: Int64
    let userID: String
    let reader: any StoreReader

    func rows(_ read: ODataRead) throws -> ODataRows {
        var answer = ODataRows(rows: [], hasMore: false, count: nil)
        if let query = read.count {
            let plan = try plan(query)
            try reader.select(
                RowSelect(sql: plan.sql, parameters: plan.parameters.map { FieldValue($0) }), deriving: derivation(plan)
            ) { row in
                answer.count = Int(row.integer(0))
                return false
            }
        }
        guard let query = read.query else { return answer }
        let plan = try plan(query)
        let columns = plan.headings.map { ($0.column, plan.columns[$0.column].type.columnType) }
        // One more than wanted tells whether there is more.
        let window: [FieldValue] = [.integer(Int64(read.limit) + 1), .integer(Int64(read.offset))]
        var bytes = 0
        try reader.select(
            RowSelect(sql: plan.sliceSQL, parameters: plan.parameters.map { FieldValue($0) } + window),
            deriving: derivation(plan)
        ) { row throws(StoreError) in
            if answer.rows.count == read.limit || bytes > read.bytesMax {
                answer.hasMore = true
                return false
            }
            bytes += read.rowBytes
            var values: [FieldValue] = []
            values.reserveCapacity(columns.count)
            for (column, type) in columns {
                let value = try row.value(column, as: type)
                if case .string(let text) = value { bytes += text.utf8.count }
                values.append(value)
            }
            answer.rows.append(values)
            return true
        }
        return answer
    }

    private func plan(_ query: Query) throws(OrgError) -> QueryPlan {
        do throws(QueryError) {
            return try QueryPlanner.plan(query, schema: catalogue.querySchema, includesDeleted: false, now: now)
        } catch {
            // Places are those of the options, about which the door has said what is wrong before it came to this.
            throw OrgError(status: OrgError.statusBadRequest, errorCode: error.code.rawValue, message: error.message)
        }
    }

    private func derivation(_ plan: QueryPlan) -> DerivedValues? {
        DerivedValues(plan.derived, catalogue: catalogue, now: now, userID: userID, reader: reader)
    }
}

extension OrgError {
    fileprivate static let loginRefused = OrgError(
        status: 401, errorCode: "INVALID_LOGIN",
        message: "Invalid username, password, security token; or user locked out.")
}

extension ODataEntityType {
    init(_ object: ObjectDefinition) {
        self.init(name: object.name, properties: object.visibleFields.compactMap(ODataProperty.init))
    }
}

extension ODataProperty {
    /// Nil for compounds, whose parts are fields of their own; the name of a person is a text.
    init?(_ field: FieldDefinition) {
        guard let type = ODataType(field) else { return nil }
        self.init(
            name: field.name, type: type, isNullable: field.isNillable, isFilterable: field.isFilterable,
            isSortable: field.isSortable)
    }
}

extension ODataType {
    /// Characters of what a formula gives at most.
    private static let derivedLengthMax = 1_300

    init?(_ field: FieldDefinition) {
        switch field.kind.queryType {
        case .identifier: self = .recordID
        case .text, .multiPicklist: self = .text(lengthMax: field.length > 0 ? field.length : Self.derivedLengthMax)
        case .boolean: self = .boolean
        case .integer: self = .int32
        case .double where field.precision == 0: self = .double
        case .double: self = .decimal(precision: field.precision, scale: field.scale)
        case .date: self = .date
        case .dateTime: self = .dateTimeOffset
        case .time: self = .timeOfDay
        case .compound: return nil
        }
    }
}
