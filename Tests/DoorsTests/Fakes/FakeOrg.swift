import Doors
import Synchronization

/// An org that records what it is asked and answers from memory.
final class FakeOrg: OrgService, RecordService {
    struct State {
        var calls = 0
        var created = 0
        var records: [String: [JSONValue.Member]] = [:]
        var contexts: [CallContext] = []
        var hosts: [String] = []
        var parameters: [[String: String]] = []
        /// Thrown by the next call on a record.
        var failure: OrgError?
        var recorded: [APICall] = []
        var rollbacks = 0
        var queries: [String] = []
        var viewed: [String] = []
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

    func countCall(_ session: OrgSession, requestID: String) async throws(OrgError) -> String {
        state.withLock { state in
            state.calls += 1
            return "api-usage=\(state.calls)/15000"
        }
    }

    func record(_ call: APICall) {
        state.withLock { $0.recorded.append(call) }
    }

    func identityURL(of session: OrgSession) -> String { "https://login.salesforce.com/id/00D/005" }

    func limits(context: CallContext) async throws(OrgError) -> JSONValue {
        .object([.init(name: "DailyApiRequests", value: .object([.init(name: "Max", value: .number("15000"))]))])
    }

    func reading<T: Sendable>(
        _ context: CallContext, _ body: @escaping @Sendable (any OrgWork) throws -> T
    ) async throws -> T {
        try body(FakeWork(org: self, context: context))
    }

    func writing<T: Sendable>(
        _ context: CallContext, _ body: @escaping @Sendable (any OrgWork) throws -> T
    ) async throws -> T {
        let before = state.withLock { $0.records }
        do {
            return try body(FakeWork(org: self, context: context))
        } catch {
            state.withLock { state in
                state.records = before
                state.rollbacks += 1
            }
            throw error
        }
    }

}

/// Of the OAuth endpoints, those that one request shows.
extension FakeOrg: OAuthService {
    func token(_ request: OAuthRequest) async throws(OAuthError) -> TokenAnswer {
        state.withLock { state in
            state.hosts.append(request.host)
            state.parameters.append(request.parameters)
        }
        guard request["assertion"] == "a+b=c" else {
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

    func introspect(_ request: OAuthRequest) async throws(OAuthError) -> JSONValue {
        .object([.init(name: "active", value: .boolean(request["token"] == "good!token"))])
    }

    func revoke(token: String) async throws(OAuthError) {
        guard token == "good!token" else { throw OAuthError(error: "invalid_token", description: "invalid token") }
    }

    func identity(
        organizationID: String, userID: String, accessToken: String?
    ) async throws(OAuthError) -> JSONValue {
        guard accessToken == "good!token" else {
            throw OAuthError(status: 403, error: "invalid_token", description: "Bad_OAuth_Token")
        }
        return .object([.init(name: "user_id", value: .string(userID))])
    }

    func discovery(authority: String) -> JSONValue { .object([.init(name: "issuer", value: .string(authority))]) }

    func keys() async throws(OAuthError) -> JSONValue { .object([.init(name: "keys", value: .array([]))]) }

    func authorizationPrompt(
        _ request: AuthorizationRequest
    ) throws(AuthorizationRefusal) -> AuthorizationPrompt {
        guard request["client_id"] == "app" else {
            throw .show(OAuthError(error: "invalid_client_id", description: "client identifier invalid"))
        }
        return AuthorizationPrompt(organizationName: "Org & Sons", applicationName: "<App>", scopes: ["api"])
    }

    func authorize(
        _ request: AuthorizationRequest, username: String, password: String
    ) async throws(AuthorizationRefusal) -> String {
        guard password == "right" else { throw .login(message: "Please check your username and password.") }
        return "https://app.example/back?code=1"
    }
}
