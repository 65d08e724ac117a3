internal import Crypto
internal import _CryptoExtras
internal import Foundation

/// The signature algorithms of push tokens. Which one holds comes from configuration, never from a token's header: a token
/// that names another is refused before its signature is looked at, so that neither `none` nor an RSA public key used as an
/// HMAC secret can pass.
public enum TokenAlgorithm: String, Hashable, Sendable, CaseIterable {
    case hs256 = "HS256"
    case rs256 = "RS256"
    case es256 = "ES256"
}

/// The verifying half of a key. Checking costs some 2 µs (HS256) to 100 µs (ES256) and is done on the loop that holds the
/// connection.
enum VerifyingKey: Sendable {
    /// RFC 7518 section 3.2: the secret is at least as long as the hash.
    static let secretBytesMin = 32

    case hs256(SymmetricKey)
    case rs256(_RSA.Signing.PublicKey)
    case es256(P256.Signing.PublicKey)

    init(algorithm: TokenAlgorithm, key: String) throws(TokenError) {
        do {
            switch algorithm {
            case .hs256:
                self = .hs256(try Self.secret(key))
            case .rs256:
                self = .rs256(try _RSA.Signing.PublicKey(pemRepresentation: key))
            case .es256:
                self = .es256(try P256.Signing.PublicKey(pemRepresentation: key))
            }
        } catch let error as TokenError {
            throw error
        } catch {
            throw TokenError(
                code: .key, message: "the key is not a public key in PEM form that \(algorithm.rawValue) can use")
        }
    }

    static func secret(_ text: String) throws(TokenError) -> SymmetricKey {
        guard text.utf8.count >= secretBytesMin else {
            throw TokenError(
                code: .key,
                message: "an HS256 secret has at least \(secretBytesMin) bytes, this one has \(text.utf8.count)")
        }
        return SymmetricKey(data: Array(text.utf8))
    }

    func accepts(signature: Data, of signed: Data) -> Bool {
        switch self {
        case .hs256(let secret):
            return HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: signed, using: secret)
        case .rs256(let key):
            return key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature), for: SHA256.hash(data: signed),
                padding: .insecurePKCS1v1_5)
        case .es256(let key):
            // JWS carries r‖s, not DER (RFC 7518 section 3.4).
            guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: SHA256.hash(data: signed))
        }
    }
}

/// The signing half of a key.
enum SigningKey: Sendable {
    case hs256(SymmetricKey)
    case rs256(_RSA.Signing.PrivateKey)
    case es256(P256.Signing.PrivateKey)

    init(algorithm: TokenAlgorithm, key: String) throws(TokenError) {
        do {
            switch algorithm {
            case .hs256:
                self = .hs256(try VerifyingKey.secret(key))
            case .rs256:
                self = .rs256(try _RSA.Signing.PrivateKey(pemRepresentation: key))
            case .es256:
                self = .es256(try P256.Signing.PrivateKey(pemRepresentation: key))
            }
        } catch let error as TokenError {
            throw error
        } catch {
            throw TokenError(
                code: .key, message: "the key is not a private key in PEM form that \(algorithm.rawValue) can use")
        }
    }

    func signature(of signed: Data) throws -> Data {
        switch self {
        case .hs256(let secret):
            Data(HMAC<SHA256>.authenticationCode(for: signed, using: secret))
        case .rs256(let key):
            try key.signature(for: SHA256.hash(data: signed), padding: .insecurePKCS1v1_5).rawRepresentation
        case .es256(let key):
            try key.signature(for: SHA256.hash(data: signed)).rawRepresentation
        }
    }
}

/// Base64url without padding (RFC 7515 appendix C).
enum Base64URL {
    static func encode(_ data: Data) -> String {
        String(decoding: data.base64EncodedData().filter { $0 != 0x3D }.map(toURL), as: UTF8.self)
    }

    static func decode(_ text: some StringProtocol) -> Data? {
        guard !text.utf8.contains(where: { $0 == 0x2B || $0 == 0x2F || $0 == 0x3D }) else { return nil }
        var base64 = Data(text.utf8.map(fromURL))
        base64.append(contentsOf: repeatElement(0x3D, count: (4 - base64.count % 4) % 4))
        return Data(base64Encoded: base64)
    }

    /// `+` and `/` to `-` and `_`.
    private static func toURL(_ byte: UInt8) -> UInt8 { byte == 0x2B ? 0x2D : byte == 0x2F ? 0x5F : byte }
    private static func fromURL(_ byte: UInt8) -> UInt8 { byte == 0x2D ? 0x2B : byte == 0x5F ? 0x2F : byte }
}
