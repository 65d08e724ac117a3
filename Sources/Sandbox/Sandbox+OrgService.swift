import ChangeEvents
public import Doors
import Logging
import Synchronization

extension Sandbox: OrgService {
    public func session(accessToken: String) async throws(OrgError) -> OrgSession {
        guard let session = await usedSession(accessToken) else {
            throw OrgError(status: 401, errorCode: "INVALID_SESSION_ID", message: "Session expired or invalid")
        }
        return session
    }

    public func identityURL(of session: OrgSession) -> String {
        state.withLock { $0.addresses.loginURL } + "/id/\(session.organizationID)/\(session.userID)"
    }

    public func limits(context: CallContext) async throws(OrgError) -> JSONValue {
        let now = configuration.clock()
        let used = state.withLock { $0.usage.used(now: now) }
        return OrgLimits(
            apiVersion: Int(context.apiVersion.prefix { $0 != "." }) ?? 0, apiCallsMax: configuration.apiCallsMax,
            used: used.org,
            apps: organization.clientID.isEmpty
                ? []
                : used.byApp.keys.sorted().map { client in
                    let max = apiCallsMax(ofApp: client)
                    return OrgLimits.App(
                        name: appName(client), max: max ?? 0, used: max == nil ? 0 : used.byApp[client] ?? 0)
                }, events: eventLimits() + (try await bulkLimits())
        ).document
    }
}

extension Sandbox {
    /// One record created in a transaction of its own: the id.
    public func create(
        object: String, fields: [JSONValue.Member], context: CallContext
    ) async throws(OrgError) -> String {
        try await single(context) { try $0.create(object, fields).id }
    }

    public func update(
        object: String, id: String, fields: [JSONValue.Member], context: CallContext
    ) async throws(OrgError) {
        try await single(context) { try $0.update(object, id, fields) }
    }

    public func delete(object: String, id: String, context: CallContext) async throws(OrgError) {
        try await single(context) { try $0.delete(object, id) }
    }

    /// The record with `attributes`; `fields` nil: all.
    public func retrieve(
        object: String, id: String, fields: [String]?, context: CallContext
    ) async throws(OrgError) -> JSONValue {
        try await asOrgError { try await reading(context) { try $0.retrieve(object, id, fields: fields).document } }
    }

    public func describeGlobal(context: CallContext) async throws(OrgError) -> JSONValue {
        Describe(catalogue: catalogue, apiVersion: context.apiVersion).global()
    }

    public func describe(object: String, context: CallContext) async throws(OrgError) -> JSONValue {
        let describe = Describe(catalogue: catalogue, apiVersion: context.apiVersion)
        guard let definition = describe.definition(object) else { throw .objectNotFound() }
        return describe.object(definition)
    }

    private func single<T: Sendable>(
        _ context: CallContext, _ body: @escaping @Sendable (any OrgWork) throws -> T
    ) async throws(OrgError) -> T {
        try await asOrgError { try await writing(context, body) }
    }

    private func asOrgError<T>(_ body: () async throws -> T) async throws(OrgError) -> T {
        do {
            return try await body()
        } catch let error as OrgError {
            throw error
        } catch {
            throw failure(error)
        }
    }

    /// The caller learns that nothing was changed; what went wrong is for the log.
    func failure(_ error: any Error) -> OrgError {
        logger.error("a call failed inside the org", metadata: ["error": "\(error)"])
        return .internalFailure()
    }
}
