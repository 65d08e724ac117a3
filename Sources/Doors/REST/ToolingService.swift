/// What the REST door needs of the org for the Tooling API: objects that describe the org itself (channels and their
/// members, custom objects and fields) instead of its business.
///
/// Names of objects and fields compare without case. A call that throws has changed nothing.
public protocol ToolingService: Sendable {
    /// `GET /tooling/sobjects`
    func toolingDescribeGlobal(context: CallContext) async throws(OrgError) -> JSONValue
    /// `GET /tooling/sobjects/X/describe`
    func toolingDescribe(object: String, context: CallContext) async throws(OrgError) -> JSONValue
    /// The id of the new record; `fields` are the members of the body (`FullName`, `Metadata`).
    func toolingCreate(
        object: String, fields: [JSONValue.Member], context: CallContext
    ) async throws(OrgError) -> String
    func toolingUpdate(
        object: String, id: String, fields: [JSONValue.Member], context: CallContext
    ) async throws(OrgError)
    func toolingDelete(object: String, id: String, context: CallContext) async throws(OrgError)
    /// The record with `attributes`; `fields` nil: all.
    func toolingRetrieve(
        object: String, id: String, fields: [String]?, context: CallContext
    ) async throws(OrgError) -> JSONValue
    /// The whole answer: `size`, `totalSize`, `done`, `queryLocator`, `entityTypeName`, `records`.
    func toolingQuery(_ soql: String, context: CallContext) async throws(OrgError) -> JSONValue
}
