import ChangeEvents
public import Doors
import Logging
import SOQL
import Store
import Synchronization
import Twin

/// What the sandbox keeps for queries. All of it is for speed or for the length of a cursor; nothing is lost with it.
struct QueryState: Sendable {
    let cursors: QueryCursors
    let plans = PlanCache()
}

extension Sandbox: QueryService {
    public func query(
        _ soql: String, scope: QueryScope, batchSize: Int?, context: CallContext
    ) async throws(OrgError) -> QueryPage {
        try await asking { reader, catalogue in
            try self.query(
                soql, includesDeleted: scope == .all, batchSize: batchSize, context: context, catalogue: catalogue,
                reader: reader)
        }
    }

    public func nextPage(locator: String, context: CallContext) async throws(OrgError) -> QueryPage {
        try await asking { reader, catalogue in
            try self.nextPage(locator: locator, context: context, catalogue: catalogue, reader: reader)
        }
    }

    /// The same inside a snapshot or transaction of the caller's: a query in a composite request sees what the requests
    /// before it wrote.
    func query(
        _ soql: String, includesDeleted: Bool, batchSize: Int?, context: CallContext, catalogue: Catalogue,
        reader: any StoreReader
    ) throws -> QueryPage {
        let now = configuration.clock()
        let known = queries.plans.known(soql, schema: catalogue.querySchema, includesDeleted: includesDeleted)
        // What has a plan is no computed object.
        if known == nil, let computed = computedObject(of: soql) {
            try computed.check(soql, now: now)
            let page = try query(
                soql, over: [(computed.definition, try computed.rows(self, context, reader))], context: context)
            try computed.check(page)
            return page
        }
        let plan = try known ?? plan(soql, catalogue.querySchema, includesDeleted: includesDeleted, now: now)
        let run = QueryRun(
            plan: plan, soql: soql, includesDeleted: includesDeleted, plannedAt: now,
            batchSize: Self.batchSize(batchSize), context: context,
            catalogue: catalogue, reader: reader, cursors: queries.cursors)
        let page = try run.firstPage()
        if run.plan.isForView { noteViewed(page, by: context.session.userID) }
        return page
    }

    /// What `FOR VIEW` found is recent from now on, the first of it the newest.
    private func noteViewed(_ page: QueryPage, by userID: String) {
        let ids = page.records.compactMap { record -> String? in
            guard case .object(let members) = record, case .object(let attributes)? = members.first?.value,
                case .string(let url)? = attributes.first(where: { $0.name == "url" })?.value
            else { return nil }
            return url.split(separator: "/").last.map(String.init)
        }
        state.withLock { state in
            for id in ids.reversed() { state.recent.view(id, by: userID) }
        }
    }

    func nextPage(
        locator: String, context: CallContext, catalogue: Catalogue, reader: any StoreReader
    ) throws -> QueryPage {
        let (cursor, offset) = try queries.cursors.find(
            locator, userID: context.session.userID, now: configuration.clock())
        let plan = try plan(
            cursor.soql, catalogue.querySchema, includesDeleted: cursor.includesDeleted, now: cursor.plannedAt)
        let run = QueryRun(
            plan: plan, soql: cursor.soql, includesDeleted: cursor.includesDeleted, plannedAt: cursor.plannedAt,
            batchSize: cursor.batchSize, context: context, catalogue: catalogue, reader: reader,
            cursors: queries.cursors)
        return try run.page(of: cursor, from: offset, locator: locator)
    }

    /// A query over rows that are handed in (computed objects, objects of the Tooling API): all of its records in one page.
    func query(
        _ soql: String, over objects: [(definition: ObjectDefinition, rows: [ComputedRow])], context: CallContext
    ) throws -> QueryPage {
        let catalogue = Catalogue(objects.map(\.definition))
        let now = configuration.clock()
        let plan: QueryPlan
        do throws(QueryError) {
            plan = try PlanCache.made(soql, schema: catalogue.querySchema, includesDeleted: false, now: now)
        } catch {
            throw OrgError(error, in: soql)
        }
        return try ScratchTables.read(objects.map { ScratchTables.Content($0.definition, $0.rows) }) { reader in
            try QueryRun(
                plan: plan, soql: soql, includesDeleted: false, plannedAt: now,
                batchSize: QueryRun.batchSizes.upperBound, context: context, catalogue: catalogue, reader: reader,
                cursors: nil
            ).firstPage()
        }
    }

    /// Nil where FROM names an object with records.
    private func computedObject(of soql: String) -> ComputedObject? {
        guard !computedObjects.isEmpty, let name = Query.objectName(in: soql)?.lowercased() else { return nil }
        return computedObjects.first { $0.definition.name.lowercased() == name }
    }

    private func plan(
        _ soql: String, _ schema: CatalogueSchema, includesDeleted: Bool, now: Int64
    ) throws(OrgError) -> QueryPlan {
        do throws(QueryError) {
            return try queries.plans.plan(soql, schema: schema, includesDeleted: includesDeleted, now: now)
        } catch {
            throw OrgError(error, in: soql)
        }
    }

    private static func batchSize(_ wish: Int?) -> Int {
        let sizes = QueryRun.batchSizes
        return min(max(wish ?? sizes.upperBound, sizes.lowerBound), sizes.upperBound)
    }

    func asking<T: Sendable>(
        _ body: @escaping @Sendable (any StoreReader, Catalogue) throws -> T
    ) async throws(OrgError) -> T {
        do {
            return try await twin.store.read(timeMax: configuration.queryTimeMax) { reader in
                try body(reader, self.catalogue(in: reader))
            }
        } catch let error as OrgError {
            throw error
        } catch let error as StoreError where error.code == .timedOut {
            throw .queryTimeout()
        } catch {
            logger.error("a query failed inside the org", metadata: ["error": "\(error)"])
            throw .internalFailure()
        }
    }
}

// Rows, for Bulk.
extension Sandbox {
    public func rowQuery(
        _ soql: String, scope: QueryScope, context: CallContext
    ) async throws(OrgError) -> RowQuery {
        let plan = try rowPlan(soql, scope, catalogue, now: configuration.clock())
        return RowQuery(soql: soql, scope: scope, object: plan.object, columns: plan.headings.map(\.name))
    }

    public func rows(
        of query: RowQuery, after place: RowPlace?, limit: Int, context: CallContext
    ) async throws(OrgError) -> RowBatch {
        let progress = try RowProgress(place, now: configuration.clock())
        let userID = context.session.userID
        return try await asking { reader, catalogue in
            let plan = try self.rowPlan(query.soql, query.scope, catalogue, now: progress.plannedAt)
            return try RowRun(plan: plan, catalogue: catalogue, userID: userID, reader: reader)
                .batch(after: progress, limit: limit)
        }
    }

    /// Bulk reads records of one object with fields of its parents, and nothing else.
    private func rowPlan(
        _ soql: String, _ scope: QueryScope, _ catalogue: Catalogue, now: Int64
    ) throws(OrgError) -> QueryPlan {
        let plan = try plan(soql, catalogue.querySchema, includesDeleted: scope == .all, now: now)
        let refusal: String? =
            if plan.kind != .records {
                "Aggregate Relationships not supported in Bulk Query"
            } else if !plan.children.isEmpty {
                "Nested Query not supported in Bulk Query"
            } else if plan.offset != nil {
                "OFFSET clause not supported in Bulk Query"
            } else if let compound = plan.compounds.first {
                "Selecting compound data not supported in Bulk Query: \(compound)"
            } else {
                nil
            }
        guard let refusal else { return plan }
        throw OrgError(
            status: OrgError.statusBadRequest, errorCode: "INVALIDJOB", message: "FeatureNotEnabled : \(refusal)")
    }
}
