import ChangeEvents
import Doors
import SOQL
import Store

/// An object whose rows are not kept but made when somebody asks: subscribers of the bus, usage, log files, channels.
///
/// Queries on it are planned like all others; the rows stand in a table in memory for the length of the query.
struct ComputedObject: Sendable {
    var definition: ObjectDefinition
    /// Every row there is. Runs on the store's thread, inside the snapshot (or transaction) of the query.
    var rows: @Sendable (Sandbox, CallContext, any StoreReader) throws -> [ComputedRow]
    /// Throws for queries that an org refuses on this object; nil: it refuses none. `now` in milliseconds since 1970.
    var check: (@Sendable (_ query: Query, _ now: Int64) throws(OrgError) -> Void)?
    /// A query that finds more is an error; nil: there is no bound.
    var rowsMax: Int?
}

extension ComputedObject {
    /// A text that is no query is left to the planner, which says where.
    func check(_ soql: String, now: Int64) throws(OrgError) {
        guard let check else { return }
        let query: Query
        do throws(SOQLError) {
            query = try Query(soql)
        } catch {
            return
        }
        try check(query, now)
    }

    func check(_ page: QueryPage) throws(OrgError) {
        guard let rowsMax, page.totalSize > rowsMax else { return }
        throw OrgError(
            status: 400, errorCode: "OPERATION_TOO_LARGE",
            message: "The query has more than \(rowsMax) rows: narrow it down.")
    }
}

/// One row of a computed object.
struct ComputedRow: Sendable, Hashable {
    /// Nil: the row gets an id that means nothing.
    var id: RecordID?
    /// By field name; a missing one is null.
    var values: [String: FieldValue]

    init(id: RecordID? = nil, values: [String: FieldValue]) {
        self.id = id
        self.values = values
    }
}

extension ScratchTables.Content {
    init(_ definition: ObjectDefinition, _ rows: [ComputedRow]) {
        let known = Set(definition.storedFields.map(\.name))
        let records = rows.enumerated().compactMap { number, row -> StoredRecord? in
            guard
                let id = row.id
                    ?? RecordID(
                        definition.keyPrefix + "000" + Base62.text(UInt64(number + 1), width: 9)
                    )
            else { return nil }
            let values = row.values.filter { known.contains($0.key) }
            let image = RecordImage(entity: definition.name, id: id, fields: values, isComplete: true)
            return StoredRecord(image: image, isDeleted: false, commitTimestamp: 0, needsRefetch: false)
        }
        self.init(table: definition.table, records: records)
    }
}
