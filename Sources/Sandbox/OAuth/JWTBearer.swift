import Doors
import Foundation
import _CryptoExtras

/// Judges the assertion of the OAuth 2.0 JWT bearer flow, with the errors that an org answers. Pure: the time comes in.
///
/// Order of the checks: form, client, signature, audience, expiry, user. A caller without the key learns nothing about
/// users.
struct JWTBearer: Sendable {
    static let grantType = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    /// An assertion may live this long.
    static let lifetimeMax: Int64 = 5 * 60 * 1_000
    /// How far the caller's clock may be off.
    static let skewMax: Int64 = 60 * 1_000

    let clientID: String
    let publicKey: _RSA.Signing.PublicKey
    let audiences: Set<String>

    /// The `sub` of a valid assertion. `now` in milliseconds since 1970.
    func username(in assertion: String, now: Int64) throws(OAuthError) -> String {
        let parts = assertion.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header: Header = Self.decoded(parts[0]),
            let claims: Claims = Self.decoded(parts[1]),
            let signature = Base64URL.bytes(parts[2]), header.alg == "RS256"
        else { throw .invalidAssertion }
        guard claims.iss == clientID else { throw .unknownClient }
        let signed = Data((parts[0] + "." + parts[1]).utf8)
        guard
            publicKey.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature), for: signed, padding: .insecurePKCS1v1_5)
        else { throw .invalidAssertion }
        guard claims.aud.contains(where: { audiences.contains($0) }) else { throw .wrongAudience }
        guard let expiry = claims.exp, expiry.isFinite, abs(expiry) < Self.latestSecond else { throw .invalidAssertion }
        let expiresAt = Int64(expiry * 1_000)
        guard expiresAt > now else { throw .expiredAssertion }
        guard expiresAt <= now + Self.lifetimeMax + Self.skewMax else { throw .invalidAssertion }
        guard let username = claims.sub, !username.isEmpty else { throw .invalidAssertion }
        return username
    }

    /// The `iss` of an assertion, unproved: tells which app's key is to judge it.
    static func issuer(of assertion: String) -> String? {
        let parts = assertion.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let claims: Claims = decoded(parts[1]) else { return nil }
        return claims.iss
    }

    /// Seconds since 1970 past which a claim is nonsense (the year 9999).
    private static let latestSecond = 253_402_300_800.0

    private struct Header: Decodable {
        var alg: String
    }

    private struct Claims: Decodable {
        var iss: String?
        var sub: String?
        var aud: [String]
        var exp: Double?

        private enum CodingKeys: String, CodingKey { case iss, sub, aud, exp }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            iss = try container.decodeIfPresent(String.self, forKey: .iss)
            sub = try container.decodeIfPresent(String.self, forKey: .sub)
            exp = try container.decodeIfPresent(Double.self, forKey: .exp)
            // One audience may stand without the array.
            if let one = try? container.decode(String.self, forKey: .aud) {
                aud = [one]
            } else {
                aud = try container.decodeIfPresent([String].self, forKey: .aud) ?? []
            }
        }
    }

    private static func decoded<T: Decodable>(_ part: Substring) -> T? {
        guard let bytes = Base64URL.bytes(part) else { return nil }
        return try? JSONDecoder().decode(T.self, from: bytes)
    }
}

/// base64 with the URL alphabet and without padding.
enum Base64URL {
    static func text(_ bytes: some DataProtocol) -> String {
        String(
            Data(bytes).base64EncodedString().compactMap { character in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            })
    }

    static func bytes(_ text: some StringProtocol) -> Data? {
        guard text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "=") })
        else {
            return nil
        }
        let standard = String(
            text.map { character in
                switch character {
                case "-": "+"
                case "_": "/"
                default: character
                }
            })
        let padding = String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        return Data(base64Encoded: standard + padding)
    }
}
