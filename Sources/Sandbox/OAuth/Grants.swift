import Crypto
import Doors
import Foundation

/// What users have allowed to apps: refresh tokens, approvals, and codes on their way. Pure: the time comes in.
///
/// Tokens and codes are kept as SHA-256 digests only. Refresh tokens and approvals are written to the store; codes live a
/// quarter of an hour and not over a restart.
struct Grants: Codable, Sendable {
    static let stateKey = "sandbox.grants"
    /// As in an org: the fifth older refresh token of a user for an app ends with the next.
    static let perUserAndAppMax = 5
    /// Refresh tokens of all users and apps; beyond it the oldest goes.
    static let countMax = 10_000
    static let codesMax = 10_000
    static let codeLifetime: Int64 = 15 * 60 * 1_000
    private static let secretLength = 80

    struct Grant: Codable, Sendable, Hashable {
        /// Ties the access tokens to their refresh token.
        var id: String
        var userID: String
        var clientID: String
        var scopes: [String]
        var issuedAt: Int64
    }

    /// What a code stands for.
    struct Code: Sendable, Hashable {
        var userID: String
        var clientID: String
        var redirectURI: String
        var scopes: [String]
        /// Of PKCE; nil: none was sent.
        var challenge: String?
        var nonce: String?
        var expiresAt: Int64
    }

    private enum CodingKeys: String, CodingKey { case grants, approvals }

    private var grants: [String: Grant] = [:]
    /// `client|user`
    private var approvals: Set<String> = []
    private var codes: [String: Code] = [:]

    // MARK: Refresh tokens

    /// A new refresh token.
    mutating func issue(
        userID: String, clientID: String, scopes: [String], now: Int64
    ) -> (token: String, grant: Grant, ended: [Grant]) {
        let token = "5Aep861" + Base62.random(Self.secretLength)
        let grant = Grant(
            id: Base62.random(20), userID: userID, clientID: clientID, scopes: scopes, issuedAt: now)
        grants[Self.digest(token)] = grant
        var ended: [Grant] = []
        let own = grants.filter {
            $0.value.userID == userID && $0.value.clientID == clientID && $0.value.id != grant.id
        }
        if own.count >= Self.perUserAndAppMax { ended += removeOldest(among: own) }
        if grants.count > Self.countMax { ended += removeOldest(among: grants.filter { $0.value.id != grant.id }) }
        return (token, grant, ended)
    }

    func grant(ofToken token: String) -> Grant? { grants[Self.digest(token)] }

    func contains(grantID: String) -> Bool { grants.values.contains { $0.id == grantID } }

    mutating func revoke(_ token: String) -> Grant? { grants.removeValue(forKey: Self.digest(token)) }

    /// Ends the refresh token that an access token came from.
    mutating func revoke(grantID: String) {
        grants = grants.filter { $0.value.id != grantID }
    }

    private mutating func removeOldest(among candidates: [String: Grant]) -> [Grant] {
        guard let oldest = candidates.min(by: { $0.value.issuedAt < $1.value.issuedAt }) else { return [] }
        grants[oldest.key] = nil
        return [oldest.value]
    }

    // MARK: Approvals

    mutating func approve(userID: String, clientID: String) { approvals.insert("\(clientID)|\(userID)") }

    func isApproved(userID: String, clientID: String) -> Bool { approvals.contains("\(clientID)|\(userID)") }

    // MARK: Codes

    mutating func issue(_ code: Code, now: Int64) -> String {
        codes = codes.filter { $0.value.expiresAt > now }
        if codes.count >= Self.codesMax, let first = codes.min(by: { $0.value.expiresAt < $1.value.expiresAt }) {
            codes[first.key] = nil
        }
        let text = "aPrx" + Base62.random(Self.secretLength)
        codes[Self.digest(text)] = code
        return text
    }

    /// A code works once, whatever comes of it.
    mutating func take(code: String, now: Int64) -> Code? {
        guard let code = codes.removeValue(forKey: Self.digest(code)), code.expiresAt > now else { return nil }
        return code
    }

    static func digest(_ token: String) -> String {
        var token = token
        let digest = token.withUTF8 { SHA256.hash(data: $0) }
        // Every call of the API comes by here.
        let digits: StaticString = "0123456789abcdef"
        return String(unsafeUninitializedCapacity: 2 * SHA256.byteCount) { text in
            for (index, byte) in digest.enumerated() {
                text[2 * index] = digits.utf8Start[Int(byte >> 4)]
                text[2 * index + 1] = digits.utf8Start[Int(byte & 15)]
            }
            return 2 * SHA256.byteCount
        }
    }
}

extension Grants.Code {
    /// Judges the verifier of RFC 7636, by its SHA-256: an org takes no other method.
    func isProved(by verifier: String?) -> Bool {
        guard let challenge else { return true }
        guard let verifier, (43...128).contains(verifier.utf8.count) else { return false }
        return Base64URL.text(Data(SHA256.hash(data: Data(verifier.utf8)))) == challenge
    }
}
