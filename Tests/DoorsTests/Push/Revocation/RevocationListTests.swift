import Foundation
import NIOCore
import Testing

@testable import Doors

struct RevocationListTests {
    private func grant(_ subject: String = "ada", id: String? = nil, issuedAt: Int64? = 100) -> Grant {
        Grant(subject: subject, tokenID: id, issuedAt: issuedAt, expiresAt: 1_000, allow: [])
    }

    private func list(_ revocations: Revocation...) -> RevocationList {
        var list = RevocationList()
        for revocation in revocations { list.add(revocation) }
        return list
    }

    @Test func aSubjectLosesWhatWasIssuedUpToThen() {
        let list = list(.subject("ada", issuedUpTo: 100))
        #expect(list.covers(grant()))
        #expect(list.covers(grant(issuedAt: nil)), "a token that does not say when may be from before")
        #expect(!list.covers(grant(issuedAt: 101)))
        #expect(!list.covers(grant("grace")))
    }

    @Test func aLaterRevocationOfASubjectCountsAnEarlierOneDoesNot() {
        let list = list(
            .subject("ada", issuedUpTo: 50), .subject("ada", issuedUpTo: 100), .subject("ada", issuedUpTo: 70))
        #expect(list.covers(grant(issuedAt: 100)) && !list.covers(grant(issuedAt: 101)))
        #expect(list.all == [.subject("ada", issuedUpTo: 100)])
    }

    @Test func aTokenIsMeantByItsID() {
        let list = list(.tokenID("t-1"))
        #expect(list.covers(grant(id: "t-1", issuedAt: 5_000)))
        #expect(!list.covers(grant(id: "t-2")) && !list.covers(grant()))
    }

    @Test func everybodyLosesWhatWasIssuedUpToThen() {
        let list = list(.everything(issuedUpTo: 100), .everything(issuedUpTo: 30))
        #expect(list.covers(grant()) && list.covers(grant("grace", issuedAt: nil)))
        #expect(!list.covers(grant(issuedAt: 101)))
    }

    @Test func theOldestIsForgottenPastTheBound() {
        var list = list(.subject("first", issuedUpTo: 100), .everything(issuedUpTo: 7))
        for number in 0..<RevocationList.countMax { list.add(.tokenID("t-\(number)")) }
        #expect(!list.covers(grant("first")) && list.covers(grant(id: "t-0")) && list.covers(grant(issuedAt: 7)))
        #expect(list.all.count == RevocationList.countMax + 1)
    }

    @Test func aListComesBackFromItsJSON() throws {
        let list = list(.tokenID("t"), .subject("ada", issuedUpTo: 3), .everything(issuedUpTo: 1))
        let read = try JSONDecoder().decode(RevocationList.self, from: JSONEncoder().encode(list))
        #expect(read.all == list.all)
    }

    @Test(arguments: ["{}", "[{}]", #"[{"subject":"ada"}]"#, #"[{"tokenID":"t","subject":"ada","issuedUpTo":1}]"#])
    func whatIsNoListIsRefused(json: String) {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(RevocationList.self, from: Data(json.utf8))
        }
    }

    @Test(arguments: [
        (#"{"subject":"ada"}"#, Revocation.subject("ada", issuedUpTo: 500)),
        (#"{"subject":"ada","issuedUpTo":7}"#, .subject("ada", issuedUpTo: 7)),
        (#"{"tokenId":"t-1"}"#, .tokenID("t-1")),
        (#"{"issuedUpTo":7}"#, .everything(issuedUpTo: 7)),
    ])
    func requestsSayWhatIsMeant(body: String, expected: Revocation) throws {
        #expect(try RevocationRequest.revocation(in: ByteBuffer(string: body), now: 500) == expected)
    }

    @Test(arguments: [
        ("", "not JSON"), ("[]", "not a JSON object"), ("{}", "name a subject"), (#"{"subject":""}"#, "1 to 256"),
        (#"{"subject":7}"#, "a string"), (#"{"tokenId":null}"#, "a string"), (#"{"issuedUpTo":"7"}"#, "whole number"),
        (#"{"issuedUpTo":-1}"#, "whole number"), (#"{"issuedUpTo":1.5}"#, "whole number"),
        (#"{"sub":"ada"}"#, "sub is not known"), (#"{"tokenId":"t","issuedUpTo":1}"#, "stands alone"),
        (#"{"tokenId":"t","subject":"ada"}"#, "stands alone"),
    ])
    func requestsWithMistakesAreExplained(body: String, expected: String) {
        do {
            _ = try RevocationRequest.revocation(in: ByteBuffer(string: body), now: 500)
            Issue.record("\(body) was accepted")
        } catch {
            #expect(error.message.contains(expected))
        }
    }
}
