import Crypto
import Foundation
import _CryptoExtras

@testable import Doors

/// An issuer of tokens with a few keys, made once for all tests.
enum TestIssuer {
    static let name = "https://issuer.example"
    static let audience = "millrace"
    static let now: Int64 = 1_800_000_000

    private static let rsaKeys = Result { try (0..<2).map { _ in try _RSA.Signing.PrivateKey(keySize: .bits2048) } }
    static let p256 = (0..<2).map { _ in P256.Signing.PrivateKey() }

    static func rsa(_ index: Int = 0) throws -> _RSA.Signing.PrivateKey { try rsaKeys.get()[index] }

    /// A JWK of the RSA key, as members; `changes` replaces some, nil leaves one out.
    static func rsaJWK(_ index: Int = 0, _ changes: [String: String?] = [:]) throws -> [String: String] {
        let primitives = try rsa(index).publicKey.getKeyPrimitives()
        return changed(
            [
                "kty": "RSA", "kid": "r\(index)", "n": Base64URL.encode(primitives.modulus),
                "e": Base64URL.encode(primitives.publicExponent),
            ], changes)
    }

    static func p256JWK(_ index: Int = 0, _ changes: [String: String?] = [:]) -> [String: String] {
        let point = p256[index].publicKey.rawRepresentation
        return changed(
            [
                "kty": "EC", "crv": "P-256", "kid": "e\(index)", "x": Base64URL.encode(Data(point.prefix(32))),
                "y": Base64URL.encode(Data(point.suffix(32))),
            ], changes)
    }

    private static func changed(_ members: [String: String], _ changes: [String: String?]) -> [String: String] {
        members.merging(changes.compactMapValues { $0 }) { $1 }.filter { changes[$0.key] != .some(nil) }
    }

    static func document(_ keys: [[String: String]]) throws -> Data {
        try JSONEncoder().encode(["keys": keys])
    }

    static func set(_ algorithm: TokenAlgorithm, _ keys: [[String: String]]) throws -> TokenKeySet {
        try TokenKeySet(algorithm: algorithm, jwks: document(keys))
    }

    /// A token with good claims; the header is what the test wants it to be.
    static func token(header: String, signature: (Data) throws -> Data) throws -> String {
        let claims = """
            {"iss":"\(name)","aud":"\(audience)","sub":"alice","exp":\(now + 60),\
            "allow":[{"channel":"/data/CaseChangeEvent"}]}
            """
        let signed = Base64URL.encode(Data(header.utf8)) + "." + Base64URL.encode(Data(claims.utf8))
        return signed + "." + Base64URL.encode(try signature(Data(signed.utf8)))
    }

    static func rs256(kid: String?, key: Int = 0) throws -> String {
        try token(header: header("RS256", kid)) { try SigningKey.rs256(rsa(key)).signature(of: $0) }
    }

    static func es256(kid: String?, key: Int = 0) throws -> String {
        try token(header: header("ES256", kid)) { try SigningKey.es256(p256[key]).signature(of: $0) }
    }

    private static func header(_ algorithm: String, _ kid: String?) -> String {
        #"{"alg":"\#(algorithm)"\#(kid.map { #","kid":"\#($0)""# } ?? "")}"#
    }
}
