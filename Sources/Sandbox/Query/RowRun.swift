import ChangeEvents
import Doors
import Matching
import SOQL
import Store

/// How far a reading of rows has come: written into the place that the reader keeps.
struct RowProgress: Sendable, Hashable {
    /// When the query began: relative dates mean the same to its end.
    var plannedAt: Int64
    /// Number of the last row, for a query without an order of its own.
    var lastRow: Int64 = 0
    var rowsRead = 0

    init(_ place: RowPlace?, now: Int64) throws(OrgError) {
        guard let place else {
            plannedAt = now
            return
        }
        let parts = place.rawValue.split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
        guard parts.count == 3, let plannedAt = parts[0], let lastRow = parts[1], let rowsRead = parts[2], rowsRead >= 0
        else { throw .invalidLocator() }
        self.plannedAt = plannedAt
        self.lastRow = lastRow
        self.rowsRead = Int(rowsRead)
    }

    var place: RowPlace { RowPlace(rawValue: "\(plannedAt).\(lastRow).\(rowsRead)") }
}

/// Rows of a query in large batches, typed and without JSON. Made for one batch, used on the store's thread.
///
/// Without an order of its own a query is read by row number, so that each batch goes on where the last one ended, at the
/// same price. With one, each batch sorts again and skips what was read.
struct RowRun {
    let plan: QueryPlan
    let catalogue: Catalogue
    /// Who asks, for formulas.
    let userID: String
    let reader: any StoreReader

    func batch(after progress: RowProgress, limit: Int) throws -> RowBatch {
        let columns = plan.headings.map { ($0.column, plan.columns[$0.column].type.columnType) }
        let wanted = max(0, min(limit, plan.limit.map { $0 - progress.rowsRead } ?? limit))
        var progress = progress
        var values: [FieldValue] = []
        values.reserveCapacity(min(wanted, 10_000) * columns.count)
        var rowCount = 0
        guard wanted > 0 else { return RowBatch(columnCount: columns.count, rowCount: 0, values: [], next: nil) }
        // One more than wanted tells whether there is more.
        let isByNumber = !plan.hasOrder
        let bounds: [FieldValue] =
            isByNumber
            ? [.integer(progress.lastRow), .integer(Int64(wanted + 1))]
            : [.integer(Int64(wanted + 1)), .integer(Int64(progress.rowsRead))]
        let select = RowSelect(
            sql: isByNumber ? plan.followingSQL : plan.sliceSQL,
            parameters: plan.parameters.map { FieldValue($0) } + bounds)
        var hasMore = false
        try reader.select(
            select,
            deriving: DerivedValues(
                plan.derived, catalogue: catalogue, now: progress.plannedAt, userID: userID, reader: reader)
        ) { row throws(StoreError) in
            if rowCount == wanted {
                hasMore = true
                return false
            }
            for (column, type) in columns { values.append(try row.value(column, as: type)) }
            progress.lastRow = row.integer(0)
            rowCount += 1
            return true
        }
        progress.rowsRead += rowCount
        let isLast = !hasMore || plan.limit == progress.rowsRead
        return RowBatch(
            columnCount: columns.count, rowCount: rowCount, values: values, next: isLast ? nil : progress.place)
    }
}
