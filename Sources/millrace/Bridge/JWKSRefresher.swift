import AsyncHTTPClient
import Doors
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// Where the keys that check tokens come from, and where they are put.
struct IssuerKeys: Sendable {
    /// Checked by the configuration: https, or http on this machine.
    var url: String
    var keys: TokenKeys
}

/// Keeps the keys that check push tokens as the issuer publishes them (`push.tokens.jwks_url`).
///
/// Fetches at start, every ten minutes, and when a token names a key that is not known. A fetch that fails, or brings
/// what is no key set, leaves the last good set in place, however long that lasts: an issuer that is down does not take
/// the gateway with it. Before the first set no token is accepted and the process is not ready.
final class JWKSRefresher: Sendable {
    /// For a whole fetch, name lookup to last byte.
    static let fetchTimeout = Duration.seconds(10)

    private struct State {
        var failure: String?
        var fetchedAt: ContinuousClock.Instant?
    }

    private let issuer: IssuerKeys
    private let timing: RefreshSchedule.Timing
    private let timeout: Duration
    private let logger: Logger
    private let fetches: Counter
    private let failures: Counter
    private let state = Mutex(State())

    init(
        _ issuer: IssuerKeys, timing: RefreshSchedule.Timing = .init(), timeout: Duration = fetchTimeout,
        metrics: MetricsRegistry, logger: Logger
    ) {
        self.issuer = issuer
        self.timing = timing
        self.timeout = timeout
        self.logger = logger
        fetches = metrics.counter(
            "millrace_token_keys_fetches_total", help: "How often the issuer's keys were asked for.")
        failures = metrics.counter(
            "millrace_token_keys_failures_total", help: "Fetches of the issuer's keys that brought no usable set.")
        metrics.collect { [keys = issuer.keys] writer in
            writer.gauge(
                "millrace_token_keys", help: "Keys of the issuer that tokens are checked with; 0: none is accepted.",
                value: keys.current?.count ?? 0)
        }
    }

    /// What `/ready` says. A set that could not be refreshed is still one.
    var status: OperationsDoor.Status {
        let state = state.withLock { $0 }
        guard let set = issuer.keys.current, let fetchedAt = state.fetchedAt else {
            return .init(
                isReady: false, detail: "not ready: " + (state.failure ?? "the issuer's keys are being fetched"))
        }
        let age = (ContinuousClock.now - fetchedAt).components.seconds
        var detail = "\(set.count) of the issuer's keys, fetched \(age) s ago"
        if let failure = state.failure { detail += "; not refreshed since: \(failure)" }
        return .init(isReady: true, detail: detail)
    }

    /// Until the task is cancelled, which ends a fetch in flight and throws `CancellationError`; the last good set stays.
    /// There is nothing to finish gracefully: stopping is cancelling.
    func run() async throws {
        // What the address says is where the keys are: a redirect could name a place nobody has configured.
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.connectionPool.retryConnectionEstablishment = false
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            try await refresh(with: http)
        } catch {
            do {
                try await http.shutdown()
            } catch let second {
                logger.warning("the HTTP client did not shut down", metadata: [LogKey.error: "\(second)"])
            }
            throw error
        }
    }

    private func refresh(with http: HTTPClient) async throws -> Never {
        var schedule = RefreshSchedule(timing: timing, now: .now)
        while true {
            do {
                let set = try await fetch(with: http)
                schedule.fetchSucceeded(at: .now)
                accept(set)
            } catch {
                try Task.checkCancellation()
                schedule.fetchFailed(at: .now, chance: .random(in: 0...1))
                refuse(error, next: schedule.due)
            }
            if try await keyMissed(before: schedule.due) {
                schedule.keyMissed(at: .now)
                // Once is enough until the fetch: a storm of unknown keys wakes nobody a second time.
                try await Task.sleep(until: schedule.due, clock: .continuous)
            }
        }
    }

    private func fetch(with http: HTTPClient) async throws -> TokenKeySet {
        fetches.increment()
        let body = try await withThrowingTaskGroup(of: ByteBuffer.self) { [timeout, issuer] group in
            group.addTask { try await Self.document(at: issuer.url, with: http, timeout: timeout) }
            // The client's own timeout ends with the response's head; a body may come in drops.
            group.addTask {
                try await Task.sleep(for: timeout)
                throw FetchError(message: "no whole answer within \(timeout)")
            }
            defer { group.cancelAll() }
            guard let body = try await group.next() else { throw CancellationError() }
            return body
        }
        return try TokenKeySet(algorithm: issuer.keys.algorithm, jwks: Data(body.readableBytesView))
    }

    private static func document(
        at url: String, with http: HTTPClient, timeout: Duration
    ) async throws -> ByteBuffer {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "accept", value: "application/jwk-set+json, application/json")
        let response = try await http.execute(request, timeout: TimeAmount(timeout))
        guard response.status == .ok else {
            throw FetchError(message: "the issuer answers with status \(response.status.code)")
        }
        do {
            return try await response.body.collect(upTo: TokenKeySet.documentBytesMax)
        } catch is NIOTooManyBytesError {
            throw FetchError(message: "the answer is longer than \(TokenKeySet.documentBytesMax) bytes")
        }
    }

    private func accept(_ set: TokenKeySet) {
        issuer.keys.replace(by: set)
        let isFirst = state.withLock { state in
            let isFirst = state.fetchedAt == nil
            state.failure = nil
            state.fetchedAt = .now
            return isFirst
        }
        logger.log(
            level: isFirst ? .info : .debug, "the issuer's keys are known",
            metadata: [LogKey.count: "\(set.count)", LogKey.ignored: "\(set.ignored.joined(separator: "; "))"])
    }

    private func refuse(_ error: any Error, next: ContinuousClock.Instant) {
        failures.increment()
        let failure =
            switch error {
            case let error as TokenError: error.message
            case let error as FetchError: error.message
            default: "the issuer cannot be reached (\(error))"
            }
        let hasSet = state.withLock { state in
            state.failure = failure
            return state.fetchedAt != nil
        }
        logger.warning(
            hasSet
                ? "the issuer's keys could not be refreshed, the last ones stay"
                : "the issuer's keys could not be fetched",
            metadata: [LogKey.error: "\(failure)", LogKey.delay: "\(next - .now)"])
    }

    /// True when a token named an unknown key before the time came; false when the time came. Throws when cancelled.
    private func keyMissed(before due: ContinuousClock.Instant) async throws -> Bool {
        let isMissed = await withTaskGroup(of: Bool.self) { [keys = issuer.keys] group in
            group.addTask {
                await keys.keyMissed()
                return !Task.isCancelled
            }
            group.addTask {
                // Cancelled where a key was missed first: the answer is then not looked at.
                try? await Task.sleep(until: due, clock: .continuous)
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
        try Task.checkCancellation()
        return isMissed
    }

    private struct FetchError: Error {
        var message: String
    }

    private enum LogKey {
        static let error = "tokens.error"
        static let delay = "tokens.delay"
        static let count = "tokens.keys"
        static let ignored = "tokens.ignored"
    }
}
