import ChangeEvents
import Foundation
import NIOCore
import Testing

@testable import millrace

struct EventPrinterTests {
    /// Event ids are the org's: a quotation mark in one once broke the line.
    @Test func aLineIsJSONWhateverTheOrgSends() throws {
        let topic = "/event/A\"__e"
        let event = ReceivedEvent(
            topic: topic, replayID: ReplayID(counter: 7), eventID: "\"\n{", schemaID: SchemaID("\\"),
            payload: ByteBuffer())
        let line = try EventPrinter(topic: topic, countMax: nil).line(event, schema: nil)
        let text = String(buffer: line)
        #expect(text.hasSuffix("}\n") && text.dropLast().allSatisfy { $0 != "\n" })
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String]
        #expect(object == ["topic": topic, "replayId": "7", "eventId": "\"\n{", "schema": "\\"])
    }
}
