import ChangeEvents
public import Doors
import Logging
import SOQL

extension Sandbox {
    /// A query on one object of the Tooling API, planned like all others. `FullName` can be asked for as in an org;
    /// `Metadata` cannot.
    public func toolingQuery(_ soql: String, context: CallContext) async throws(OrgError) -> JSONValue {
        guard let name = Query.objectName(in: soql) else {
            throw OrgError(status: 400, errorCode: "MALFORMED_QUERY", message: "unexpected token: <EOF>")
        }
        let object: any ToolingObject
        do throws(OrgError) {
            object = try toolingObject(name)
        } catch {
            throw OrgError(
                status: 400, errorCode: "INVALID_TYPE", message: "sObject type '\(name)' is not supported.")
        }
        let rows = try await object.rows(in: self)
        let definition = Self.queried(object.definition)
        let page: QueryPage
        do {
            page = try query(
                soql,
                over: [
                    (
                        definition,
                        rows.map { row in
                            var values = row.values
                            values["FullName"] = row.fullName.map { .string($0) } ?? .null
                            return ComputedRow(id: row.id, values: values)
                        }
                    )
                ], context: context)
        } catch let error as OrgError {
            throw error
        } catch {
            logger.error("a tooling query failed inside the org", metadata: ["error": "\(error)"])
            throw .internalFailure()
        }
        return .object([
            .init(name: "size", value: .number(String(page.records.count))),
            .init(name: "totalSize", value: .number(String(page.totalSize))),
            .init(name: "done", value: .boolean(true)), .init(name: "queryLocator", value: .null),
            .init(name: "entityTypeName", value: .string(object.name)),
            .init(name: "records", value: .array(page.records.map(Self.asTooling))),
        ])
    }

    private static func queried(_ definition: ObjectDefinition) -> ObjectDefinition {
        guard definition.field("FullName") == nil else { return definition }
        return ObjectDefinition(
            name: definition.name, label: definition.label, labelPlural: definition.labelPlural,
            keyPrefix: definition.keyPrefix, isWritable: false, isCapturable: false,
            fields: definition.fields + [.text("FullName", "Full Name", 255)])
    }
}
