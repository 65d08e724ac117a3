internal import HTTPTypes

/// `/composite/tree/X`: records with their children, created together or not at all.
struct TreeResources: RESTFamily {
    static let recordsMax = 200
    static let objectsMax = 5
    static let levelsMax = 5

    func add(to routes: inout RESTRoutes) {
        routes.records("POST", "composite/tree/{object}", .writing, isComposable: false, create)
    }

    /// One record of the tree, with the field that will point at its parent.
    private struct Node {
        var object: String
        var reference: String
        var fields: [JSONValue.Member]
        var parentField: String?
        /// Index of the parent; it stands before.
        var parent: Int?
    }

    private func create(_ call: RESTCall, _ work: any OrgWork) throws -> RESTAnswer {
        guard let records = try call.body().array("records"), !records.isEmpty else {
            throw OrgError.badInput("records must be an array of records")
        }
        var nodes: [Node] = []
        for record in records {
            try Self.gather(record, object: call["object"], field: nil, parent: nil, level: 1, work, &nodes)
        }
        try Self.check(nodes)
        var ids: [String?] = []
        var results: [JSONValue] = []
        var failures: [JSONValue] = []
        for node in nodes {
            var fields = node.fields
            if let parent = node.parent, let field = node.parentField {
                guard let id = ids[parent] else {
                    ids.append(nil)
                    continue
                }
                fields.append(.init(name: field, value: .string(id)))
            }
            do throws(OrgError) {
                let saved = try work.create(node.object, fields)
                ids.append(saved.id)
                results.append(.members(("referenceId", .string(node.reference)), ("id", .string(saved.id))))
            } catch {
                ids.append(nil)
                failures.append(
                    .members(
                        ("referenceId", .string(node.reference)), ("errors", .array([SaveDocument.error(error)]))))
            }
        }
        guard !failures.isEmpty else {
            return RESTAnswer(.members(("hasErrors", .boolean(false)), ("results", .array(results))), status: .created)
        }
        var answer = RESTAnswer(
            .members(("hasErrors", .boolean(true)), ("results", .array(failures))), status: .badRequest)
        answer.undoesTransaction = true
        return answer
    }

    private static func gather(
        _ value: JSONValue, object: String, field: String?, parent: Int?, level: Int, _ work: any OrgWork,
        _ nodes: inout [Node]
    ) throws(OrgError) {
        guard level <= levelsMax else {
            throw .badRequest("LIMIT_EXCEEDED", "A tree may have \(levelsMax) levels.")
        }
        guard let record = JSONObject(value), let attributes = JSONObject(record["attributes"]),
            let type = attributes.text("type"), let reference = attributes.text("referenceId"), !reference.isEmpty
        else { throw .badInput("every record needs attributes with a type and a referenceId") }
        guard type.lowercased() == object.lowercased() else {
            throw .badInput("The record \(reference) is of \(type) where one of \(object) is expected.")
        }
        let own = nodes.count
        nodes.append(Node(object: type, reference: reference, fields: [], parentField: field, parent: parent))
        guard nodes.count <= recordsMax else {
            throw .badRequest("LIMIT_EXCEEDED", "A tree may have \(recordsMax) records.")
        }
        for member in record.members where member.name != "attributes" {
            guard let children = JSONObject(member.value)?.array("records") else {
                nodes[own].fields.append(member)
                continue
            }
            guard let child = try work.childReference(member.name, of: type) else {
                throw .badRequest("INVALID_FIELD", "\(type) has no child relationship \(member.name)")
            }
            for value in children {
                try gather(
                    value, object: child.object, field: child.field, parent: own, level: level + 1, work, &nodes)
            }
        }
    }

    private static func check(_ nodes: [Node]) throws(OrgError) {
        var references: Set<String> = []
        for node in nodes {
            guard references.insert(node.reference).inserted else {
                throw .badRequest("INVALID_INPUT", "Duplicate ReferenceId provided: \(node.reference)")
            }
        }
        guard Set(nodes.map { $0.object.lowercased() }).count <= objectsMax else {
            throw .badRequest("LIMIT_EXCEEDED", "A tree may have records of \(objectsMax) objects.")
        }
    }
}
