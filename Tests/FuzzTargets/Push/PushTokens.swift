import Crypto
import Foundation
import _CryptoExtras

@testable import Doors

/// Push tokens. A token that we have not signed is never accepted, by no algorithm. One that we have signed, whatever stands
/// in it, gives a grant within the bounds or an error, and not one bit of it can be changed.
enum PushTokens {
    private static let secret = "a secret of the fuzzer, 32 bytes and more"
    private static let issuer = "https://issuer.example"
    private static let audience = "millrace"
    private static let now: Int64 = 1_750_000_000

    static func run(_ input: inout FuzzInput) {
        let choice = input.byte()
        if choice & 1 == 0 {
            let token = input.remainingText()
            for verifier in verifiers { refuse(token, verifier, "a token that was not signed is never accepted") }
        } else {
            signed(&input, choice)
        }
    }

    private static func signed(_ input: inout FuzzInput, _ choice: UInt8) {
        let header = input.part(until: 0x0A)
        let claims = input.remaining()
        let content = Base64URL.encode(Data(header)) + "." + Base64URL.encode(Data(claims))
        let signature = Data(
            HMAC<SHA256>.authenticationCode(for: Data(content.utf8), using: SymmetricKey(data: Array(secret.utf8))))
        let token = content + "." + Base64URL.encode(signature)
        for verifier in verifiers.dropFirst() { refuse(token, verifier, "a secret's token is for no other algorithm") }
        guard let grant = attempt({ try verifiers[0].verify(token, now: now) }) else { return }
        check(grant, header: header)

        var changed = signature
        changed[Int(choice >> 1) % changed.count] ^= 1 << (choice & 7)
        refuse(
            content + "." + Base64URL.encode(changed), verifiers[0], "a token with another signature is never accepted")
        var text = Array(content.utf8)
        let place = (Int(choice) * 7) % text.count
        text[place] = text[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        refuse(
            String(decoding: text, as: UTF8.self) + "." + Base64URL.encode(signature), verifiers[0],
            "a token with other content is never accepted")
    }

    private static func check(_ grant: Grant, header: [UInt8]) {
        property("a grant is for its subject", holds: !grant.subject.isEmpty && grant.subject.utf8.count <= 256)
        property("a grant has not expired", holds: grant.expiresAt + TokenVerifier.skewSeconds > now)
        property("a grant names each channel once", holds: Set(grant.allow.map(\.channel)).count == grant.allow.count)
        property("a grant names channels", holds: grant.allow.allSatisfy { PushChannel($0.channel) != nil })
        property("a grant is bounded", holds: grant.allow.count <= TokenVerifier.allowanceCountMax)
        property(
            "a grant publishes to platform events alone",
            holds: grant.publish.allSatisfy { PushChannel($0)?.kind == .platformEvent })
        guard let document = attempt({ try JSONParser.parse(header) }), let object = JSONObject(document) else {
            return
        }
        property(
            "a token names its algorithm", holds: object.text("alg") == "HS256" && object["crit"] ?? .null == .null)
    }

    static func refuse(_ token: String, _ verifier: TokenVerifier, _ name: String) {
        property(name, holds: attempt { try verifier.verify(token, now: now) } == nil)
    }

    /// Of HS256, ES256 and RS256.
    private static let verifiers: [TokenVerifier] = must("the keys of the fuzzer can be used") {
        let curve = try P256.Signing.PrivateKey(rawRepresentation: [UInt8](repeating: 7, count: 32))
        let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        return try [
            (TokenAlgorithm.hs256, secret), (.es256, curve.publicKey.pemRepresentation),
            (.rs256, rsa.publicKey.pemRepresentation),
        ].map { try TokenVerifier(algorithm: $0, key: $1, issuer: issuer, audience: audience) }
    }

    /// One that checks with the keys of a set.
    static func verifier(_ set: TokenKeySet) -> TokenVerifier {
        let keys = TokenKeys(algorithm: set.algorithm)
        keys.replace(by: set)
        return TokenVerifier(keys: keys, issuer: issuer, audience: audience)
    }
}

/// The key sets that issuers publish: a set that is taken has a key, and accepts no token that nobody has signed.
enum KeySets {
    static func run(_ input: inout FuzzInput) {
        let choice = input.byte()
        let document = Data(input.remaining())
        let algorithm = [TokenAlgorithm.rs256, .es256, .hs256][Int(choice % 3)]
        guard let set = attempt({ try TokenKeySet(algorithm: algorithm, jwks: document) }) else { return }
        property("a published key is no secret", holds: algorithm != .hs256)
        property("a key set has a key", holds: set.count >= 1 && set.count <= TokenKeySet.keyCountMax)
        if set.count > 1 {
            property("one of several keys must be named", holds: attempt { try set.key(for: nil) } == nil)
        }
        let header = Base64URL.encode(Data("{\"alg\":\"\(algorithm.rawValue)\"}".utf8))
        let body = Base64URL.encode(Data("{}".utf8))
        for count in [0, 64, 256] {
            let signature = Base64URL.encode(Data(repeating: choice, count: count))
            PushTokens.refuse(
                "\(header).\(body).\(signature)", PushTokens.verifier(set),
                "a token that was not signed is never accepted")
        }
    }
}
