internal import HTTPTypes

/// `/sobjects/X` and `/sobjects/X/{id}`: create, read, update, delete.
struct RecordResources: RESTFamily {
    func add(to routes: inout RESTRoutes) {
        routes.records("POST", "sobjects/{object}", .writing, create)
        routes.records("GET", "sobjects/{object}/{id}", .reading, read)
        routes.records("PATCH", "sobjects/{object}/{id}", .writing, update)
        routes.records("DELETE", "sobjects/{object}/{id}", .writing, delete)
    }

    private func create(_ call: RESTCall, _ work: any OrgWork) throws -> RESTAnswer {
        let object = call["object"]
        let saved = try work.create(object, try call.fields())
        if call.updatesRecent { work.viewed(saved.id) }
        return Self.created(saved, object: object, call)
    }

    private func read(_ call: RESTCall, _ work: any OrgWork) throws -> RESTAnswer {
        let found = try work.retrieve(call["object"], call["id"], fields: call.list("fields"))
        if call.updatesRecent { work.viewed(call["id"]) }
        return try Self.answer(found, to: call)
    }

    private func update(_ call: RESTCall, _ work: any OrgWork) throws -> RESTAnswer {
        let fields = try call.fields()
        if fields.contains(where: { $0.name.lowercased() == "id" }) {
            throw OrgError.badRequest(
                "INVALID_FIELD", "The Id field should not be specified in the sobject data.", fields: ["Id"])
        }
        let conditions = try RowConditions(call)
        if !conditions.isEmpty {
            let found = try work.retrieve(call["object"], call["id"], fields: ["Id"])
            if let refusal = conditions.refusalOfWrite(found) { return refusal }
        }
        try work.update(call["object"], call["id"], fields)
        if call.updatesRecent { work.viewed(call["id"]) }
        return RESTAnswer(status: .noContent)
    }

    private func delete(_ call: RESTCall, _ work: any OrgWork) throws -> RESTAnswer {
        try work.delete(call["object"], call["id"])
        return RESTAnswer(status: .noContent)
    }

    /// The answer to a create: 201 with the new record's place.
    static func created(_ saved: SavedRecord, object: String, _ call: RESTCall, withFlag: Bool = false) -> RESTAnswer {
        RESTAnswer(
            SaveDocument.success(saved, withFlag: withFlag), status: .created,
            headers: [.location: "\(call.root)/sobjects/\(object)/\(saved.id)"])
    }

    /// A row, or 304 where the caller has it.
    static func answer(_ found: FoundRecord, to call: RESTCall) throws(OrgError) -> RESTAnswer {
        let conditions = try RowConditions(call)
        var headers: HTTPFields = [:]
        if let tag = found.entityTag { headers[.eTag] = RowConditions.quoted(tag, call) }
        if let modified = found.lastModified { headers[.lastModified] = HTTPDate.text(modified) }
        if let answer = conditions.answerInstead(of: found, headers) { return answer }
        return RESTAnswer(found.document, headers: headers)
    }
}

/// How saves are told: of a record by itself, and in collections, where the errors' key is `statusCode`.
enum SaveDocument {
    static func success(_ saved: SavedRecord, withFlag: Bool) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init(name: "id", value: .string(saved.id)), .init(name: "success", value: .boolean(true)),
            .init(name: "errors", value: .array(saved.remarks.map(error))),
        ]
        if withFlag { members.append(.init(name: "created", value: .boolean(saved.isCreated))) }
        return .object(members)
    }

    static func success(id: String) -> JSONValue {
        .members(("id", .string(id)), ("success", .boolean(true)), ("errors", .array([])))
    }

    static func failure(_ error: OrgError) -> JSONValue {
        .members(("success", .boolean(false)), ("errors", .array([Self.error(error)])))
    }

    static func error(_ error: OrgError) -> JSONValue {
        .members(
            ("statusCode", .string(error.errorCode)), ("message", .string(error.message)),
            ("fields", .array((error.fields ?? []).map(JSONValue.string))))
    }

    /// What becomes of a record that was good, in a call that takes all or none.
    static let rolledBack = OrgError.badRequest(
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "Record rolled back because not all records were valid and the request was using AllOrNone header", fields: [])
}
