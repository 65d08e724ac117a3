import ChangeEvents
import Testing

struct RecordIDTests {
    @Test(arguments: [
        ("001Dp00000JJkkH", "001Dp00000JJkkHIAT"), ("005Dp000000Ppjs", "005Dp000000PpjsIAC"),
        ("012Dp000000Cx1r", "012Dp000000Cx1rIAC"),
        ("000000000000000", "000000000000000AAA"),
    ])
    func fifteenCharactersGetTheirChecksum(short: String, long: String) throws {
        let id = try #require(RecordID(short))
        #expect(id.string == long && id.short == short && id.keyPrefix == short.prefix(3))
        #expect(RecordID(long) == id && "\(id)" == long)
    }

    @Test(arguments: [
        "", "001", "001Dp00000JJkk", "001Dp00000JJkkHI", "001Dp00000JJkkHIAA", "001Dp00000JJkkHiat", "001Dp00000JJkk-",
        "001Dp00000JJkkHIATX", "001*",
    ])
    func othersAreRefused(text: String) {
        #expect(RecordID(text) == nil)
    }

    @Test func idsAreInTheOrderOfTheirTexts() throws {
        let texts = ["001000000000001", "00100000000000A", "00100000000000a", "001zzzzzzzzzzzz", "a00000000000000"]
        let ids = try texts.map { try #require(RecordID($0)) }
        #expect(ids.shuffled().sorted() == ids)
        #expect(ids[0].hasKeyPrefix(of: ids[3]) && !ids[0].hasKeyPrefix(of: ids[4]))
    }

    @Test func theCharactersAreLentAsTheyAre() throws {
        let id = try #require(RecordID("001Dp00000JJkkH"))
        var lent = ""
        id.withUTF8 { lent = String(decoding: $0, as: UTF8.self) }
        #expect(lent == "001Dp00000JJkkHIAT")
        #expect(Array("001Dp00000JJkkHIAT".utf8).withUnsafeBytes { RecordID(utf8: $0) } == id)
    }

    @Test func theEmptyIdIsThatOfOverflowEvents() {
        #expect(RecordID.empty.string == "000000000000000AAA")
    }
}

struct ReplayIDTests {
    @Test func theCounterIsReadFromBothForms() {
        let ten = ReplayID(bytes: [0, 0, 0, 0, 0, 0x17, 0x90, 0x50, 0, 0])
        let eight = ReplayID(bytes: [0, 0, 0, 0, 0, 0x17, 0x90, 0x50])
        #expect(ten.counter == 1_544_272 && eight.counter == 1_544_272)
        #expect(ten != eight && ReplayID(counter: 1_544_272) == ten)
        #expect(ten.description == "1544272")
    }

    @Test func otherFormsStayBytes() {
        for bytes: [UInt8] in [[], [1], [0, 0, 0, 0, 0, 0, 0, 1, 0, 1], [UInt8](repeating: 9, count: 12)] {
            let id = ReplayID(bytes: bytes)
            #expect(id.counter == nil && id.bytes == bytes)
            if !bytes.isEmpty { #expect(ReplayID(id.description) == id) }
        }
        #expect(ReplayID(bytes: [0x0A, 0xFF]).description == "0x0aff")
    }

    @Test(arguments: ["", "x", "-1", "+1", "0x", "0x1", "0xgg", "1.5", "18446744073709551616", " 1"])
    func whatIsNoReplayIdIsRefused(text: String) {
        #expect(ReplayID(text) == nil)
    }

    @Test func theGreatestCounterSurvives() {
        #expect(ReplayID(ReplayID(counter: .max).description)?.counter == .max)
    }
}
