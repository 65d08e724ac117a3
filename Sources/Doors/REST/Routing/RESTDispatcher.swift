internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// Brings a call to its resource and its answer back: for requests, and for the parts of composite ones.
struct RESTDispatcher: Sendable {
    /// The largest JSON body.
    static let bodyBytesMax = 8 << 20

    let records: any RecordService
    let routes: RESTRoutes

    /// What a part that failed leaves of its transaction: nothing, but there is an answer.
    private struct Undone: Error {
        var answer: RESTAnswer
    }

    /// The answer of one resource, in its own transaction where it has one. Errors of the org and of the caller are
    /// answers; what is thrown is a failed connection or our own mistake.
    func answer(_ call: RESTCall) async throws -> RESTAnswer {
        try await answer(call, routes.match(call.method, call.path))
    }

    /// The same with the route found already.
    func answer(_ call: RESTCall, _ match: RESTRoutes.Match) async throws -> RESTAnswer {
        var call = call
        do {
            let route = try Self.route(of: &call, match)
            switch route.handling {
            case .service(let handler):
                // Clients of Bulk say `text/csv` with every call of a job, whose answers are JSON but for its results.
                if route.family == .bulk { return try await handler(call) }
                // What makes something is refused before it does; what is not JSON is the resource's own affair.
                if ["POST", "PATCH"].contains(call.method) { try Self.checkAccept(call) }
                let answer = try await handler(call)
                if case .document = answer.body { try Self.checkAccept(call) }
                return answer
            case .records(let access, let handler):
                return try await answer(call, access, handler)
            }
        } catch let error as OrgError {
            return RESTAnswer(error)
        } catch let error as MethodError {
            return error.answer
        }
    }

    /// The answer of a resource that is a part of a composite request, inside that request's transaction. A part that does
    /// not succeed has changed nothing.
    func part(_ call: RESTCall, in work: any OrgWork) throws -> RESTAnswer {
        var call = call
        do {
            let route = try Self.route(of: &call, routes.match(call.method, call.path))
            guard route.isComposable, case .records(_, let handler) = route.handling else {
                throw OrgError.badRequest(
                    "INVALID_INPUT", "The resource \(call.resource) cannot be part of a composite request.")
            }
            if call.method == "GET" { return try handler(call, work) }
            var answer: RESTAnswer?
            try work.part {
                let given = try handler(call, work)
                answer = given
                return given.isSuccess && !given.undoesTransaction
            }
            guard let answer else { preconditionFailure("a part that threw nothing has an answer") }
            return answer
        } catch let error as OrgError {
            return RESTAnswer(error)
        } catch let error as MethodError {
            return error.answer
        }
    }

    private struct MethodError: Error {
        var answer: RESTAnswer
    }

    private static func route(of call: inout RESTCall, _ match: RESTRoutes.Match) throws -> RESTRoutes.Route {
        switch match {
        case .route(let route, let captured):
            call.captured = captured
            return route
        case .otherMethods(let allowed):
            var answer = RESTAnswer(OrgError.methodNotAllowed(call.method, allowed: allowed))
            answer.headers[.allow] = allowed.joined(separator: ",")
            throw MethodError(answer: answer)
        case .nothing:
            throw OrgError.notFound
        }
    }

    private static func checkAccept(_ call: RESTCall) throws(OrgError) {
        guard RESTRequest.acceptsJSON(call.headers[.accept]) else {
            throw OrgError(
                status: 406, errorCode: "NOT_ACCEPTABLE",
                message: "This resource is answered as application/json, which the Accept header does not take.")
        }
    }

    private func answer(
        _ call: RESTCall, _ access: RESTRoutes.Access, _ handler: @escaping RESTRoutes.RecordsHandler
    ) async throws -> RESTAnswer {
        try Self.checkAccept(call)
        let reading = try await withBody(call)
        var call = reading.call
        // The connection stays behind: the transaction needs the document only.
        call.request = nil
        do {
            return try await run(call, access, handler)
        } catch var error as OrgError {
            if let member = error.unreadableMember, let bytes = reading.bytes,
                let place = JSONParser.place(ofMember: member, in: bytes.readableBytesView)
            {
                // An array's text ends in the word "value", and the place follows without "at".
                error.message += error.message.hasSuffix(" value") ? " " : " at "
                error.message += "[line:\(place.line), column:\(place.column)]"
            }
            throw error
        }
    }

    private func run(
        _ call: RESTCall, _ access: RESTRoutes.Access, _ handler: @escaping RESTRoutes.RecordsHandler
    ) async throws -> RESTAnswer {
        let isReading =
            switch access {
            case .reading: true
            case .writing: false
            case .asTheParts: CompositeParts.areReading(call)
            }
        guard !isReading else { return try await records.reading(call.context) { try handler(call, $0) } }
        do {
            return try await records.writing(call.context) { work in
                let answer = try handler(call, work)
                if answer.undoesTransaction { throw Undone(answer: answer) }
                return answer
            }
        } catch let undone as Undone {
            return undone.answer
        }
    }

    /// The call with its JSON body read, and the bytes of it.
    private func withBody(_ call: RESTCall) async throws -> (call: RESTCall, bytes: ByteBuffer?) {
        guard let request = call.request, ["POST", "PATCH", "PUT"].contains(call.method) else { return (call, nil) }
        guard RESTRequest.isJSON(call.headers[.contentType]) else {
            throw OrgError.mediaTypeUnsupported(call.headers[.contentType])
        }
        let bytes = try await request.bytes(upTo: RESTDispatcher.bodyBytesMax)
        var call = call
        call.document = try Self.document(bytes)
        return (call, bytes)
    }

    static func document(_ bytes: ByteBuffer) throws(OrgError) -> JSONValue {
        do throws(JSONError) {
            return try JSONParser.parse(bytes.readableBytesView)
        } catch {
            throw .badRequest("JSON_PARSER_ERROR", error.description)
        }
    }
}
