import Doors
import Foundation
import _CryptoExtras

/// The key that identity tokens are signed with: made when it is first needed, kept in `DIR/identity-key.pem`.
///
/// An actor, because making a key takes a while and must happen once.
actor IdentityKey {
    static let fileName = "identity-key.pem"

    private let file: URL
    private var key: _RSA.Signing.PrivateKey?

    init(directory: URL) {
        file = directory.appendingPathComponent(Self.fileName)
    }

    /// A compact JWS of the claims.
    func sign(_ claims: JSONValue) throws -> String {
        let key = try opened()
        let header = JSONValue.object([
            .init(name: "alg", value: .string("RS256")), .init(name: "kid", value: .string(try Self.keyID(key))),
            .init(name: "typ", value: .string("JWT")),
        ])
        let signed = Base64URL.text(Data(header.jsonText.utf8)) + "." + Base64URL.text(Data(claims.jsonText.utf8))
        let signature = try key.signature(for: Data(signed.utf8), padding: .insecurePKCS1v1_5)
        return signed + "." + Base64URL.text(signature.rawRepresentation)
    }

    /// The public half as a JSON Web Key.
    func publicKey() throws -> JSONValue {
        let key = try opened()
        let numbers = try key.publicKey.getKeyPrimitives()
        return .object([
            .init(name: "kty", value: .string("RSA")), .init(name: "use", value: .string("sig")),
            .init(name: "alg", value: .string("RS256")), .init(name: "kid", value: .string(try Self.keyID(key))),
            .init(name: "n", value: .string(Base64URL.text(numbers.modulus))),
            .init(name: "e", value: .string(Base64URL.text(numbers.publicExponent))),
        ])
    }

    private func opened() throws -> _RSA.Signing.PrivateKey {
        if let key { return key }
        let opened = try RSAKeyFile.openOrCreate(file)
        key = opened
        return opened
    }

    private static func keyID(_ key: _RSA.Signing.PrivateKey) throws -> String {
        String(Grants.digest(key.publicKey.pkcs1DERRepresentation.base64EncodedString()).prefix(16))
    }
}
