import ChangeEvents
import Foundation
import NIOCore
import Testing

struct EventJSONTests {
    private let header = ChangeEventHeader(
        entityName: "Case", recordIDs: ["500A", "500B"], changeType: .update, changeOrigin: "o", transactionKey: "t",
        sequenceNumber: 1, commitTimestamp: 2, commitNumber: .max, commitUser: "005",
        nulledFields: ["0x02"], diffFields: [], changedFields: ["0x06"])

    private func write(
        changed: [String] = [], recordIDs: [String]? = nil, values: [String: FieldValue], mask: EventSchema.Mask = .all
    ) -> String {
        var buffer = ByteBuffer(string: "before")
        EventJSON.write(
            header: header, changedFields: changed, recordIDs: recordIDs, values: values, mask: mask, into: &buffer)
        let text = String(buffer: buffer)
        #expect(text.hasPrefix("before"))
        return String(text.dropFirst(6))
    }

    @Test func everyKindOfValueIsWritten() throws {
        let text = write(
            changed: ["Status", "BillingAddress.City"],
            values: [
                "Null": .null, "Yes": .boolean(true), "Int": .integer(.min), "Double": .double(0.1),
                "NaN": .double(.nan),
                "Text": .string("a\u{1}\"\\/"), "Date": .date(milliseconds: -1),
                "DateTime": .dateTime(milliseconds: -1),
                "Time": .time(milliseconds: 86_399_999), "List": .list(["x", ""]),
            ])
        #expect(
            text == """
                {"ChangeEventHeader":{"entityName":"Case","recordIds":["500A","500B"],"changeType":"UPDATE","changeOrigin":"o",\
                "transactionKey":"t","sequenceNumber":1,"commitTimestamp":2,"commitNumber":9223372036854775807,"commitUser":"005",\
                "changedFields":["Status","BillingCity"]},"Date":"1969-12-31","DateTime":"1969-12-31T23:59:59.999Z",\
                "Double":0.1,"Int":-9223372036854775808,"List":["x",""],"NaN":null,"Null":null,"Text":"a\\u0001\\"\\\\/",\
                "Time":"23:59:59.999Z","Yes":true}
                """)
    }

    @Test func theMaskAppliesToValuesAndNames() throws {
        let text = write(
            changed: ["Status", "Name.LastName", "Secret__c"], recordIDs: ["500A"],
            values: ["Status": .string("New"), "LastName": .string("Ohm"), "Secret__c": .string("s")],
            mask: .init(flatNames: ["LastName", "Status"]))
        #expect(text.hasSuffix(#""changedFields":["Status","LastName"]},"LastName":"Ohm","Status":"New"}"#))
        #expect(text.contains(#""recordIds":["500A"]"#))
    }

    @Test func leftHoldsNoValues() throws {
        var buffer = ByteBuffer()
        EventJSON.writeLeft(header: header, recordIDs: ["500B"], into: &buffer)
        let object = try object(ofJSON: String(buffer: buffer))
        let written = try #require(object["ChangeEventHeader"] as? [String: Any])
        #expect(object.count == 1 && written.count == 10)
        #expect(written["recordIds"] as? [String] == ["500B"] && written["changedFields"] as? [String] == [])
    }

    @Test func largeValuesFindRoom() throws {
        let long = String(repeating: "\"\n", count: 200_000)
        let object = try object(ofJSON: write(values: ["Description": .string(long)]))
        #expect(object["Description"] as? String == long)
    }
}
