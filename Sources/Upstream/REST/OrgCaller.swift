import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL

/// Makes calls to the org: asks the budget, brings the token, keeps the deadlines, and follows the `RetryPlan`.
///
/// Shared by all copies of an `OrgAPI`. Safe from any thread.
final class OrgCaller: Sendable {
    /// What an error may be long: it is read to be shown.
    private static let errorBytesMax = 64 << 10

    let budget: APIBudget
    let configuration: OrgAPI.Configuration
    private let login: OrgLogin
    private let http: HTTPClient
    private let logger: Logger

    init(login: OrgLogin, budget: APIBudget, configuration: OrgAPI.Configuration, logger: Logger) {
        self.login = login
        self.budget = budget
        self.configuration = configuration
        self.logger = logger
        // Errors, redirects and reconnecting are as with the login; only how long an answer may stand still differs.
        var http = OrgServices.httpConfiguration(login.org, callDeadline: configuration.timing.silenceMax)
        http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = configuration.connectionsMax
        self.http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: http)
    }

    func shutdown() async {
        do {
            try await http.shutdown()
        } catch {
            logger.warning("the HTTP client did not shut down", metadata: [LogKey.error: "\(error)"])
        }
    }

    var timing: OrgAPI.Timing { configuration.timing }

    /// One call, its answer read as a whole.
    func answer(_ call: OrgCall, for purpose: CallPurpose) async throws -> OrgAnswer {
        var plan = RetryPlan(timing: timing, isRepeatable: call.isRepeatable)
        while true {
            if let answer = try await attempt(call, for: purpose, &plan, read: { try await self.whole($0, call) }) {
                return answer
            }
        }
    }

    /// Opens an answer that is then read piece by piece: its head has come and says success. What fails behind it is the
    /// caller's to go on with, by the same plan.
    func open(_ call: OrgCall, for purpose: CallPurpose, _ plan: inout RetryPlan) async throws -> HTTPClientResponse {
        while true {
            if let response = try await attempt(call, for: purpose, &plan, read: { try await self.head($0, call) }) {
                return response
            }
        }
    }

    /// Waits as the plan says, or throws what it says is final.
    func follow(_ plan: inout RetryPlan, _ error: OrgAPIError, _ call: OrgCall) async throws {
        switch plan.next(after: error, jitter: configuration.randomness()) {
        case .renewToken: return
        case .fail: throw error
        case .pause(let pause):
            logger.warning(
                "a call to the org failed and is made again",
                metadata: [
                    LogKey.error: "\(error)", LogKey.delay: "\(pause)",
                    LogKey.call: "\(call.method) \(Self.path(call))",
                ])
            try await login.time.sleep(for: pause)
        }
    }

    /// Nil: it has failed, the pause is over, and it may be tried again.
    private func attempt<Result: Sendable>(
        _ call: OrgCall, for purpose: CallPurpose, _ plan: inout RetryPlan,
        read: @escaping @Sendable (Session) async throws -> Result
    ) async throws -> Result? {
        try Task.checkCancellation()
        do {
            let session = try await session()
            try budget.admit(purpose)
            do {
                return try await within(call.deadline) { try await read(session) }
            } catch let error as OrgAPIError where error.code == .sessionRefused {
                login.tokens.reject(session)
                throw error
            }
        } catch let error as OrgAPIError {
            if error.code == .limitExceeded { budget.refusedByOrg() }
            try await follow(&plan, error, call)
            return nil
        }
    }

    /// A login that did not come about this time is a failure of the call like any other.
    private func session() async throws -> Session {
        let session: Session
        do {
            session = try await login.tokens.session()
        } catch let error as UpstreamError where error.code == .loginFailed {
            throw OrgAPIError(.unavailable, error.message, errorCode: error.reason, cause: error)
        }
        guard session.instanceURL.hasPrefix("https://") || login.org.usesPlaintext else {
            throw OrgAPIError(.redirected, "The org's instance URL is not https://: the token is not sent there.")
        }
        return session
    }

    @Sendable
    private func whole(_ session: Session, _ call: OrgCall) async throws -> OrgAnswer {
        let response = try await head(session, call)
        let body: ByteBuffer
        do {
            body = try await response.body.collect(upTo: configuration.answerBytesMax)
        } catch is NIOTooManyBytesError {
            throw OrgAPIError(
                .answerTooLarge, "The org's answer has more than \(configuration.answerBytesMax) bytes.",
                status: Int(response.status.code))
        } catch {
            throw try Self.broken(error)
        }
        let answer = OrgAnswer(status: Int(response.status.code), headers: response.headers, body: body)
        try call.check?(answer, session.accessToken)
        return answer
    }

    @Sendable
    private func head(_ session: Session, _ call: OrgCall) async throws -> HTTPClientResponse {
        let base = session.instanceURL.hasSuffix("/") ? String(session.instanceURL.dropLast()) : session.instanceURL
        var request = HTTPClientRequest(url: base + call.target)
        request.method = call.method
        request.headers.add(name: "authorization", value: "Bearer \(session.accessToken)")
        request.headers.add(name: "sforce-call-options", value: OrgAPI.callOptions)
        for (name, value) in call.headers { request.headers.add(name: name, value: value) }
        if !request.headers.contains(name: "accept") { request.headers.add(name: "accept", value: "application/json") }
        if let body = call.body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(body)
        }
        let response: HTTPClientResponse
        do {
            response = try await http.execute(request, timeout: TimeAmount(call.deadline))
        } catch {
            throw try Self.broken(error)
        }
        if let info = response.headers.first(name: "sforce-limit-info") { budget.record(LimitInfo(header: info)) }
        let status = Int(response.status.code)
        if (200..<300).contains(status) || call.accepted.contains(status) { return response }
        // An error whose text does not come is still an error.
        let body = (try? await response.body.collect(upTo: Self.errorBytesMax)) ?? ByteBuffer()
        try Task.checkCancellation()
        var error = OrgAPIError.answer(status: status, body: body, secret: session.accessToken)
        if error.code == .redirected {
            error.message = "The org answers with a redirect, which is not followed."
        }
        error.retryAfter = response.headers.first(name: "retry-after").flatMap { Int64($0) }.map {
            .seconds(max(0, $0))
        }
        throw error
    }

    /// What the HTTP client says when there is no answer, or not all of it. Its errors hold no header.
    static func broken(_ error: any Error) throws -> OrgAPIError {
        if let error = error as? OrgAPIError { return error }
        try Task.checkCancellation()
        if error is CancellationError { throw error }
        if let error = error as? HTTPClientError {
            switch error {
            case .deadlineExceeded, .readTimeout, .connectTimeout, .writeTimeout, .getConnectionFromPoolTimeout:
                return OrgAPIError(.timedOut, "The org does not answer in time.", cause: error)
            default: break
            }
        }
        return OrgAPIError(.unavailable, "The connection to the org is broken: \(error).", cause: error)
    }

    /// Also bounds what the HTTP client does not: a body that comes drop by drop.
    private func within<Result: Sendable>(
        _ deadline: Duration, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let time = login.time
        return try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await time.sleep(for: deadline)
                throw OrgAPIError(.timedOut, "The org has not answered within \(deadline).")
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }

    func sleep(for duration: Duration) async throws { try await login.time.sleep(for: duration) }

    var now: Duration { login.time.now }

    /// For the log: a query may hold what people have typed.
    private static func path(_ call: OrgCall) -> Substring { call.target.prefix { $0 != "?" } }
}
