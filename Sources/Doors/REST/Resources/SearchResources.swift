/// `/search` with SOSL, and `/parameterizedSearch`, which asks the same in parameters.
///
/// The words must all occur (`AND` may stand between them); `*` and `?` are wildcards, a phrase stands in double quotes.
/// `OR`, `NOT`, `WITH` and `UPDATE` are refused: an answer that ignored them would be wrong.
struct SearchResources: RESTFamily {
    static let limitMax = 2_000

    func add(to routes: inout RESTRoutes) {
        routes.records("GET", "search", .reading) { call, work in
            guard let text = call.parameter("q") else {
                throw OrgError.badRequest("MALFORMED_SEARCH", "The parameter q, a SOSL search, must be given.")
            }
            return try Self.answer(try SOSLParser.parse(text), work)
        }
        routes.records("GET", "parameterizedSearch", .reading) { call, work in
            try Self.answer(try Self.search(call), work)
        }
        routes.records("POST", "parameterizedSearch", .reading) { call, work in
            try Self.answer(try Self.search(try call.body()), work)
        }
    }

    private static func answer(_ search: RecordSearch, _ work: any OrgWork) throws(OrgError) -> RESTAnswer {
        RESTAnswer(.members(("searchRecords", .array(try work.search(search)))))
    }

    private static func search(_ call: RESTCall) throws(OrgError) -> RecordSearch {
        let objects = call.query.filter { $0.name == "sobject" }.map(\.value)
        let common = call.list("fields") ?? []
        let targets = try objects.map { object throws(OrgError) in
            try target(
                object, fields: call.list("\(object).fields") ?? common,
                condition: call.parameter("\(object).where"), orderBy: call.parameter("\(object).orderBy"),
                limit: try limit(call.parameter("\(object).limit") ?? call.parameter("defaultLimit")))
        }
        return try search(
            call.parameter("q"), scope: call.parameter("in"), targets,
            limit: try limit(call.parameter("overallLimit")))
    }

    private static func search(_ body: JSONObject) throws(OrgError) -> RecordSearch {
        let common = texts(body["fields"])
        let defaultLimit = try limit(number(body["defaultLimit"]))
        let targets = try (body.array("sobjects") ?? []).map { value throws(OrgError) -> RecordSearch.Target in
            guard let object = JSONObject(value), let name = object.text("name") else {
                throw .badInput("an entry of sobjects needs a name")
            }
            return try target(
                name, fields: object["fields"].map(texts) ?? common, condition: object.text("where"),
                orderBy: object.text("orderBy"), limit: try limit(number(object["limit"])) ?? defaultLimit)
        }
        return try search(
            body.text("q"), scope: body.text("in"), targets, limit: try limit(number(body["overallLimit"])))
    }

    private static func search(
        _ text: String?, scope: String?, _ targets: [RecordSearch.Target], limit: Int?
    ) throws(OrgError) -> RecordSearch {
        guard let text else { throw .badRequest("MALFORMED_SEARCH", "The parameter q must be given.") }
        guard let scope = RecordSearch.Scope(rawValue: (scope ?? "ALL").uppercased()) else {
            throw .badRequest("MALFORMED_SEARCH", "in must be ALL, NAME, EMAIL or PHONE")
        }
        return RecordSearch(
            terms: try SOSLParser.terms(text), scope: scope, targets: targets, limit: limit ?? limitMax)
    }

    private static func target(
        _ object: String, fields: [String], condition: String?, orderBy: String?, limit: Int?
    ) throws(OrgError) -> RecordSearch.Target {
        guard RelationshipResources.isName(object), fields.allSatisfy(RelationshipResources.isName) else {
            throw .badRequest("MALFORMED_SEARCH", "\(object) and its fields must be names")
        }
        return RecordSearch.Target(
            object: object, fields: fields, condition: condition, orderBy: orderBy, limit: limit)
    }

    private static func limit(_ text: String?) throws(OrgError) -> Int? {
        guard let text else { return nil }
        guard let limit = Int(text), (1...limitMax).contains(limit) else {
            throw .badRequest("MALFORMED_SEARCH", "A limit must be from 1 to \(limitMax)")
        }
        return limit
    }

    private static func number(_ value: JSONValue?) -> String? {
        switch value {
        case .number(let text), .string(let text): text
        default: nil
        }
    }

    private static func texts(_ value: JSONValue?) -> [String] {
        guard case .array(let values) = value else { return [] }
        return values.compactMap {
            guard case .string(let text) = $0 else { return nil }
            return text
        }
    }
}
