import SOQL
import Synchronization

/// Plans of recent queries. Those that differ only in their quoted texts share one where the plan allows it
/// (`QueryTemplate`); others are kept by their whole text. A plan is as good as the schema it was made with, and one with a
/// relative date only for its day, so those are made anew each time.
final class PlanCache: Sendable {
    static let plansMax = 500
    /// Longer texts are seldom the same twice.
    static let textBytesMax = 8_000

    private struct Key: Hashable {
        /// A skeleton, or a whole text: a skeleton without quoted texts is both.
        var text: [UInt8]
        var isSkeleton: Bool
        var includesDeleted: Bool
        var schema: ObjectIdentifier
    }
    private struct Entry {
        var plan: QueryPlan
        /// Keeps the identifier in the key from being given again.
        var schema: CatalogueSchema
    }
    private let entries = Mutex<[Key: Entry]>([:])

    /// A plan that is kept; nil: make one.
    func known(_ soql: String, schema: CatalogueSchema, includesDeleted: Bool) -> QueryPlan? {
        guard soql.utf8.count <= Self.textBytesMax, let template = QueryTemplate(soql) else { return nil }
        var key = Key(
            text: template.skeleton, isSkeleton: true, includesDeleted: includesDeleted,
            schema: ObjectIdentifier(schema))
        if let entry = entries.withLock({ $0[key] }), let plan = entry.plan.bound(to: template) {
            return plan
        }
        key.text = Array(soql.utf8)
        key.isSkeleton = false
        return entries.withLock { $0[key]?.plan }
    }

    func plan(
        _ soql: String, schema: CatalogueSchema, includesDeleted: Bool, now: Int64
    ) throws(QueryError) -> QueryPlan {
        if let known = known(soql, schema: schema, includesDeleted: includesDeleted) { return known }
        var plan = try Self.made(soql, schema: schema, includesDeleted: includesDeleted, now: now)
        guard !plan.dependsOnNow, soql.utf8.count <= Self.textBytesMax, let template = QueryTemplate(soql) else {
            return plan
        }
        let isOpen = plan.open(to: template)
        let key = Key(
            text: isOpen ? template.skeleton : Array(soql.utf8), isSkeleton: isOpen, includesDeleted: includesDeleted,
            schema: ObjectIdentifier(schema))
        let entry = Entry(plan: plan, schema: schema)
        entries.withLock { entries in
            if entries.count >= Self.plansMax { entries.removeAll(keepingCapacity: true) }
            entries[key] = entry
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
