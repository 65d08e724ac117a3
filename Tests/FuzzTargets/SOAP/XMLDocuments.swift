import NIOCore

@testable import Doors

/// XML: what is read, written and read again is the same, so that no character is in it that XML has not; a SOAP envelope is
/// taken apart.
enum XMLDocuments {
    static func run(_ input: inout FuzzInput) {
        let bytes = input.remaining()
        _ = attempt { try SOAPCall(ByteBuffer(bytes: bytes)) }
        let root: XMLElement
        do throws(XMLError) {
            root = try XMLReader.parse(bytes)
        } catch {
            property("an error's place is in the text", holds: (0...bytes.count).contains(error.offset))
            property("an error has a reason", holds: !error.reason.isEmpty)
            return
        }
        let again = must("what is written is XML") { try XMLReader.parse(text(of: root).utf8) }
        property("what is written is read the same", holds: again == root)
    }

    /// With a prefix: the part of a name behind it may begin as no name does.
    private static func text(of element: XMLElement) -> String {
        let attributes = element.attributes.map { " p:\($0.key)=\"\(XMLText.escaped($0.value))\"" }.joined()
        let children = element.children.map { text(of: $0) }.joined()
        return "<p:\(element.name)\(attributes)>\(XMLText.escaped(element.text))\(children)</p:\(element.name)>"
    }
}
