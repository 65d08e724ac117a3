import Crypto
import Foundation
import Testing
import _CryptoExtras

@testable import Doors

/// Tokens checked with the keys of a JWKS: which key counts for which token.
struct IssuerKeysTests {
    private let keys: TokenKeys
    private let verifier: TokenVerifier

    init() {
        keys = TokenKeys(algorithm: .rs256)
        verifier = TokenVerifier(keys: keys, issuer: TestIssuer.name, audience: TestIssuer.audience)
    }

    private func refusal(_ token: String, _ verifier: TokenVerifier? = nil) -> TokenError.Code? {
        do {
            _ = try (verifier ?? self.verifier).verify(token, now: TestIssuer.now)
            return nil
        } catch {
            #expect(!error.message.contains(token))
            return error.code
        }
    }

    private func publish(_ list: [[String: String]]) throws {
        keys.replace(by: try TestIssuer.set(.rs256, list))
    }

    @Test func withoutKeysNoTokenPasses() throws {
        #expect(try refusal(TestIssuer.rs256(kid: "r0")) == .notReady)
        try publish([TestIssuer.rsaJWK(0)])
        #expect(try refusal(TestIssuer.rs256(kid: "r0")) == nil)
    }

    @Test func aTokenNamesItsKeyWhereThereAreSeveral() throws {
        try publish([TestIssuer.rsaJWK(0), TestIssuer.rsaJWK(1)])
        #expect(try refusal(TestIssuer.rs256(kid: "r0")) == nil)
        #expect(try refusal(TestIssuer.rs256(kid: "r1", key: 1)) == nil)
        #expect(try refusal(TestIssuer.rs256(kid: nil)) == .unknownKey)
        #expect(try refusal(TestIssuer.rs256(kid: "elsewhere")) == .unknownKey)
        #expect(try refusal(TestIssuer.rs256(kid: "r1")) == .signature)
    }

    @Test func theOnlyKeyNeedsNoName() throws {
        try publish([TestIssuer.rsaJWK(0)])
        #expect(try refusal(TestIssuer.rs256(kid: nil)) == nil)
        #expect(try refusal(TestIssuer.rs256(kid: nil, key: 1)) == .signature)
        #expect(try refusal(TestIssuer.rs256(kid: "r1")) == .unknownKey)
        try publish([TestIssuer.rsaJWK(0, ["kid": nil])])
        #expect(try refusal(TestIssuer.rs256(kid: nil)) == nil)
        #expect(try refusal(TestIssuer.rs256(kid: "r0")) == .unknownKey)
    }

    @Test func rotationTakesTheOldKeyAway() throws {
        try publish([TestIssuer.rsaJWK(0)])
        #expect(try refusal(TestIssuer.rs256(kid: "r1", key: 1)) == .unknownKey)
        try publish([TestIssuer.rsaJWK(0), TestIssuer.rsaJWK(1)])
        #expect(try refusal(TestIssuer.rs256(kid: "r1", key: 1)) == nil)
        try publish([TestIssuer.rsaJWK(1)])
        #expect(try refusal(TestIssuer.rs256(kid: "r1", key: 1)) == nil)
        #expect(try refusal(TestIssuer.rs256(kid: "r0")) == .unknownKey)
    }

    @Test func ellipticCurveKeysCheckES256() throws {
        let keys = TokenKeys(algorithm: .es256)
        keys.replace(
            by: try TestIssuer.set(.es256, [TestIssuer.p256JWK(0), TestIssuer.p256JWK(1), TestIssuer.rsaJWK(0)]))
        let verifier = TokenVerifier(keys: keys, issuer: TestIssuer.name, audience: TestIssuer.audience)
        #expect(try refusal(TestIssuer.es256(kid: "e1", key: 1), verifier) == nil)
        #expect(try refusal(TestIssuer.es256(kid: "e1", key: 0), verifier) == .signature)
        #expect(try refusal(TestIssuer.rs256(kid: "r0"), verifier) == .algorithm)
    }

    /// The classic: the public key, which everybody has, as the secret of an HMAC; and no signature at all.
    @Test func thePublicKeyIsNoSecret() throws {
        try publish([TestIssuer.rsaJWK(0)])
        let publicKey = try TestIssuer.rsa().publicKey
        let modulus = try TestIssuer.rsaJWK(0)["n"] ?? ""
        for secret in [Data(publicKey.pemRepresentation.utf8), publicKey.derRepresentation, Data(modulus.utf8)] {
            for algorithm in ["HS256", "RS256"] {
                let token = try TestIssuer.token(header: #"{"alg":"\#(algorithm)","kid":"r0"}"#) { signed in
                    Data(HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: secret)))
                }
                #expect(refusal(token) == (algorithm == "HS256" ? .algorithm : .signature))
            }
        }
        for header in [#"{"alg":"none","kid":"r0"}"#, #"{"alg":"none"}"#, #"{"alg":"None"}"#] {
            #expect(refusal(try TestIssuer.token(header: header) { _ in Data() }) == .algorithm)
        }
        #expect(refusal(try TestIssuer.token(header: #"{"alg":"RS256","kid":"r0"}"#) { _ in Data() }) == .signature)
    }

    /// A key in the token is a key of whoever made the token.
    @Test func aTokenBringsNoKey() throws {
        try publish([TestIssuer.rsaJWK(0)])
        let own = String(decoding: try JSONSerialization.data(withJSONObject: TestIssuer.rsaJWK(1)), as: UTF8.self)
        let kids = ["../../dev/null", "r0' OR '1'='1", "r0\\u0000", "https://evil.example/jwks.json", ""]
        for header in [#"{"alg":"RS256","jwk":\#(own)}"#, #"{"alg":"RS256","kid":"r0","jwk":\#(own)}"#] {
            let token = try TestIssuer.token(header: header) {
                try SigningKey.rs256(TestIssuer.rsa(1)).signature(of: $0)
            }
            #expect(refusal(token) == .signature)
        }
        for kid in kids { #expect(try refusal(TestIssuer.rs256(kid: kid)) == .unknownKey, "\(kid)") }
        let longest = String(repeating: "k", count: TokenKeySet.keyIDBytesMax)
        #expect(try refusal(TestIssuer.rs256(kid: longest)) == .unknownKey)
        #expect(try refusal(TestIssuer.rs256(kid: longest + "k")) == .malformed)
        let number = try TestIssuer.token(header: #"{"alg":"RS256","kid":7}"#) {
            try SigningKey.rs256(TestIssuer.rsa()).signature(of: $0)
        }
        #expect(refusal(number) == .malformed)
    }

    // What tells the owner of the keys that others are wanted

    /// Whether one is told within a while: for those that must not be. Late, it may pass unseen.
    private func isMissTold() async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { [keys] in
                await keys.keyMissed()
                return !Task.isCancelled
            }
            group.addTask {
                try? await Task.sleep(for: .milliseconds(200))
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
    }

    private func missIsTold() async throws {
        try await withDeadline { [keys] in await keys.keyMissed() }
    }

    @Test func anUnknownKeyIsToldOnce() async throws {
        #expect(try refusal(TestIssuer.rs256(kid: "r1")) == .notReady)
        try publish([TestIssuer.rsaJWK(0)])
        #expect(try refusal(TestIssuer.rs256(kid: "r0")) == nil)
        #expect(await !isMissTold(), "nothing was missed")
        for _ in 0..<3 { #expect(try refusal(TestIssuer.rs256(kid: "r1")) == .unknownKey) }
        try await missIsTold()
        #expect(await !isMissTold(), "told already")
        #expect(try refusal(TestIssuer.rs256(kid: "r0", key: 1)) == .signature)
        #expect(await !isMissTold(), "a bad signature of a known key says nothing of keys")
        #expect(try refusal(TestIssuer.rs256(kid: nil, key: 1)) == .signature)
        // Without a kid a new key shows as a bad signature.
        try await missIsTold()
    }

    @Test func whoWaitsIsWoken() async throws {
        try publish([TestIssuer.rsaJWK(0)])
        let unknown = try TestIssuer.rs256(kid: "r1")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [keys] in await keys.keyMissed() }
            #expect(refusal(unknown) == .unknownKey)
            try await group.waitForAll()
        }
    }

    @Test func waitingEndsWithItsTask() async {
        let waiting = Task { [keys] in await keys.keyMissed() }
        waiting.cancel()
        await waiting.value
        let again = Task { [keys] in await keys.keyMissed() }
        keys.miss()
        await again.value
    }
}
