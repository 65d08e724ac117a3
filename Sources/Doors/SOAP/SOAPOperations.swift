/// The calls of the SOAP API that work on the org's records: each is one transaction, of which a record that fails is a part
/// that fails alone, unless `AllOrNoneHeader` asks for all or none.
struct SOAPOperations: Sendable {
    /// Runs inside the transaction; answers the content of the response's element.
    typealias Handler = @Sendable (SOAPCall, SOAPFlavour, any OrgWork) throws -> SOAPAnswer

    let records: any RecordService

    private static let reading: [String: Handler] = [
        "query": query, "queryAll": query, "queryMore": queryMore, "retrieve": retrieve, "getUpdated": getUpdated,
        "getDeleted": getDeleted, "describeGlobal": describeGlobal, "describeSObject": describe,
        "describeSObjects": describe,
    ]
    private static let writing: [String: Handler] = [
        "create": create, "update": update, "upsert": upsert, "delete": delete, "undelete": undelete,
        "emptyRecycleBin": emptyRecycleBin, "merge": merge, "convertLead": convertLead,
    ]

    static func knows(_ operation: String) -> Bool { reading[operation] != nil || writing[operation] != nil }

    /// What an operation that failed leaves of its transaction: nothing, but there is an answer.
    private struct Undone: Error {
        var answer: SOAPAnswer
    }

    /// The content of the answer. What is thrown but a `SOAPFault` is our own mistake.
    func answer(_ call: SOAPCall, _ flavour: SOAPFlavour, _ context: CallContext) async throws -> String {
        let operation = call.operation.name
        do {
            if let handler = Self.reading[operation] {
                return try await records.reading(context) { try handler(call, flavour, $0) }.content
            }
            guard let handler = Self.writing[operation] else { throw SOAPFault.unknownOperation(operation) }
            do {
                return try await records.writing(context) { work in
                    let answer = try handler(call, flavour, work)
                    if answer.undoesTransaction { throw Undone(answer: answer) }
                    return answer
                }.content
            } catch let undone as Undone {
                return undone.answer.content
            }
        } catch let error as OrgError {
            throw SOAPFault(error)
        }
    }
}

struct SOAPAnswer: Sendable {
    /// `<result>…</result>`, as often as there are results.
    var content: String
    var undoesTransaction = false
}

// Reading.
extension SOAPOperations {
    private static let retrievedMax = 2_000
    private static let describedMax = 100

    private static func query(_ call: SOAPCall, _ flavour: SOAPFlavour, _ work: any OrgWork) throws -> SOAPAnswer {
        let document = try work.query(
            call.text("queryString") ?? "", includingDeleted: call.operation.name == "queryAll",
            batchSize: call.batchSize)
        var writer = SOAPRecordWriter(flavour, work)
        return SOAPAnswer(content: try writer.page("result", document))
    }

    private static func queryMore(
        _ call: SOAPCall, _ flavour: SOAPFlavour, _ work: any OrgWork
    ) throws -> SOAPAnswer {
        let document = try work.queryMore(call.text("queryLocator") ?? "", batchSize: call.batchSize)
        var writer = SOAPRecordWriter(flavour, work)
        return SOAPAnswer(content: try writer.page("result", document))
    }

    private static func retrieve(_ call: SOAPCall, _ flavour: SOAPFlavour, _ work: any OrgWork) throws -> SOAPAnswer {
        guard let object = call.text("sObjectType") else {
            throw SOAPFault(code: "INVALID_TYPE", message: "sObject type not specified")
        }
        let fields = (call.text("fieldList") ?? "").split(separator: ",").map { String($0.filter { $0 != " " }) }
        guard !fields.isEmpty else { throw SOAPFault(code: "INVALID_FIELD", message: "fieldList names no field") }
        let ids = call.texts("ids")
        try checkCount(ids.count, retrievedMax)
        var writer = SOAPRecordWriter(flavour, work)
        var content = ""
        for id in ids {
            do throws(OrgError) {
                content += try writer.element("result", try work.retrieve(object, id, fields: fields).document)
                if call.updatesRecent { work.viewed(id) }
            } catch {
                // What is not there, or no more, is nil; an unknown object or field is a mistake of the call.
                guard error.status == 404, work.object(ofID: id)?.lowercased() == object.lowercased() else {
                    throw unknownType(error, object)
                }
                content += SOAPWriter.nothing("result")
            }
        }
        return SOAPAnswer(content: content)
    }

    private static func getUpdated(
        _ call: SOAPCall, _ flavour: SOAPFlavour, _ work: any OrgWork
    ) throws -> SOAPAnswer {
        try inWindow(call) { (window) throws(OrgError) in
            try work.updated(window.object, window.start, window.end)
        }
    }

    private static func getDeleted(
        _ call: SOAPCall, _ flavour: SOAPFlavour, _ work: any OrgWork
    ) throws -> SOAPAnswer {
        try inWindow(call) { (window) throws(OrgError) in
            try work.deleted(window.object, window.start, window.end)
        }
    }

    private typealias Window = (object: String, start: String, end: String)

    private static func inWindow(
        _ call: SOAPCall, _ read: (Window) throws(OrgError) -> JSONValue
    ) throws -> SOAPAnswer {
        let window = try window(call)
        let document = try typed(window.object) { () throws(OrgError) in try read(window) }
        return SOAPAnswer(content: SOAPWriter.value("result", document))
    }

    private static func window(_ call: SOAPCall) throws(SOAPFault) -> Window {
        guard let object = call.text("sObjectType"), let start = call.text("startDate"), let end = call.text("endDate")
        else {
            throw SOAPFault(code: "MISSING_ARGUMENT", message: "sObjectType, startDate and endDate must be given")
        }
        return (object, start, end)
    }

    private static func describeGlobal(
        _ call: SOAPCall, _ flavour: SOAPFlavour, _ work: any OrgWork
    ) throws -> SOAPAnswer {
        SOAPAnswer(content: SOAPWriter.value("result", try work.describeGlobal().document))
    }

    private static func describe(_ call: SOAPCall, _ flavour: SOAPFlavour, _ work: any OrgWork) throws -> SOAPAnswer {
        let objects = call.texts("sObjectType")
        try checkCount(objects.count, call.operation.name == "describeSObject" ? 1 : describedMax)
        return SOAPAnswer(
            content: try objects.map { object in
                let document = try typed(object) { () throws(OrgError) in try work.describe(object).document }
                return SOAPWriter.value("result", document)
            }.joined())
    }

    static func checkCount(_ count: Int, _ max: Int) throws(SOAPFault) {
        guard count <= max else {
            throw SOAPFault(
                code: "EXCEEDED_ID_LIMIT",
                message: "record limit reached. cannot submit more than \(max) records into this call")
        }
    }

    /// What REST calls a resource that is not there is a type here.
    static func typed<T>(_ object: String, _ body: () throws(OrgError) -> T) throws(OrgError) -> T {
        do throws(OrgError) {
            return try body()
        } catch {
            throw unknownType(error, object)
        }
    }

    private static func unknownType(_ error: OrgError, _ object: String) -> OrgError {
        guard error.errorCode == "NOT_FOUND" else { return error }
        return .badRequest(
            "INVALID_TYPE",
            "sObject type '\(object)' is not supported. If you are attempting to use a custom object, be sure to append "
                + "the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate "
                + "names.", fields: [])
    }
}
