package import ChangeEvents
package import SOQL

/// What the OData door needs of whoever keeps the records, beside the sessions and the counting of `OrgService`.
///
/// Queries come as trees and not as texts: what a client wrote is a literal or a known name in them, and they ask what no
/// text of SOQL can (`ExactTest`, `Query.after`).
package protocol ODataService: Sendable {
    /// Who a user name and password belong to; nothing is opened that would have to be closed. Throws `INVALID_LOGIN` (401).
    func session(username: String, password: String) async throws(OrgError) -> OrgSession
    /// All objects whose records can be had, by name.
    func entityTypes(_ context: CallContext) async throws(OrgError) -> [ODataEntityType]
    /// Nil: there is none of exactly this name.
    func entityType(_ name: String, _ context: CallContext) async throws(OrgError) -> ODataEntityType?
    /// Reads everything on one state of the records. Throws what the planner finds wrong, `QUERY_TIMEOUT`.
    func read(_ read: ODataRead, _ context: CallContext) async throws(OrgError) -> ODataRows
}

package struct ODataRead: Sendable {
    /// Nil: no rows are wanted.
    package var query: Query?
    package var offset: Int
    package var limit: Int
    /// A `SELECT COUNT()`; nil: nothing is counted.
    package var count: Query?
    /// What a row counts beside its texts.
    package var rowBytes: Int
    /// Of all rows together; the row that passes it is the last.
    package var bytesMax: Int

    package init(
        query: Query?, offset: Int = 0, limit: Int = 0, count: Query? = nil, rowBytes: Int = 0, bytesMax: Int = .max
    ) {
        self.query = query
        self.offset = offset
        self.limit = limit
        self.count = count
        self.rowBytes = rowBytes
        self.bytesMax = bytesMax
    }
}

package struct ODataRows: Sendable {
    /// In the order of the query's items.
    package var rows: [[FieldValue]]
    /// There are rows behind the last.
    package var hasMore: Bool
    package var count: Int?

    package init(rows: [[FieldValue]], hasMore: Bool, count: Int?) {
        self.rows = rows
        self.hasMore = hasMore
        self.count = count
    }
}
