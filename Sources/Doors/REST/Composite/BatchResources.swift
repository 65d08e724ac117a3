internal import HTTPTypes

/// `/composite/batch`: up to 25 calls in one, each independent of the others, in a transaction of its own.
struct BatchResources: RESTFamily {
    static let partsMax = 25

    func add(to routes: inout RESTRoutes) {
        routes.service("POST", "composite/batch", Self.run)
    }

    private static func run(_ call: RESTCall) async throws -> RESTAnswer {
        guard let body = JSONObject(try await call.readDocument()) else { throw OrgError.bodyIsNoObject }
        let haltsOnError = try CollectionResources.flag(body["haltOnError"], "haltOnError")
        guard let requests = body.array("batchRequests"), !requests.isEmpty else {
            throw OrgError.badInput("batchRequests must be an array of subrequests")
        }
        guard requests.count <= partsMax else {
            throw OrgError.badRequest(
                "LIMIT_EXCEEDED", "A batch may have \(partsMax) subrequests, not \(requests.count).")
        }
        let calls = try requests.map { try part($0, of: call) }
        var results: [JSONValue] = []
        var hasErrors = false
        for part in calls {
            guard !(hasErrors && haltsOnError) else {
                results.append(result(RESTAnswer(halted)))
                continue
            }
            let answer =
                switch part {
                case .success(let part): try await answer(part)
                case .failure(let error): RESTAnswer(error)
                }
            if answer.status.code >= 400 { hasErrors = true }
            results.append(result(answer))
        }
        return RESTAnswer(.members(("hasErrors", .boolean(hasErrors)), ("results", .array(results))))
    }

    private static let halted = OrgError(
        status: 412, errorCode: "BATCH_PROCESSING_HALTED", message: "Batch processing halted per request")

    private static func answer(_ call: RESTCall) async throws -> RESTAnswer {
        guard call.path.first != "composite" || call.path.dropFirst().first == "sobjects", call.path.first != "jobs"
        else {
            return RESTAnswer(
                OrgError.badRequest("INVALID_INPUT", "The resource \(call.resource) cannot be part of a batch."))
        }
        return try await call.dispatcher.answer(call)
    }

    /// A mistake in one part's form is that of the whole call; an unknown path is the part's.
    private static func part(
        _ value: JSONValue, of call: RESTCall
    ) throws(OrgError) -> Result<RESTCall, OrgError> {
        guard let object = JSONObject(value), let method = object.text("method")?.uppercased(),
            let url = object.text("url")
        else { throw .badInput("a subrequest needs a method and a url") }
        guard let target = RESTTarget(part: url, allowsShort: true), let first = target.elements.first,
            let version = APIVersion(pathElement: first)
        else { return .failure(.notFound) }
        if version.isRetired { return .failure(.retired(version)) }
        var context = call.context
        context.apiVersion = version.text
        return .success(
            RESTCall(
                method: method == "HEAD" ? "GET" : method, path: Array(target.elements.dropFirst()),
                query: target.query, headers: [:], context: context, dispatcher: call.dispatcher,
                document: object["richInput"].flatMap { $0 == .null ? nil : $0 }))
    }

    private static func result(_ answer: RESTAnswer) -> JSONValue {
        .members(("statusCode", .number(String(answer.status.code))), ("result", answer.document))
    }
}
