import AsyncHTTPClient
public import Logging

/// The login to an org: one token for everybody who calls it, event streams and REST alike.
///
/// Whoever wants both makes one of these and gives it to `Upstream.Configuration.login` and to `OrgAPI`; ten callers that
/// are refused together then make one login. Logs in when the first call needs it. Its owner shuts it down after its last
/// user. Safe from any thread.
public final class OrgLogin: Sendable {
    public let org: OrgConnection
    let tokens: TokenSource
    let time: Timekeeper
    private let http: HTTPClient
    private let logger: Logger

    /// Throws `UpstreamError(.configuration)`. To be shut down.
    public convenience init(
        _ org: OrgConnection, timing: Upstream.Timing = Upstream.Timing(),
        clock: any Clock<Duration> = ContinuousClock(), logger: Logger
    ) throws(UpstreamError) {
        try self.init(org, timing: timing, time: Timekeeper(clock), logger: logger)
    }

    init(_ org: OrgConnection, timing: Upstream.Timing, time: Timekeeper, logger: Logger) throws(UpstreamError) {
        try org.validate()
        let key = try JWTBearerLogin.key(of: org.login)
        let http = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: OrgServices.httpConfiguration(org, callDeadline: timing.callDeadline))
        let login = JWTBearerLogin(login: org.login, key: key, http: http, deadline: timing.callDeadline)
        self.org = org
        self.time = time
        self.http = http
        self.logger = logger
        tokens = TokenSource(failureHold: timing.loginFailureHold, time: time, logger: logger) { serial in
            try await login.session(serial: serial)
        }
    }

    /// Ends logins under way; nobody may ask for one afterwards.
    public func shutdown() async {
        do {
            try await http.shutdown()
        } catch {
            logger.warning("the HTTP client did not shut down", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// Calls `body` with a login and shuts it down whatever happens. Throws `UpstreamError(.configuration)`, and what
    /// `body` throws.
    public static func with<Result: Sendable>(
        _ org: OrgConnection, timing: Upstream.Timing = Upstream.Timing(),
        clock: any Clock<Duration> = ContinuousClock(), logger: Logger, _ body: (OrgLogin) async throws -> Result
    ) async throws -> Result {
        try await with(org, timing: timing, time: Timekeeper(clock), logger: logger, body)
    }

    static func with<Result: Sendable>(
        _ org: OrgConnection, timing: Upstream.Timing, time: Timekeeper, logger: Logger,
        _ body: (OrgLogin) async throws -> Result
    ) async throws -> Result {
        let login = try OrgLogin(org, timing: timing, time: time, logger: logger)
        do {
            let result = try await body(login)
            await login.shutdown()
            return result
        } catch {
            await login.shutdown()
            throw error
        }
    }
}
