import NIOCore

@testable import ChangeEvents
@testable import Doors

/// JSON: what is read, written and read again is the same, in one line and in many; the two readers that we have, of
/// requests and of schemas, take the same documents.
enum JSONDocuments {
    static func run(_ input: inout FuzzInput) {
        let bytes = input.remaining()
        let text = String(validating: bytes, as: UTF8.self)
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONParser.parse(bytes)
        } catch {
            property("an error's place is in the text", holds: error.line >= 1 && error.column >= 1)
            property("an error has a reason", holds: !error.reason.isEmpty)
            _ = JSONParser.place(ofMember: "a", in: bytes)
            if let text, !error.reason.hasPrefix("The document nests deeper") {
                property(
                    "what one reader refuses the other does", holds: attempt { try JSONText(parsing: text) } == nil)
            }
            return
        }
        guard let text else { fatalError("violated: JSON is UTF-8") }
        property("what one reader takes the other does", holds: attempt { try JSONText(parsing: text) } != nil)
        for isPretty in [false, true] {
            var buffer = ByteBuffer()
            Doors.JSONWriter.write(document, pretty: isPretty, into: &buffer)
            let again = must("what is written is JSON") { try JSONParser.parse(buffer.readableBytesView) }
            property("what is written is read the same", holds: again == document)
        }
        guard case .object(let members) = document else { return }
        for member in members {
            property("a member has a place", holds: JSONParser.place(ofMember: member.name, in: bytes) != nil)
        }
    }
}
