internal import Foundation
internal import SOQL

/// Checks push tokens: compact JWS, one algorithm from configuration, a key from configuration or from the issuer's key
/// set, `iss`, `aud`, `exp`, `nbf`, and what `allow` says. One bad detail refuses the whole token.
///
/// Shared by all loops; immutable but for the key set, which its owner replaces. `verify` does no I/O, does not block and
/// reads no clock.
public struct TokenVerifier: Sendable {
    /// Clocks of two machines differ a little.
    public static let skewSeconds: Int64 = 5
    /// A token is sent in a header or a subprotocol, where servers and proxies allow some 8 KB.
    public static let tokenBytesMax = 8 * 1024
    public static let allowanceCountMax = 64
    public static let fieldCountMax = 500
    public static let conditionBytesMax = 4 * 1024
    /// Longer subjects would make every table by subject a place to store things in.
    public static let subjectBytesMax = 256

    private enum Keys: Sendable {
        /// The key of the configuration, whatever `kid` a token has.
        case one(VerifyingKey)
        /// The issuer's: a token says which one is its own.
        case shared(TokenKeys)
    }

    private let algorithm: TokenAlgorithm
    private let keys: Keys
    private let issuer: String
    private let audience: String

    /// - Parameter key: the secret (HS256, at least 32 bytes) or the public key in PEM form (RS256, ES256).
    public init(algorithm: TokenAlgorithm, key: String, issuer: String, audience: String) throws(TokenError) {
        self.algorithm = algorithm
        keys = .one(try VerifyingKey(algorithm: algorithm, key: key))
        self.issuer = issuer
        self.audience = audience
    }

    /// - Parameter keys: what the issuer publishes; refreshed by its owner. Until it holds a set, tokens are refused
    ///   (`notReady`).
    public init(keys: TokenKeys, issuer: String, audience: String) {
        algorithm = keys.algorithm
        self.keys = .shared(keys)
        self.issuer = issuer
        self.audience = audience
    }

    /// - Parameter now: seconds since 1970.
    public func verify(_ token: String, now: Int64) throws(TokenError) -> Grant {
        guard token.utf8.count <= Self.tokenBytesMax else {
            throw TokenError(code: .malformed, message: "the token is longer than \(Self.tokenBytesMax) bytes")
        }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Base64URL.decode(parts[0]), let body = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2])
        else {
            throw TokenError(code: .malformed, message: "the token is not three base64url parts with dots between")
        }
        let id = try keyID(of: header)
        guard try key(for: id).accepts(signature: signature, of: Data("\(parts[0]).\(parts[1])".utf8)) else {
            // An issuer that names no keys shows only by its signatures that it has a new one.
            if id == nil, case .shared(let keys) = keys { keys.miss() }
            throw TokenError(code: .signature, message: "the token's signature is not valid for the configured key")
        }
        let claims: TokenClaims
        do {
            claims = try JSONDecoder().decode(TokenClaims.self, from: body)
        } catch {
            throw TokenError(code: .claim, message: TokenClaims.explain(error))
        }
        return try grant(of: claims, now: now)
    }

    private func key(for id: String?) throws(TokenError) -> VerifyingKey {
        switch keys {
        case .one(let key): key
        case .shared(let keys): try keys.key(for: id)
        }
    }

    /// Checks the header and gives its `kid`, which is an index into the known keys and nothing else. Where to find a key
    /// (`jku`, `x5u`) or the key itself (`jwk`, `x5c`) is never taken from a token.
    private func keyID(of header: Data) throws(TokenError) -> String? {
        guard let header = try? JSONDecoder().decode(TokenHeader.self, from: header) else {
            throw TokenError(code: .malformed, message: "the token's header is not JSON with an alg")
        }
        guard header.alg == algorithm.rawValue else {
            throw TokenError(code: .algorithm, message: "tokens are signed with \(algorithm.rawValue) here")
        }
        // RFC 7515 section 4.1.11: an extension that must be understood and is not makes the token invalid.
        guard header.crit == nil else {
            throw TokenError(code: .malformed, message: "the token's header has extensions (crit), none is known here")
        }
        guard (header.kid?.utf8.count ?? 0) <= TokenKeySet.keyIDBytesMax else {
            throw TokenError(
                code: .malformed, message: "the token's kid is longer than \(TokenKeySet.keyIDBytesMax) bytes")
        }
        return header.kid
    }

    private func grant(of claims: TokenClaims, now: Int64) throws(TokenError) -> Grant {
        guard claims.iss == issuer else {
            throw TokenError(code: .issuer, message: "the token's issuer (iss) is not the one expected here")
        }
        guard claims.aud.values.contains(audience) else {
            throw TokenError(code: .audience, message: "the token is for another audience (aud)")
        }
        guard let expiresAt = Self.seconds(claims.exp) else {
            throw TokenError(code: .claim, message: "exp is not a time in seconds")
        }
        guard expiresAt + Self.skewSeconds > now else {
            throw TokenError(code: .expired, message: "the token has expired")
        }
        if let notBefore = claims.nbf {
            guard let notBefore = Self.seconds(notBefore) else {
                throw TokenError(code: .claim, message: "nbf is not a time in seconds")
            }
            guard notBefore <= now + Self.skewSeconds else {
                throw TokenError(code: .notYetValid, message: "the token is not valid yet (nbf)")
            }
        }
        guard !claims.sub.isEmpty, claims.sub.utf8.count <= Self.subjectBytesMax else {
            throw TokenError(code: .claim, message: "sub is empty or longer than \(Self.subjectBytesMax) bytes")
        }
        guard (claims.jti?.utf8.count ?? 0) <= Revocation.nameBytesMax else {
            throw TokenError(code: .claim, message: "jti is longer than \(Revocation.nameBytesMax) bytes")
        }
        return Grant(
            subject: claims.sub, tokenID: claims.jti, issuedAt: claims.iat.flatMap(Self.seconds), expiresAt: expiresAt,
            allow: try allowances(of: claims.allow), publish: try publishable(claims.publish ?? []))
    }

    private func publishable(_ topics: [String]) throws(TokenError) -> Set<String> {
        guard topics.count <= Self.allowanceCountMax else {
            throw TokenError(code: .claim, message: "publish has more than \(Self.allowanceCountMax) entries")
        }
        for (index, topic) in topics.enumerated() {
            guard PushChannel(topic)?.kind == .platformEvent else {
                throw TokenError(code: .claim, message: "publish[\(index)] is not the topic of a platform event")
            }
        }
        return Set(topics)
    }

    private func allowances(of list: [TokenAllowance]) throws(TokenError) -> [Grant.Allowance] {
        guard list.count <= Self.allowanceCountMax else {
            throw TokenError(code: .claim, message: "allow has more than \(Self.allowanceCountMax) entries")
        }
        var allowances: [Grant.Allowance] = []
        for (index, entry) in list.enumerated() {
            guard PushChannel(entry.channel) != nil else {
                throw TokenError(code: .claim, message: "allow[\(index)].channel is not a channel")
            }
            // Two entries would have to be united, and fields of one with the records of the other is what neither says.
            guard !allowances.contains(where: { $0.channel == entry.channel }) else {
                throw TokenError(
                    code: .claim, message: "allow[\(index)].channel stands in allow twice: one entry per channel")
            }
            if let fields = entry.fields, fields.count > Self.fieldCountMax {
                throw TokenError(
                    code: .claim, message: "allow[\(index)].fields has more than \(Self.fieldCountMax) names")
            }
            allowances.append(
                Grant.Allowance(
                    channel: entry.channel, condition: try condition(entry.where, index: index),
                    fields: entry.fields.map(Set.init)))
        }
        return allowances
    }

    private func condition(_ text: String?, index: Int) throws(TokenError) -> Condition? {
        guard let text else { return nil }
        guard text.utf8.count <= Self.conditionBytesMax else {
            throw TokenError(
                code: .claim, message: "allow[\(index)].where is longer than \(Self.conditionBytesMax) bytes")
        }
        do {
            return try Condition(text)
        } catch {
            throw TokenError(
                code: .claim, message: "allow[\(index)].where, position \(error.position): \(error.message)")
        }
    }

    /// Whole seconds of a NumericDate (RFC 7519 allows fractions); nil when it is not a time.
    private static func seconds(_ value: Double) -> Int64? {
        guard value.isFinite, value >= 0, value < 1e11 else { return nil }
        return Int64(value)
    }
}
