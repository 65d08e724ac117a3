import CSV
import ChangeEvents
import HTTPTypes
import Store
import TestSupport
import Testing
import Twin

@testable import Doors
@testable import Sandbox

/// An operation of a composite request.
struct ModelPart: Sendable {
    var operation: ModelOperation
    /// The number of an earlier part whose new account owns this one's new record.
    var parent: Int?
}

extension ModelOperation {
    /// A new record that belongs to an account.
    func owned(by account: RecordID) -> ModelOperation {
        guard case .create(let object, var fields) = self else { return self }
        fields[Self.ownerField(of: object)] = .string(account.string)
        return .create(object: object, fields: fields)
    }

    static func ownerField(of object: String) -> String { object == "Contact" ? "AccountId" : "Account__c" }
}

/// Composite requests, through the door's own dispatcher.
extension ModelRun {
    mutating func composite() async throws {
        let allOrNone = maker.random.chance(0.4)
        var parts = (0..<maker.random.int(1..<7)).map { _ in ModelPart(operation: maker.recordCall(model)) }
        if maker.random.chance(0.7) {
            // A family: children refer to what is not there yet.
            parts.insert(ModelPart(operation: maker.create("Account", model)), at: 0)
            for object in ["Contact", "Ticket__c"] where maker.random.chance(0.7) {
                parts.append(ModelPart(operation: maker.create(object, model), parent: 0))
            }
        }
        let documents = parts.enumerated().map { number, part in document(part, number) }
        let body = JSONValue.members(("allOrNone", .boolean(allOrNone)), ("compositeRequest", .array(documents)))
        let answer = try await dispatched(body)
        let answers = try #require(JSONObject(answer)?.array("compositeResponse")?.compactMap { JSONObject($0) })
        #expect(answers.count == parts.count)
        let outcomes = zip(parts, answers).map { outcome($0.0, $0.1) }
        if allOrNone, outcomes.contains(where: { $0.isRefused }) {
            #expect(outcomes.allSatisfy { $0.isRefused }, "one was refused, and others were done")
            return checkRefused(parts, .composite)
        }
        for (part, outcome) in zip(parts, outcomes) {
            guard let parent = part.parent else {
                check(part.operation, outcome, .composite)
                continue
            }
            switch outcomes[parent] {
            case .done(let id): check(part.operation.owned(by: id), outcome, .composite)
            case .refused: #expect(outcome.isRefused, "a child without its parent")
            }
        }
    }

    private func dispatched(_ body: JSONValue) async throws -> JSONValue {
        var routes = RESTRoutes()
        let families: [any RESTFamily] = [RecordResources(), ExternalIDResources(), CompositeResources()]
        for family in families { family.add(to: &routes) }
        let call = RESTCall(
            method: "POST", path: ["composite"], query: [], headers: [:], context: org.context,
            dispatcher: RESTDispatcher(records: org.sandbox, routes: routes), document: body)
        let answer = try await call.dispatcher.answer(call)
        #expect(answer.status.code == 200)
        return answer.document
    }

    private func document(_ part: ModelPart, _ number: Int) -> JSONValue {
        var method = "PATCH"
        var path: String
        var fields: [String: FieldValue]?
        switch part.operation {
        case .create(let object, let given):
            method = "POST"
            path = object
            fields = given
        case .update(let id, let given):
            path = "\(object(of: id))/\(id)"
            fields = given
        case .upsert(let key, let given):
            path = "Account/\(OrgModel.keyField)/\(key)"
            fields = given
        case .delete(let id):
            method = "DELETE"
            path = "\(object(of: id))/\(id)"
        case .undelete, .purge, .merge:
            preconditionFailure("the REST API has no \(part.operation)")
        }
        var members: [(String, JSONValue)] = (fields ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) }
        if let parent = part.parent, case .create(let object, _) = part.operation {
            let name = ModelOperation.ownerField(of: object)
            members.removeAll { $0.0 == name }
            members.append((name, .string("@{part\(parent).id}")))
        }
        var document: [JSONValue.Member] = [
            .init(name: "method", value: .string(method)),
            .init(name: "url", value: .string("/services/data/v66.0/sobjects/" + path)),
            .init(name: "referenceId", value: .string("part\(number)")),
        ]
        if fields != nil {
            document.append(.init(name: "body", value: .object(members.map { .init(name: $0.0, value: $0.1) })))
        }
        return .object(document)
    }

    private func object(of id: RecordID) -> String { org.sandbox.catalogue.object(ofRecord: id)?.name ?? "" }

    private func outcome(_ part: ModelPart, _ answer: JSONObject) -> Outcome {
        guard case .number(let status) = answer["httpStatusCode"], let code = Int(status), code < 300 else {
            return .refused(OrgError(status: 400, errorCode: "PART", message: "\(String(describing: answer["body"]))"))
        }
        switch part.operation {
        case .update(let id, _), .delete(let id): return .done(id)
        case .create, .upsert, .undelete, .purge, .merge:
            guard let id = JSONObject(answer["body"])?.text("id").flatMap({ RecordID($0) }) else {
                Issue.record("a part that was done does not tell its id")
                return .done(.empty)
            }
            return .done(id)
        }
    }
}

/// Bulk jobs, of which each row stands for itself.
extension ModelRun {
    mutating func bulk() async throws {
        let object = maker.random.pick(["Account", "Contact", "Ticket__c"])
        let count = maker.random.int(1..<20)
        // Each once: a row for a record that an earlier row of its chunk has named is refused whatever it says.
        let ids = (model.ids(of: object) + (maker.random.chance(0.3) ? model.ids(of: object, deleted: true) : []))
            .shuffled(using: &maker.random)
        let operation: BulkOperation
        let rows: [ModelOperation]
        switch maker.random.int(0..<10) {
        case 0..<3:
            operation = .insert
            rows = (0..<count).map { _ in maker.create(object, model) }
        case 3..<6 where !ids.isEmpty:
            operation = .update
            rows = ids.prefix(count).map { maker.update($0, model) }
        case 6 where !ids.isEmpty:
            operation = .delete
            rows = ids.prefix(min(count, 4)).map { .delete($0) }
        case 7 where !ids.isEmpty:
            operation = .hardDelete
            rows = ids.prefix(min(count, 2)).map { .purge($0) }
        default:
            operation = .upsert
            var keys: Set<String> = []
            rows = (0..<count).map { _ in maker.upsert(model) }.filter { operation in
                guard case .upsert(let key, _) = operation else { return true }
                return keys.insert(key.lowercased()).inserted
            }
        }
        let isUpsert = operation == .upsert
        let job = try await org.ingest(
            isUpsert ? "Account" : object, operation, text(rows), externalID: isUpsert ? OrgModel.keyField : nil)
        #expect(job.state == .jobComplete)
        #expect(job.recordsProcessed == rows.count)
        let outcomes = try await org.sandbox.twin.store.read { reader -> [BulkOutcome] in
            let part = try #require(try BulkState.part(0, of: job.id, reader))
            return try (0..<(part.ingest?.chunks ?? 0)).flatMap {
                try BulkState.outcomes(chunk: $0, part: 0, of: job.id, reader)
            }
        }
        #expect(outcomes.count == rows.count)
        for (operation, outcome) in zip(rows, outcomes) {
            switch outcome {
            case .done(let id, _): check(operation, .done(try #require(RecordID(id))), .bulk)
            case .failed(_, let error): check(operation, .refused(error), .bulk)
            }
        }
    }

    /// The rows as CSV. A cell that is empty says nothing of its field; a null is `#N/A`.
    private func text(_ rows: [ModelOperation]) -> String {
        let contents = rows.map { operation -> [String: FieldValue] in
            switch operation {
            case .create(_, let fields): fields
            case .update(let id, let fields): fields.merging(["Id": .string(id.string)]) { $1 }
            case .upsert(let key, let fields): fields.merging([OrgModel.keyField: .string(key)]) { $1 }
            case .delete(let id), .purge(let id): ["Id": .string(id.string)]
            case .undelete, .merge: preconditionFailure("no bulk job does \(operation)")
            }
        }
        let columns = Set(contents.flatMap(\.keys)).sorted()
        let lines = contents.map { fields in
            columns.map { column in fields[column].map(\.cell) ?? "" }.joined(separator: ",")
        }
        return ([columns.joined(separator: ",")] + lines).joined(separator: "\n") + "\n"
    }
}

extension Outcome {
    fileprivate var isRefused: Bool {
        if case .refused = self { true } else { false }
    }
}

extension FieldValue {
    fileprivate var json: JSONValue {
        switch self {
        case .null: .null
        case .boolean(let flag): .boolean(flag)
        case .integer(let number): .number(String(number))
        case .double(let number): .number(String(number))
        case .string(let text): .string(text)
        case .date, .dateTime, .time, .list: preconditionFailure("the model has no such values")
        }
    }

    fileprivate var cell: String {
        switch self {
        case .null: "#N/A"
        case .integer(let number): String(number)
        case .double(let number): String(number)
        case .string(let text): "\"" + text.replacing("\"", with: "\"\"") + "\""
        case .boolean, .date, .dateTime, .time, .list: preconditionFailure("the model has no such values")
        }
    }
}
