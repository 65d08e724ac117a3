internal import HTTPTypes

/// `/sobjects/X/{id}/{relationship}`: a record's parent, or its children. The paths have the form of external ids:
/// `ExternalIDResources` brings them here.
enum RelationshipResources {
    /// A parent is answered as a row, children as a query's page.
    static func follow(
        _ name: String, of object: String, _ id: String, _ call: RESTCall, _ work: any OrgWork
    ) throws -> RESTAnswer {
        guard let relationship = try work.relationship(name, of: object, id) else { throw OrgError.notFound }
        switch relationship {
        case .parent(_, nil):
            throw OrgError.notFound
        case .parent(let parent, let parentID?):
            return try RecordResources.answer(
                try work.retrieve(parent, parentID, fields: call.list("fields")), to: call)
        case .children(let child, let field):
            let fields = call.list("fields") ?? []
            let names = fields.isEmpty ? try columns(of: child, work) : fields
            guard names.allSatisfy(isName) else {
                throw OrgError.badRequest("INVALID_FIELD", "A field's name has letters, digits and underscores only.")
            }
            let query = "SELECT \(names.joined(separator: ", ")) FROM \(child) WHERE \(field) = '\(id)'"
            return RESTAnswer(
                try work.query(query, includingDeleted: false, batchSize: QueryResources.batchSize(call)))
        }
    }

    /// Changing a parent through its child's path.
    static func update(
        _ name: String, of object: String, _ id: String, _ call: RESTCall, _ work: any OrgWork
    ) throws -> RESTAnswer {
        guard case .parent(let parent, let parentID?) = try work.relationship(name, of: object, id) else {
            throw OrgError.notFound
        }
        try work.update(parent, parentID, try call.fields())
        return RESTAnswer(status: .noContent)
    }

    /// Every field that a query can name.
    private static func columns(of object: String, _ work: any OrgWork) throws(OrgError) -> [String] {
        let description = JSONObject(try work.describe(object).document)
        return (description?.array("fields") ?? []).compactMap { JSONObject($0)?.text("name") }
    }

    static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "_")
                    || $0 == UInt8(ascii: ".")
            }
    }
}
