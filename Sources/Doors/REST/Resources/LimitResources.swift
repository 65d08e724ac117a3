/// `/limits`, `/limits/recordCount` and `/recent`.
struct LimitResources: RESTFamily {
    private static let recentMax = 200

    let org: any OrgService

    func add(to routes: inout RESTRoutes) {
        let org = self.org
        routes.service("GET", "limits") { call in
            RESTAnswer(try await org.limits(context: call.context))
        }
        routes.records("GET", "limits/recordCount", .reading) { call, work in
            let counts = try work.recordCounts(of: call.list("sObjects") ?? [])
            return RESTAnswer(
                .members(
                    (
                        "sObjects",
                        .array(
                            counts.map { .members(("count", .number(String($0.count))), ("name", .string($0.object))) })
                    )))
        }
        routes.records("GET", "recent", .reading) { call, work in
            let limit = call.parameter("limit").flatMap { Int($0) } ?? Self.recentMax
            guard (1...Self.recentMax).contains(limit) else {
                throw OrgError.badRequest("INVALID_QUERY_LIMIT", "limit must be from 1 to \(Self.recentMax)")
            }
            return RESTAnswer(.array(try work.recent(of: nil, limit: limit)))
        }
    }
}
