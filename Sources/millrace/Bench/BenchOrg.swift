import AsyncHTTPClient
import Upstream

/// The org that changes are made in.
enum BenchOrg {
    enum Login: Sendable {
        case connection(OrgConnection)
        case session(RESTSession)
    }

    struct Publishing: Sendable {
        var perSecond: Double
        var fields: [String: FieldLiteral]
        var login: Login
    }

    /// Logs in where something is to be published, calls `body`, and disconnects. Throws `UpstreamError` where the org refuses,
    /// and what `body` throws.
    static func withPublisher(_ publishing: Publishing?, _ body: (Publisher?) async throws -> Void) async throws {
        guard let publishing else { return try await body(nil) }
        let http = httpClient(for: publishing.login)
        do {
            let session: RESTSession =
                switch publishing.login {
                case .connection(let org): try await org.logIn(with: http)
                case .session(let session): session
                }
            try await body(
                Publisher(session: session, http: http, perSecond: publishing.perSecond, fields: publishing.fields))
        } catch {
            // What went wrong first is what is told.
            try? await http.shutdown()
            throw error
        }
        try await http.shutdown()
    }

    private static func httpClient(for login: Login) -> HTTPClient {
        switch login {
        case .connection(let org): return org.httpClient(connectionsMax: Publisher.callersMax)
        case .session:
            // A session's token goes to its org and nowhere else. A call's own timeout ends with the answer's head.
            var configuration = HTTPClient.Configuration(
                redirectConfiguration: .disallow, timeout: .init(read: Publisher.callTimeout))
            configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Publisher.callersMax
            return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        }
    }
}
