import Foundation
import Testing

@testable import Doors

/// What of a JWKS document becomes a key, and what refuses the document.
struct TokenKeySetTests {
    private func refusal(_ algorithm: TokenAlgorithm, _ document: Data) -> String? {
        do {
            _ = try TokenKeySet(algorithm: algorithm, jwks: document)
            return nil
        } catch {
            return error.code == .key ? error.message : "wrong code: \(error.message)"
        }
    }

    private func refusal(_ algorithm: TokenAlgorithm, _ keys: [[String: String]]) throws -> String? {
        refusal(algorithm, try TestIssuer.document(keys))
    }

    @Test func keysOfTheAlgorithmAreTaken() throws {
        let all = [
            try TestIssuer.rsaJWK(0, ["alg": "RS256", "use": "sig"]), try TestIssuer.rsaJWK(1),
            TestIssuer.p256JWK(0, ["alg": "ES256"]), ["kty": "oct", "k": "AAAA", "kid": "r0", "alg": "HS256"],
        ]
        #expect(try TestIssuer.set(.rs256, all).count == 2)
        #expect(try TestIssuer.set(.rs256, all).ignored == ["key 3: its kty is not RSA", "key 4: its kty is not RSA"])
        #expect(try TestIssuer.set(.es256, all).count == 1)
        // Members that nobody here knows, and entries that are no objects, disturb nothing.
        let members = try JSONSerialization.data(withJSONObject: TestIssuer.p256JWK())
        let odd = #"{"issuer":1,"keys":[5,null,{"kty":7},\#(String(decoding: members, as: UTF8.self))]}"#
        #expect(try TokenKeySet(algorithm: .es256, jwks: Data(odd.utf8)).ignored.count == 3)
    }

    @Test(
        arguments: [
            (["kty": "EC"], "kty"), (["kty": nil], "kty"), (["use": "enc"], "use"), (["alg": "RS384"], "alg"),
            (["alg": "HS256"], "alg"), (["alg": "none"], "alg"), (["d": "AQAB"], "private"), (["kid": ""], "kid"),
            (["n": nil], "n and e"), (["e": nil], "n and e"), (["n": "AQAB"], "n and e"), (["n": "%%%"], "n and e"),
            (["e": "AAAAAAAAAAE"], "n and e"), (["e": ""], "n and e"),
            (["n": String(repeating: "_", count: 8192)], "n and e"),
        ] as [([String: String?], String)])
    func anRSAKeyThatCannotBeUsedIsLeftOut(changes: [String: String?], reason: String) throws {
        let bad = try TestIssuer.rsaJWK(0, changes)
        let message = try #require(try refusal(.rs256, [bad]))
        #expect(message.contains(reason) && message.contains("no key for RS256"))
        #expect(try TestIssuer.set(.rs256, [bad, TestIssuer.rsaJWK(1)]).count == 1)
    }

    @Test(
        arguments: [
            (["crv": "P-384"], "crv"), (["crv": nil], "crv"), (["x": nil], "point"), (["y": "AAAA"], "point"),
            (["x": Base64URL.encode(Data(repeating: 1, count: 32))], "point"), (["kty": "RSA"], "kty"),
            (["alg": "ES384"], "alg"),
        ] as [([String: String?], String)])
    func anECKeyThatCannotBeUsedIsLeftOut(changes: [String: String?], reason: String) throws {
        let bad = TestIssuer.p256JWK(0, changes)
        let message = try #require(try refusal(.es256, [bad]))
        #expect(message.contains(reason) && message.contains("no key for ES256"))
        #expect(try TestIssuer.set(.es256, [bad, TestIssuer.p256JWK(1)]).count == 1)
    }

    @Test func aDocumentThatIsNoneIsRefused() throws {
        for text in ["", "[]", "{}", #"{"keys":{}}"#, "<html>", #"{"keys":"#] {
            #expect(
                refusal(.es256, Data(text.utf8))?.contains("not a JSON object with a list of keys") == true, "\(text)")
        }
        #expect(try refusal(.es256, [])?.contains("it is empty") == true)
        #expect(try refusal(.hs256, [TestIssuer.p256JWK()])?.contains("HS256") == true)
    }

    @Test func aDocumentHasBounds() throws {
        var document = try TestIssuer.document([TestIssuer.p256JWK()])
        document.append(Data(repeating: 0x20, count: TokenKeySet.documentBytesMax - document.count))
        #expect(refusal(.es256, document) == nil)
        document.append(0x20)
        #expect(refusal(.es256, document)?.contains("longer than") == true)

        let many = (0..<TokenKeySet.keyCountMax).map { TestIssuer.p256JWK(0, ["kid": "k\($0)"]) }
        #expect(try TestIssuer.set(.es256, many).count == TokenKeySet.keyCountMax)
        #expect(try refusal(.es256, many + [["kty": "oct"]])?.contains("more than") == true)

        let longest = String(repeating: "k", count: TokenKeySet.keyIDBytesMax)
        #expect(try refusal(.es256, [TestIssuer.p256JWK(0, ["kid": longest])]) == nil)
        #expect(try refusal(.es256, [TestIssuer.p256JWK(0, ["kid": longest + "k"])])?.contains("kid") == true)
    }

    @Test func keysMustBeTellableApart() throws {
        let twice = [TestIssuer.p256JWK(0), TestIssuer.p256JWK(1, ["kid": "e0"])]
        #expect(try refusal(.es256, twice)?.contains("the same kid") == true)
        // The same id for another type of key is fine: only one of them can be meant.
        #expect(try TestIssuer.set(.es256, [TestIssuer.p256JWK(0, ["kid": "r0"]), TestIssuer.rsaJWK(0)]).count == 1)
        let nameless = TestIssuer.p256JWK(1, ["kid": nil])
        #expect(try TestIssuer.set(.es256, [nameless]).count == 1)
        #expect(try TestIssuer.set(.es256, [TestIssuer.p256JWK(0), nameless]).ignored.count == 1)
        #expect(try refusal(.es256, [nameless, nameless])?.contains("no kid") == true)
    }
}
