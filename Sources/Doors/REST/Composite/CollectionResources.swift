/// `/composite/sobjects`: up to 200 records of any objects in one call; all of them or, without `allOrNone`, those that can.
///
/// The answer has one entry per record, in their order. In it the key of an error is `statusCode`, not `errorCode`.
struct CollectionResources: RESTFamily {
    static let recordsMax = 200
    static let retrievedMax = 2_000
    /// Runs of records of one object after the other.
    static let runsMax = 10

    func add(to routes: inout RESTRoutes) {
        routes.records("POST", "composite/sobjects", .writing, create)
        routes.records("PATCH", "composite/sobjects", .writing, update)
        routes.records("DELETE", "composite/sobjects", .writing, delete)
        routes.records("PATCH", "composite/sobjects/{object}/{field}", .writing, upsert)
        routes.records("GET", "composite/sobjects/{object}", .reading) { call, work in
            guard let ids = call.list("ids"), let fields = call.list("fields") else {
                throw OrgError.badRequest("MISSING_ARGUMENT", "The parameters ids and fields must be given.")
            }
            return try Self.retrieve(ids, fields, call, work)
        }
        routes.records("POST", "composite/sobjects/{object}", .reading) { call, work in
            let body = try call.body()
            guard let ids = body.array("ids"), let fields = body.array("fields") else {
                throw OrgError.badInput("ids and fields must be arrays")
            }
            return try Self.retrieve(try Self.texts(ids, "ids"), try Self.texts(fields, "fields"), call, work)
        }
    }

    private func create(_ call: RESTCall, _ work: any OrgWork) throws -> RESTAnswer {
        try Self.save(call, work) { record, object throws(OrgError) in
            let saved = try work.create(object, Self.fields(record))
            if call.updatesRecent { work.viewed(saved.id) }
            return SaveDocument.success(saved, withFlag: false)
        }
    }

    private func update(_ call: RESTCall, _ work: any OrgWork) throws -> RESTAnswer {
        try Self.save(call, work) { record, object throws(OrgError) in
            guard let id = record.members.first(where: { $0.name.lowercased() == "id" }),
                case .string(let id) = id.value
            else {
                throw .badRequest("MISSING_ARGUMENT", "Id not specified in an update call", fields: ["Id"])
            }
            try work.update(object, id, Self.fields(record).filter { $0.name.lowercased() != "id" })
            if call.updatesRecent { work.viewed(id) }
            return SaveDocument.success(id: id)
        }
    }

    private func upsert(_ call: RESTCall, _ work: any OrgWork) throws -> RESTAnswer {
        let field = call["field"]
        let wanted = call["object"]
        guard try work.isKey(field, of: wanted) else {
            throw OrgError(
                status: 404, errorCode: "NOT_FOUND",
                message: "Provided external ID field does not exist or is not accessible: \(field)")
        }
        return try Self.save(call, work) { record, object throws(OrgError) in
            guard object.lowercased() == wanted.lowercased() else {
                throw .badRequest("INVALID_TYPE", "The record is of \(object), the call is for \(wanted).", fields: [])
            }
            let members = Self.fields(record)
            let key = members.first { $0.name.lowercased() == field.lowercased() }?.value ?? .null
            let rest = members.filter { $0.name.lowercased() != field.lowercased() }
            if field.lowercased() == "id", key == .null {
                return SaveDocument.success(try work.create(object, rest), withFlag: true)
            }
            guard key != .null, key != .string("") else {
                throw .badRequest("MISSING_ARGUMENT", "\(field) not specified", fields: [field])
            }
            let saved = try work.upsert(object, ExternalKey(field: field, value: key), rest)
            if call.updatesRecent { work.viewed(saved.id) }
            return SaveDocument.success(saved, withFlag: true)
        }
    }

    private func delete(_ call: RESTCall, _ work: any OrgWork) throws -> RESTAnswer {
        guard let ids = call.list("ids"), !ids.isEmpty else {
            throw OrgError.badRequest("MISSING_ARGUMENT", "The parameter ids must be given.")
        }
        try Self.checkCount(ids.count, Self.recordsMax)
        let allOrNone = try Self.flag(call.parameter("allOrNone").map(JSONValue.string), "allOrNone")
        return try Self.each(ids, allOrNone: allOrNone, work) { id throws(OrgError) in
            guard let object = work.object(ofID: id) else {
                throw .badRequest("MALFORMED_ID", "malformed id \(id)", fields: [])
            }
            try work.delete(object, id)
            return SaveDocument.success(id: id)
        }
    }

    // MARK: What the calls share

    private static func save(
        _ call: RESTCall, _ work: any OrgWork,
        _ one: (_ record: JSONObject, _ object: String) throws(OrgError) -> JSONValue
    ) throws -> RESTAnswer {
        let body = try call.body()
        let allOrNone = try flag(body["allOrNone"], "allOrNone")
        guard let values = body.array("records") else { throw OrgError.badInput("records must be an array") }
        try checkCount(values.count, recordsMax)
        let records = try values.map { value throws(OrgError) in
            guard let record = JSONObject(value) else { throw .badInput("a record must be an object") }
            return record
        }
        var runs = 0
        var last: String?
        for record in records where record.recordType != last {
            runs += 1
            last = record.recordType
        }
        guard runs <= runsMax else {
            throw OrgError.badRequest(
                "LIMIT_EXCEEDED",
                "Cannot have more than \(runsMax) chunks in a single operation. Please rearrange the data to reduce chunking."
            )
        }
        return try each(records, allOrNone: allOrNone, work) { record throws(OrgError) in
            guard let object = record.recordType, !object.isEmpty else {
                throw .badRequest("INVALID_TYPE", "attributes.type must name the record's object", fields: [])
            }
            return try one(record, object)
        }
    }

    private static func each<Element>(
        _ elements: [Element], allOrNone: Bool, _ work: any OrgWork,
        _ one: (Element) throws(OrgError) -> JSONValue
    ) throws -> RESTAnswer {
        let attempts = try SaveAttempts(elements, allOrNone: allOrNone, work, one)
        var answer = RESTAnswer(
            .array(
                attempts.results.map { result in
                    switch result {
                    case .success(let document): document
                    case .failure(let error): SaveDocument.failure(error)
                    }
                }))
        answer.undoesTransaction = attempts.undoesTransaction
        return answer
    }

    private static func retrieve(
        _ ids: [String], _ fields: [String], _ call: RESTCall, _ work: any OrgWork
    ) throws(OrgError) -> RESTAnswer {
        try checkCount(ids.count, retrievedMax)
        guard !fields.isEmpty else { throw .badRequest("MISSING_ARGUMENT", "fields must name a field") }
        var records: [JSONValue] = []
        for id in ids {
            do throws(OrgError) {
                records.append(try work.retrieve(call["object"], id, fields: fields).document)
            } catch {
                // What is not there, or no more, is null; an unknown object or field is a mistake of the call.
                guard error.status == 404, work.object(ofID: id)?.lowercased() == call["object"].lowercased() else {
                    throw error
                }
                records.append(.null)
            }
        }
        return RESTAnswer(.array(records))
    }

    private static func fields(_ record: JSONObject) -> [JSONValue.Member] {
        record.members.filter { $0.name != "attributes" }
    }

    private static func texts(_ values: [JSONValue], _ name: String) throws(OrgError) -> [String] {
        try values.map { value throws(OrgError) in
            guard case .string(let text) = value else { throw .badInput("\(name) must be an array of texts") }
            return text
        }
    }

    private static func checkCount(_ count: Int, _ max: Int) throws(OrgError) {
        guard count <= max else {
            throw .badRequest(
                "EXCEEDED_ID_LIMIT",
                "record limit reached. cannot submit more than \(max) records into this call")
        }
    }

    static func flag(_ value: JSONValue?, _ name: String) throws(OrgError) -> Bool {
        switch value {
        case nil, .null: return false
        case .boolean(let flag): return flag
        case .string(let text):
            if let flag = JSONObject.flag(text) { return flag }
            fallthrough
        default: throw .badInput("\(name) must be true or false")
        }
    }
}
