public import AsyncHTTPClient

/// A session of an org, for tools that call its REST API by themselves.
///
/// `description` leaves the token out.
public struct RESTSession: Sendable, CustomStringConvertible {
    /// `https://mydomain.my.salesforce.com`, without a slash at the end.
    public var instanceURL: String
    /// Secret: never logged.
    public var accessToken: String

    public init(instanceURL: String, accessToken: String) {
        self.instanceURL = instanceURL.hasSuffix("/") ? String(instanceURL.dropLast()) : instanceURL
        self.accessToken = accessToken
    }

    public var description: String { "session at \(instanceURL)" }
}

extension OrgConnection {
    /// Logs in once. Throws `UpstreamError` (`configuration`, `loginRefused`, `loginFailed`), or `CancellationError`.
    public func logIn(with http: HTTPClient, deadline: Duration = .seconds(30)) async throws -> RESTSession {
        try validate()
        let session = try await JWTBearerLogin(login: login, http: http, deadline: deadline).session(serial: 1)
        return RESTSession(instanceURL: session.instanceURL, accessToken: session.accessToken)
    }

    /// An HTTP client that trusts what the connection trusts. Its owner shuts it down.
    /// - Parameters:
    ///   - connectionsMax: where the org speaks HTTP/1.1, so many calls are under way at the same time; others wait.
    ///   - callDeadline: how long an answer may stand still.
    public func httpClient(connectionsMax: Int, callDeadline: Duration = .seconds(30)) -> HTTPClient {
        var configuration = OrgServices.httpConfiguration(self, callDeadline: callDeadline)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connectionsMax
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }
}
