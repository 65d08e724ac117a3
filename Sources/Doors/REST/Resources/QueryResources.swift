/// `/query`, `/queryAll` and the pages behind them.
struct QueryResources: RESTFamily {
    func add(to routes: inout RESTRoutes) {
        for (name, includingDeleted) in [("query", false), ("queryAll", true)] {
            routes.records("GET", name, .reading) { call, work in
                try Self.query(call, work, includingDeleted: includingDeleted)
            }
            routes.records("GET", name + "/{locator}", .reading) { call, work in
                RESTAnswer(try work.queryMore(call["locator"], batchSize: Self.batchSize(call)))
            }
        }
    }

    private static func query(
        _ call: RESTCall, _ work: any OrgWork, includingDeleted: Bool
    ) throws(OrgError) -> RESTAnswer {
        if call.parameter("explain") != nil {
            throw .badRequest("INVALID_QUERY_EXPLAIN", "Query plans are not explained by this org.")
        }
        guard let text = call.parameter("q") else {
            throw .badRequest("MALFORMED_QUERY", "The parameter q, a SOQL query, must be given.")
        }
        return RESTAnswer(
            try work.query(text, includingDeleted: includingDeleted, batchSize: batchSize(call)))
    }

    static let batchSizes = 200...2_000

    /// What `Sforce-Query-Options: batchSize=200` asks for, within what an org allows; nil: nothing, or nothing that can
    /// be read.
    static func batchSize(_ call: RESTCall) -> Int? {
        guard let value = call.header("Sforce-Query-Options") else { return nil }
        for option in value.split(separator: ",") {
            let parts = option.split(separator: "=").map { $0.filter { $0 != " " } }
            guard parts.count == 2, parts[0].lowercased() == "batchsize", let size = Int(parts[1]) else { continue }
            return min(max(size, batchSizes.lowerBound), batchSizes.upperBound)
        }
        return nil
    }
}
