import ChangeEvents
import Foundation
import NIOCore
import Testing

struct JSONValueTests {
    private let header = ChangeEventHeader(
        entityName: "Case", recordIDs: ["500A", "500B"], changeType: .update, changeOrigin: "o", transactionKey: "t",
        sequenceNumber: 1, commitTimestamp: 2, commitNumber: .max, commitUser: "005",
        nulledFields: ["0x02"], diffFields: [], changedFields: ["0x06"])

    private func write(_ body: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer(string: "before")
        body(&buffer)
        let text = String(buffer: buffer)
        #expect(text.hasPrefix("before"))
        return String(text.dropFirst(6))
    }

    private func json(_ value: FieldValue) -> String { write { $0.writeJSON(value: value) } }

    @Test func everyKindOfValueIsWritten() {
        #expect(
            json(.null) == "null" && json(.boolean(true)) == "true" && json(.integer(.min)) == "-9223372036854775808")
        #expect(json(.double(0.1)) == "0.1" && json(.double(3)) == "3.0" && json(.double(.nan)) == "null")
        #expect(json(.string("a\u{1}\"\\/")) == #""a\u0001\"\\/""#)
        #expect(json(.date(milliseconds: -1)) == #""1969-12-31""#)
        #expect(json(.dateTime(milliseconds: -1)) == #""1969-12-31T23:59:59.999Z""#)
        #expect(json(.time(milliseconds: 86_399_999)) == #""23:59:59.999Z""#)
        #expect(json(.list(["x", ""])) == #"["x",""]"#)
    }

    /// Writing a date-time of the first day that 64 bits hold once trapped: an org could end the process with one value.
    @Test func theFirstAndTheLastInstantAreWritten() {
        #expect(json(.dateTime(milliseconds: .min)) == #""-292275055-05-16T16:47:04.192Z""#)
        #expect(json(.dateTime(milliseconds: .max)) == #""+292278994-08-17T07:12:55.807Z""#)
        #expect(json(.date(milliseconds: .min)) == #""-292275055-05-16""#)
        #expect(json(.time(milliseconds: .min)) == "-9223372036854775808")
    }

    @Test func theHeaderHasNamesInPlaceOfBitmaps() {
        let text = write {
            $0.writeJSON(header: header, recordIDs: ["500B"], changedFields: ["Status", "BillingAddress.City"])
        }
        #expect(
            text == """
                "ChangeEventHeader":{"entityName":"Case","recordIds":["500B"],"changeType":"UPDATE","changeOrigin":"o",\
                "transactionKey":"t","sequenceNumber":1,"commitTimestamp":2,"commitNumber":9223372036854775807,"commitUser":"005",\
                "changedFields":["Status","BillingAddress.City"]}
                """)
    }

    @Test func largeValuesFindRoom() throws {
        let long = String(repeating: "\"\n", count: 200_000)
        let text = try object(ofJSON: "{\"Description\":" + json(.string(long)) + "}")
        #expect(text["Description"] as? String == long)
        let list = try object(ofJSON: "{\"List\":" + json(.list([long, long])) + "}")
        #expect(list["List"] as? [String] == [long, long])
    }
}
