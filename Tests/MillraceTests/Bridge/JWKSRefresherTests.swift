import Crypto
import Doors
import Foundation
import Logging
import NIOCore
import TestSupport
import Testing

@testable import millrace

/// The refresher against an issuer over real HTTP.
struct JWKSRefresherTests {
    private static let now: Int64 = 1_800_000_000
    private let first = P256.Signing.PrivateKey()
    private let second = P256.Signing.PrivateKey()
    private let keys = TokenKeys(algorithm: .es256)
    private let metrics = MetricsRegistry()

    private func accepts(_ kid: String, _ key: P256.Signing.PrivateKey) throws -> Bool {
        let verifier = TokenVerifier(keys: keys, issuer: FakeIssuer.name, audience: FakeIssuer.audience)
        let token = try FakeIssuer.token(kid: kid, key: key, now: Self.now)
        do throws(TokenError) {
            _ = try verifier.verify(token, now: Self.now)
            return true
        } catch {
            return false
        }
    }

    /// Quick in everything, and regular so seldom that only what a test is about causes a fetch.
    private static let quick = RefreshSchedule.Timing(
        interval: .seconds(3600), missInterval: .milliseconds(50), retryDelayMin: .milliseconds(10),
        retryDelayMax: .milliseconds(50))

    private func refreshing(
        _ issuer: FakeIssuer, timing: RefreshSchedule.Timing = quick, timeout: Duration = JWKSRefresher.fetchTimeout,
        _ body: (JWKSRefresher) async throws -> Void
    ) async throws {
        try await issuer.serving { url in
            let refresher = JWKSRefresher(
                IssuerKeys(url: url, keys: keys), timing: timing, timeout: timeout, metrics: metrics,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    do { try await refresher.run() } catch is CancellationError { return }
                }
                defer { group.cancelAll() }
                try await body(refresher)
            }
        }
    }

    private func metric(_ name: String) -> Int? {
        String(buffer: metrics.render()).split(separator: "\n").first { $0.hasPrefix(name + " ") }
            .flatMap { $0.split(separator: " ").last }.flatMap { Int($0) }
    }

    @Test func keysAreThereAfterTheStart() async throws {
        try await refreshing(FakeIssuer(.keys([("a", first)]))) { refresher in
            try await poll("ready") { refresher.status.isReady }
            #expect(try accepts("a", first) && !accepts("a", second) && !accepts("b", second))
            #expect(metric("millrace_token_keys") == 1 && metric("millrace_token_keys_failures_total") == 0)
        }
    }

    @Test func anIssuerThatIsDownAtStartIsAskedAgain() async throws {
        let issuer = FakeIssuer(.status(503))
        try await refreshing(issuer) { refresher in
            try await poll("several attempts") { issuer.requestCount >= 3 }
            #expect(!refresher.status.isReady)
            #expect(refresher.status.detail == "not ready: the issuer answers with status 503")
            #expect(try !accepts("a", first) && metric("millrace_token_keys") == 0)
            issuer.answer(.keys([("a", first)]))
            try await poll("ready") { refresher.status.isReady }
            #expect(try accepts("a", first))
        }
    }

    @Test func aTokenOfAnUnknownKeyBringsTheRotation() async throws {
        let issuer = FakeIssuer(.keys([("a", first)]))
        try await refreshing(issuer) { refresher in
            try await poll("ready") { refresher.status.isReady }
            issuer.answer(.keys([("b", second)]))
            #expect(try accepts("a", first), "nobody has asked yet")
            #expect(issuer.requestCount == 1)
            try await poll("the new key") { try accepts("b", second) }
            #expect(try !accepts("a", first), "withdrawn")
        }
    }

    @Test func unknownKeysDoNotCauseAStormOfFetches() async throws {
        let issuer = FakeIssuer(.keys([("a", first)]))
        var timing = Self.quick
        timing.missInterval = .seconds(3600)
        try await refreshing(issuer, timing: timing) { refresher in
            try await poll("ready") { refresher.status.isReady }
            try await poll("the fetch of the first one") { try !accepts("x", second) && issuer.requestCount == 2 }
            for _ in 0..<100 {
                #expect(try !accepts("x", second))
                await Task.yield()
            }
            #expect(issuer.requestCount == 2)
        }
    }

    @Test(arguments: [
        FakeIssuer.Answer.status(500), .status(204), .bytes(10), .bytes(TokenKeySet.documentBytesMax + 1), .hanging,
        .keys([]), .redirect([("b", P256.Signing.PrivateKey())]),
    ])
    func whatIsNoKeySetLeavesTheLastOne(answer: FakeIssuer.Answer) async throws {
        let issuer = FakeIssuer(.keys([("a", first)]))
        try await refreshing(issuer, timeout: .milliseconds(500)) { refresher in
            try await poll("ready") { refresher.status.isReady }
            issuer.answer(answer)
            try await poll("a failure") {
                _ = try accepts("x", second)
                return metric("millrace_token_keys_failures_total") ?? 0 > 0
            }
            #expect(try accepts("a", first))
            try await poll("a word on it") { refresher.status.detail.contains("not refreshed since") }
            #expect(refresher.status.isReady)
            issuer.answer(.keys([("a", first), ("b", second)]))
            try await poll("the end of the outage") { try accepts("b", second) }
            try await poll("no word on it") { !refresher.status.detail.contains("not refreshed since") }
        }
    }

    @Test func aRedirectIsNotFollowed() async throws {
        try await refreshing(FakeIssuer(.redirect([("a", first)]))) { refresher in
            try await poll("the refusal") { refresher.status.detail.contains("status 302") }
            #expect(try !accepts("a", first))
        }
    }

    @Test func cancellingEndsAFetchInFlight() async throws {
        let issuer = FakeIssuer(.hanging)
        try await refreshing(issuer) { _ in
            try await poll("the request") { issuer.requestCount == 1 }
        }
        #expect(keys.current == nil)
    }
}
