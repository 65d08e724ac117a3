import SOQL
import Synchronization

/// Plans of recent queries by their text. A plan is as good as the schema it was made with, and one with a relative date
/// only for its day, so those are made anew each time.
final class PlanCache: Sendable {
    static let plansMax = 500
    /// Longer texts are seldom the same twice.
    static let textBytesMax = 8_000

    private struct Key: Hashable {
        var soql: String
        var includesDeleted: Bool
        var schema: ObjectIdentifier
    }
    private struct Entry {
        var plan: QueryPlan
        /// Keeps the identifier in the key from being given again.
        var schema: CatalogueSchema
    }
    private let entries = Mutex<[Key: Entry]>([:])

    func plan(
        _ soql: String, schema: CatalogueSchema, includesDeleted: Bool, now: Int64
    ) throws(QueryError) -> QueryPlan {
        let key = Key(soql: soql, includesDeleted: includesDeleted, schema: ObjectIdentifier(schema))
        if let known = entries.withLock({ $0[key] }) { return known.plan }
        let plan = try Self.made(soql, schema: schema, includesDeleted: includesDeleted, now: now)
        if !plan.dependsOnNow, soql.utf8.count <= Self.textBytesMax {
            entries.withLock { entries in
                if entries.count >= Self.plansMax { entries.removeAll(keepingCapacity: true) }
                entries[key] = Entry(plan: plan, schema: schema)
            }
        }
        return plan
    }

    /// A plan that is not kept.
    static func made(
        _ soql: String, schema: CatalogueSchema, includesDeleted: Bool, now: Int64
    ) throws(QueryError) -> QueryPlan {
        let query: Query
        do throws(SOQLError) {
            query = try Query(soql)
        } catch {
            throw error.queryError(in: soql)
        }
        return try QueryPlanner.plan(query, schema: schema, includesDeleted: includesDeleted, now: now)
    }
}
