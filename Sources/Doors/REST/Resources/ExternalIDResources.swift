internal import HTTPTypes
internal import NIOCore

/// `/sobjects/X/{field}/{value}` with an external id: read, upsert, delete; and the paths of the same form that lead along a
/// relationship, or to a field of bytes.
struct ExternalIDResources: RESTFamily {
    func add(to routes: inout RESTRoutes) {
        routes.records("GET", "sobjects/{object}/{field}/{value}", .reading, read)
        routes.records("PATCH", "sobjects/{object}/{field}/{value}", .writing, upsert)
        routes.records("POST", "sobjects/{object}/{field}/{value}", .writing, insert)
        routes.records("DELETE", "sobjects/{object}/{field}/{value}", .writing, delete)
        // Upserting by `Id` without an id: a new record.
        routes.records("POST", "sobjects/{object}/{id}", .writing, insertByID)
    }

    private func read(_ call: RESTCall, _ work: any OrgWork) throws -> RESTAnswer {
        let object = call["object"]
        let (first, second) = (call["field"], call["value"])
        if try work.isKey(first, of: object) {
            let id = try Self.id(call, work)
            return try RecordResources.answer(try work.retrieve(object, id, fields: call.list("fields")), to: call)
        }
        if let blob = try work.blob(second, of: object, first) {
            return RESTAnswer(bytes: .init(bytes: blob.bytes), type: blob.contentType)
        }
        return try RelationshipResources.follow(second, of: object, first, call, work)
    }

    private func upsert(_ call: RESTCall, _ work: any OrgWork) throws -> RESTAnswer {
        let object = call["object"]
        guard try work.isKey(call["field"], of: object) else {
            return try RelationshipResources.update(call["value"], of: object, call["field"], call, work)
        }
        let fields = try call.fields()
        let conditions = try RowConditions(call)
        if !conditions.isEmpty, let found = try Self.existing(call, work),
            let refusal = conditions.refusalOfWrite(found)
        {
            return refusal
        }
        let key = ExternalKey(field: call["field"], value: .string(call["value"]))
        let saved = try work.upsert(object, key, fields)
        if call.updatesRecent { work.viewed(saved.id) }
        if saved.isCreated { return RecordResources.created(saved, object: object, call, withFlag: true) }
        // Before version 46.0 an update of this kind had no body.
        guard Self.tellsUpdates(call.context.apiVersion) else { return RESTAnswer(status: .noContent) }
        return RESTAnswer(SaveDocument.success(saved, withFlag: true))
    }

    private func insert(_ call: RESTCall, _ work: any OrgWork) throws -> RESTAnswer {
        var answer = RESTAnswer(OrgError.methodNotAllowed("POST", allowed: ["DELETE", "GET", "HEAD", "PATCH"]))
        answer.headers[.allow] = "DELETE,GET,HEAD,PATCH"
        return answer
    }

    private func insertByID(_ call: RESTCall, _ work: any OrgWork) throws -> RESTAnswer {
        guard call["id"].lowercased() == "id" else {
            var answer = RESTAnswer(OrgError.methodNotAllowed("POST", allowed: ["DELETE", "GET", "HEAD", "PATCH"]))
            answer.headers[.allow] = "DELETE,GET,HEAD,PATCH"
            return answer
        }
        let saved = try work.create(call["object"], try call.fields())
        return RecordResources.created(saved, object: call["object"], call, withFlag: true)
    }

    private func delete(_ call: RESTCall, _ work: any OrgWork) throws -> RESTAnswer {
        guard try work.isKey(call["field"], of: call["object"]) else { throw OrgError.notFound }
        try work.delete(call["object"], try Self.id(call, work))
        return RESTAnswer(status: .noContent)
    }

    private static func id(_ call: RESTCall, _ work: any OrgWork) throws(OrgError) -> String {
        try work.id(of: call["object"], ExternalKey(field: call["field"], value: .string(call["value"])))
    }

    private static func existing(_ call: RESTCall, _ work: any OrgWork) throws(OrgError) -> FoundRecord? {
        do throws(OrgError) {
            return try work.retrieve(call["object"], try id(call, work), fields: ["Id"])
        } catch {
            guard error.status == 404 else { throw error }
            return nil
        }
    }

    private static func tellsUpdates(_ version: String) -> Bool {
        (Double(version) ?? 0) >= 46
    }
}
