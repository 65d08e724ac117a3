internal import HTTPTypes

/// The Tooling API's resources: objects that describe the org itself.
struct ToolingResources: RESTFamily {
    let tooling: any ToolingService

    func add(to routes: inout RESTRoutes) {
        let tooling = self.tooling
        routes.service("GET", "tooling") { call in
            RESTAnswer(
                .members(
                    ("query", .string(call.root + "/tooling/query")),
                    ("sobjects", .string(call.root + "/tooling/sobjects"))))
        }
        routes.service("GET", "tooling/query") { call in
            guard let soql = call.parameter("q"), !soql.isEmpty else {
                throw OrgError.badRequest("MALFORMED_QUERY", "unexpected token: <EOF>")
            }
            return RESTAnswer(try await tooling.toolingQuery(soql, context: call.context))
        }
        routes.service("GET", "tooling/sobjects") { call in
            RESTAnswer(try await tooling.toolingDescribeGlobal(context: call.context))
        }
        routes.service("GET", "tooling/sobjects/{object}/describe") { call in
            RESTAnswer(try await tooling.toolingDescribe(object: call["object"], context: call.context))
        }
        routes.service("POST", "tooling/sobjects/{object}") { call in
            let id = try await tooling.toolingCreate(
                object: call["object"], fields: try await Self.fields(of: call), context: call.context)
            return RESTAnswer(
                .members(
                    ("id", .string(id)), ("success", .boolean(true)), ("errors", .array([])), ("warnings", .array([])),
                    ("infos", .array([]))), status: .created,
                headers: [.location: "\(call.root)/tooling/sobjects/\(call["object"])/\(id)"])
        }
        routes.service("GET", "tooling/sobjects/{object}/{id}") { call in
            RESTAnswer(
                try await tooling.toolingRetrieve(
                    object: call["object"], id: call["id"], fields: call.list("fields"), context: call.context))
        }
        routes.service("PATCH", "tooling/sobjects/{object}/{id}") { call in
            try await tooling.toolingUpdate(
                object: call["object"], id: call["id"], fields: try await Self.fields(of: call), context: call.context)
            return RESTAnswer(status: .noContent)
        }
        routes.service("DELETE", "tooling/sobjects/{object}/{id}") { call in
            try await tooling.toolingDelete(object: call["object"], id: call["id"], context: call.context)
            return RESTAnswer(status: .noContent)
        }
    }

    private static func fields(of call: RESTCall) async throws -> [JSONValue.Member] {
        guard case .object(let members) = try await call.readDocument() else { throw OrgError.bodyIsNoObject }
        return members
    }
}
