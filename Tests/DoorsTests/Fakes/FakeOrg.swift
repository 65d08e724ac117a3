import Doors
import Synchronization

/// An org that records what it is asked and answers from memory.
final class FakeOrg: OrgService {
    struct State {
        var calls = 0
        var records: [String: [JSONValue.Member]] = [:]
        var contexts: [CallContext] = []
        var hosts: [String] = []
        var parameters: [[String: String]] = []
        /// Thrown by the next call on a record.
        var failure: OrgError?
    }

    let state = Mutex(State())

    func session(accessToken: String) async throws(OrgError) -> OrgSession {
        guard accessToken == "good!token" else {
            throw OrgError(status: 401, errorCode: "INVALID_SESSION_ID", message: "Session expired or invalid")
        }
        return OrgSession(
            accessToken: accessToken, userID: "005000000000001AAA", username: "a@example.com",
            organizationID: "00D000000000001AAA", clientID: "client")
    }

    func countCall(_ session: OrgSession) async throws(OrgError) -> String {
        state.withLock { state in
            state.calls += 1
            return "api-usage=\(state.calls)/15000"
        }
    }

    private func note(_ context: CallContext) throws(OrgError) {
        let failure = state.withLock { state -> OrgError? in
            state.contexts.append(context)
            defer { state.failure = nil }
            return state.failure
        }
        if let failure { throw failure }
    }

    func create(object: String, fields: [JSONValue.Member], context: CallContext) async throws(OrgError) -> String {
        try note(context)
        state.withLock { $0.records["001000000000001AAA"] = fields }
        return "001000000000001AAA"
    }

    func update(object: String, id: String, fields: [JSONValue.Member], context: CallContext) async throws(OrgError) {
        try note(context)
        state.withLock { $0.records[id] = fields }
    }

    func delete(object: String, id: String, context: CallContext) async throws(OrgError) {
        try note(context)
        guard state.withLock({ $0.records.removeValue(forKey: id) }) != nil else {
            throw OrgError(status: 404, errorCode: "ENTITY_IS_DELETED", message: "entity is deleted")
        }
    }

    func retrieve(
        object: String, id: String, fields: [String]?, context: CallContext
    ) async throws(OrgError) -> JSONValue {
        try note(context)
        guard let record = state.withLock({ $0.records[id] }) else {
            throw OrgError(
                status: 404, errorCode: "NOT_FOUND",
                message: "Provided external ID field does not exist or is not accessible: \(id)")
        }
        return .object(record.filter { fields?.contains($0.name) ?? true })
    }

    func describeGlobal(context: CallContext) async throws(OrgError) -> JSONValue {
        try note(context)
        return .object([.init(name: "encoding", value: .string("UTF-8"))])
    }

    func describe(object: String, context: CallContext) async throws(OrgError) -> JSONValue {
        try note(context)
        return .object([.init(name: "name", value: .string(object)), .init(name: "fields", value: .array([]))])
    }

    func token(parameters: [String: String], host: String) async throws(OAuthError) -> TokenAnswer {
        state.withLock { state in
            state.hosts.append(host)
            state.parameters.append(parameters)
        }
        guard parameters["assertion"] == "a+b=c" else {
            throw OAuthError(error: "invalid_grant", description: "invalid assertion")
        }
        return TokenAnswer(
            accessToken: "good!token", instanceURL: "https://x.my.salesforce.com",
            identityURL: "https://login.salesforce.com/id/00D/005", scope: "api id", issuedAt: 1_667_600_739_962,
            signature: "c2ln")
    }

    func userInfo(accessToken: String) async throws(OAuthError) -> JSONValue {
        guard accessToken == "good!token" else {
            throw OAuthError(status: 403, error: "invalid_token", description: "Bad_OAuth_Token")
        }
        return .object([.init(name: "organization_id", value: .string("00D000000000001AAA"))])
    }
}
