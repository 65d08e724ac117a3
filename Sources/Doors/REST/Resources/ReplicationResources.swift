/// `/sobjects/X/updated` and `/sobjects/X/deleted`: how replicators catch up on what events did not tell.
struct ReplicationResources: RESTFamily {
    func add(to routes: inout RESTRoutes) {
        routes.records("GET", "sobjects/{object}/updated", .reading) { call, work in
            let (start, end) = try Self.window(call)
            return RESTAnswer(try work.updated(call["object"], start, end))
        }
        routes.records("GET", "sobjects/{object}/deleted", .reading) { call, work in
            let (start, end) = try Self.window(call)
            return RESTAnswer(try work.deleted(call["object"], start, end))
        }
    }

    private static func window(_ call: RESTCall) throws(OrgError) -> (start: String, end: String) {
        guard let start = call.parameter("start"), let end = call.parameter("end") else {
            throw .badRequest("MISSING_ARGUMENT", "The parameters start and end must be given.")
        }
        // The plus sign of an offset that was not escaped has become a space.
        return (
            String(start.map { $0 == " " ? "+" : $0 }), String(end.map { $0 == " " ? "+" : $0 })
        )
    }
}
