internal import Crypto
internal import _CryptoExtras
public import Foundation

/// The keys of a JWKS document (RFC 7517) that can check tokens of one algorithm. A value; never empty.
///
/// The algorithm is the configured one. A key of another type, curve, use or algorithm is left out, so that a document
/// that serves several purposes is none of our business, and no key of it can be used as what it is not: an RSA key
/// never checks ES256, nothing in a document checks HS256. As RFC 7517 section 5 advises, a key with members missing or
/// out of range is left out as well; a document that leaves no key is refused whole.
public struct TokenKeySet: Sendable {
    /// A document has a handful of keys of a few hundred bytes.
    public static let documentBytesMax = 256 * 1024
    /// Counted before any is left out.
    public static let keyCountMax = 64
    /// An id is a thumbprint or a date; it is only looked up, and never part of a path or a query.
    public static let keyIDBytesMax = 256
    /// Checking is done on the loop that holds the connection, and its cost grows with the square of the size.
    static let rsaBitsMax = 4096
    /// RFC 7518 section 6.3.1.2: the exponent in as few bytes as it needs; 65537 needs three.
    static let rsaExponentBytesMax = 4

    public let algorithm: TokenAlgorithm
    /// Why keys of the document are left out, for the log: `key 2: its kty is not RSA`.
    public let ignored: [String]
    private let keys: [String: VerifyingKey]
    /// The only key of a document where tokens need not name it.
    private let onlyKey: VerifyingKey?

    /// Throws `TokenError(.key)` that names the reason when the document gives no key for the algorithm, or is ambiguous.
    public init(algorithm: TokenAlgorithm, jwks: Data) throws(TokenError) {
        guard algorithm != .hs256 else {
            throw Self.refusal("the keys of a JWKS are public and cannot be secrets of HS256")
        }
        guard jwks.count <= Self.documentBytesMax else {
            throw Self.refusal("the JWKS is longer than \(Self.documentBytesMax) bytes")
        }
        let document: JWKSDocument
        do {
            document = try JSONDecoder().decode(JWKSDocument.self, from: jwks)
        } catch {
            throw Self.refusal("the JWKS is not a JSON object with a list of keys")
        }
        guard document.keys.count <= Self.keyCountMax else {
            throw Self.refusal("the JWKS has more than \(Self.keyCountMax) keys")
        }
        var usable: [(place: Int, id: String?, key: VerifyingKey)] = []
        var ignored: [String] = []
        for (place, entry) in document.keys.enumerated() {
            do throws(UnusableKey) {
                usable.append((place, entry.kid, try entry.verifyingKey(for: algorithm)))
            } catch {
                ignored.append("key \(place + 1): \(error.reason)")
            }
        }
        var keys: [String: VerifyingKey] = [:]
        for (place, id, key) in usable {
            guard let id else {
                if usable.count > 1 { ignored.append("key \(place + 1): it has no kid and is not the only one") }
                continue
            }
            // Which of the two is meant cannot be known, and trying both would make the id mean nothing.
            guard keys.updateValue(key, forKey: id) == nil else {
                throw Self.refusal("two keys of the JWKS have the same kid")
            }
        }
        guard usable.count == 1 || !keys.isEmpty else {
            let reasons = ignored.isEmpty ? "it is empty" : ignored.prefix(4).joined(separator: "; ")
            throw Self.refusal("the JWKS has no key for \(algorithm.rawValue): \(reasons)")
        }
        self.algorithm = algorithm
        self.ignored = ignored
        self.keys = keys
        onlyKey = usable.count == 1 ? usable[0].key : keys.count == 1 ? keys.values.first : nil
    }

    public var count: Int { max(keys.count, 1) }

    /// The key that a token's header names. A token without a `kid` is checked with the only key, if there is only one; a
    /// key without a `kid` checks only tokens without one.
    func key(for id: String?) throws(TokenError) -> VerifyingKey {
        if let id {
            guard let key = keys[id] else {
                throw TokenError(code: .unknownKey, message: "the token names a key (kid) that is not known here")
            }
            return key
        }
        guard let onlyKey else {
            throw TokenError(code: .unknownKey, message: "the token must name its key (kid): several are known here")
        }
        return onlyKey
    }

    private static func refusal(_ message: String) -> TokenError { TokenError(code: .key, message: message) }
}

/// Why a key of a document is left out.
private struct UnusableKey: Error {
    var reason: String
}

/// A JWKS as it is written. An entry that is no JSON object of the expected types is kept, as one without members.
private struct JWKSDocument: Decodable {
    var keys: [Key]

    /// The members of RFC 7517 section 4 and RFC 7518 section 6 that matter for checking.
    struct Key: Decodable {
        var kty: String?
        var use: String?
        var key_ops: [String]?
        var alg: String?
        var kid: String?
        var crv: String?
        var x: String?
        var y: String?
        var n: String?
        var e: String?
        /// Never read, only noticed.
        var d: String?

        private enum CodingKeys: String, CodingKey { case kty, use, key_ops, alg, kid, crv, x, y, n, e, d }

        init(from decoder: any Decoder) throws {
            guard let container = try? decoder.container(keyedBy: CodingKeys.self) else { return }
            do {
                use = try container.decodeIfPresent(String.self, forKey: .use)
                key_ops = try container.decodeIfPresent([String].self, forKey: .key_ops)
                alg = try container.decodeIfPresent(String.self, forKey: .alg)
                kid = try container.decodeIfPresent(String.self, forKey: .kid)
                crv = try container.decodeIfPresent(String.self, forKey: .crv)
                x = try container.decodeIfPresent(String.self, forKey: .x)
                y = try container.decodeIfPresent(String.self, forKey: .y)
                n = try container.decodeIfPresent(String.self, forKey: .n)
                e = try container.decodeIfPresent(String.self, forKey: .e)
                d = try container.decodeIfPresent(String.self, forKey: .d)
                // Last: without it the key is left out, whatever member is at fault.
                kty = try container.decodeIfPresent(String.self, forKey: .kty)
            } catch is DecodingError {
                return
            }
        }

        func verifyingKey(for algorithm: TokenAlgorithm) throws(UnusableKey) -> VerifyingKey {
            guard let kty else { throw UnusableKey(reason: "it has no kty, or a member of the wrong type") }
            let expected = algorithm == .es256 ? "EC" : "RSA"
            guard kty == expected else { throw UnusableKey(reason: "its kty is not \(expected)") }
            guard use == nil || use == "sig" else { throw UnusableKey(reason: "its use is not sig") }
            guard key_ops.map({ $0.contains("verify") }) ?? true else {
                throw UnusableKey(reason: "its key_ops do not hold verify")
            }
            guard alg == nil || alg == algorithm.rawValue else {
                throw UnusableKey(reason: "its alg is not \(algorithm.rawValue)")
            }
            // Somebody published a private key: whoever has read it can sign.
            guard d == nil else {
                throw UnusableKey(reason: "it is a private key (d), which everybody has read by now")
            }
            if let kid, kid.isEmpty || kid.utf8.count > TokenKeySet.keyIDBytesMax {
                throw UnusableKey(reason: "its kid is empty or longer than \(TokenKeySet.keyIDBytesMax) bytes")
            }
            return algorithm == .es256 ? .es256(try p256()) : .rs256(try rsa())
        }

        private func p256() throws(UnusableKey) -> P256.Signing.PublicKey {
            guard crv == "P-256" else { throw UnusableKey(reason: "its crv is not P-256") }
            // RFC 7518 section 6.2.1.2: the full size of a coordinate, leading zeros included.
            guard let x = x.flatMap(Base64URL.decode), let y = y.flatMap(Base64URL.decode), x.count == 32,
                y.count == 32,
                let key = try? P256.Signing.PublicKey(rawRepresentation: x + y)
            else { throw UnusableKey(reason: "its x and y are not a point of P-256") }
            return key
        }

        private func rsa() throws(UnusableKey) -> _RSA.Signing.PublicKey {
            guard let n = n.flatMap(Base64URL.decode), let e = e.flatMap(Base64URL.decode),
                n.count <= TokenKeySet.rsaBitsMax / 8 + 1, e.count <= TokenKeySet.rsaExponentBytesMax,
                let key = try? _RSA.Signing.PublicKey(n: n, e: e), key.keySizeInBits <= TokenKeySet.rsaBitsMax
            else {
                throw UnusableKey(reason: "its n and e are not an RSA key of 2048 to \(TokenKeySet.rsaBitsMax) bits")
            }
            return key
        }
    }
}
