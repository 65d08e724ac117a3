import Testing

@testable import millrace

struct EventScanTests {
    private func scan(_ text: String) -> EventScan? { Array(text.utf8).withUnsafeBytes { EventScan($0) } }

    private func event(
        type: String = "event", replayID: String = "42", records: String = #"["500a"]"#, more: String = ""
    ) -> String {
        """
        {"type":"\(type)","channel":"/data/CaseChangeEvent","data":{"schema":"s","payload":{"ChangeEventHeader":\
        {"entityName":"Case","recordIds":\(records),"changeType":"UPDATE","commitTimestamp":1767225600123,\
        "commitNumber":9}\(more)},"event":{"replayId":\(replayID)}}}
        """
    }

    @Test func anEventIsReadWithoutItsFields() throws {
        let scan = try #require(self.scan(event()))
        #expect(scan.kind == .event && scan.channel == Fingerprint("/data/CaseChangeEvent").value)
        #expect(scan.key == EventKey(place: .number(42), record: Fingerprint("500a").value))
        #expect(scan.commitMilliseconds == 1_767_225_600_123)
        #expect(self.scan(event(type: "left"))?.kind == .left)
    }

    /// The microseconds of a large number were more than 64 bits hold: one message of a server ended the program.
    @Test(
        arguments: [
            ("253402300799999", 253_402_300_799_999), ("253402300800000", nil), ("9223372036854775807", nil),
            ("18446744073709551616", nil), ("-1", nil), (#""soon""#, nil),
        ] as [(String, Int64?)])
    func aCommitIsATimeOrNone(timestamp: String, milliseconds: Int64?) throws {
        let scan = try #require(self.scan(event().replacing("1767225600123", with: timestamp)))
        #expect(scan.commitMilliseconds == milliseconds)
    }

    /// What a person wrote into a field must not be taken for the event's own.
    @Test(arguments: [
        #","Subject":"\"event\":{\"replayId\":7}","Description":"}}]]\\""#,
        #","Deep":{"ChangeEventHeader":{"commitTimestamp":1},"event":{"replayId":7},"recordIds":["x"]}"#,
        #","List":[{"replayId":7},[[]],{},"",null,true,-1.5e+3],"replayId":7"#,
        #" , "Spaces" : [ 1 , 2 ] "#,
    ])
    func fieldsThatLookLikeAnEventAreNone(more: String) {
        #expect(scan(event(more: more)) == scan(event()))
    }

    @Test func replayIdsAreNumbersWhereTheyCanBe() {
        #expect(scan(event(replayID: #""18446744073709551615""#))?.key.number == .max)
        #expect(scan(event(replayID: #""18446744073709551616""#))?.key.number == nil)
        let (one, other) = (scan(event(replayID: #""0xab""#)), scan(event(replayID: #""0xac""#)))
        #expect(one?.key.number == nil && one?.key != other?.key && one != nil)
        #expect(EventKey.Place("-2".utf8) == .none && EventKey.Place("0".utf8) == .number(0))
    }

    @Test func recordsAreToldApart() {
        let lists = [#"[]"#, #"["a"]"#, #"["b"]"#, #"["a","b"]"#, #"["ab"]"#, #"["b","a"]"#]
        #expect(Set(lists.map { scan(event(records: $0))?.key }).count == lists.count)
    }

    @Test func aPlatformEventIsKnownByItsUuid() throws {
        func event(_ uuid: String) -> String {
            #"{"type":"event","channel":"/event/A__e","data":{"payload":{"X__c":1},"event":{"EventUuid":"\#(uuid)","replayId":3}}}"#
        }
        let scan = try #require(self.scan(event("u-1")))
        #expect(scan.key == EventKey(place: .number(3), record: Fingerprint("u-1").value))
        #expect(scan.commitMilliseconds == nil && scan.key != self.scan(event("u-2"))?.key)
    }

    @Test func otherMessagesAreLeftToTheDecoder() {
        #expect(scan(#"{"type":"welcome","heartbeat":25}"#)?.kind == .message)
        #expect(scan(#"{"later":[{"type":"event"}]}"#)?.kind == .message)
        #expect(scan("{}")?.kind == .message)
    }

    @Test(arguments: [
        "", "{", "[]", "null", "\"event\"", "{]", #"{"type"}"#, #"{"type":}"#, #"{"type":"event"}x"#,
        #"{"type":"event""#,
        #"{"a":]}"#, #"{"a":1,}"#, #"{"a":"\"#, #"{"data":[1,2}"#, #"{"type":"event","data":{"event":{}}}"#,
        #"{"type":"event","data":{"event":{"replayId":-2}}}"#,
    ])
    func whatIsNoMessageIsNoneAndEndsNothing(text: String) {
        #expect(scan(text) == nil)
    }

    @Test func everyCutIsNoMessage() {
        let whole = Array(event(more: #","Subject":"a\\\"b""#).utf8)
        for count in 0..<whole.count {
            #expect(Array(whole.prefix(count)).withUnsafeBytes { EventScan($0) } == nil)
        }
    }

    @Test func nestingIsNoDanger() {
        let deep = String(repeating: "[", count: 200_000) + String(repeating: "]", count: 200_000)
        #expect(scan(#"{"a":\#(deep)}"#)?.kind == .message)
    }
}
