internal import NIOCore

/// What stands in the path, and which namespaces follow from it.
enum SOAPFlavour: String, Sendable {
    case partner = "u"
    case enterprise = "c"

    var namespace: String { self == .partner ? "urn:partner.soap.sforce.com" : "urn:enterprise.soap.sforce.com" }
    var faultNamespace: String {
        self == .partner ? "urn:fault.partner.soap.sforce.com" : "urn:fault.enterprise.soap.sforce.com"
    }
    /// Of records and their fields.
    var recordNamespace: String {
        self == .partner ? "urn:sobject.partner.soap.sforce.com" : "urn:sobject.enterprise.soap.sforce.com"
    }
}

/// A SOAP envelope, taken apart.
struct SOAPCall: Sendable {
    /// Elements of one call: 200 records of a hundred fields.
    static let elementsMax = 40_000

    var operation: XMLElement
    var sessionID: String?
    /// `client` of `CallOptions`.
    var clientName: String?
    /// `AllOrNoneHeader`
    var allOrNone = false
    /// `batchSize` of `QueryOptions`.
    var batchSize: Int?
    /// `updateMru` of `MruHeader`.
    var updatesRecent = false

    init(_ body: ByteBuffer) throws {
        let root = try XMLReader.parse(body.readableBytesView, elementsMax: Self.elementsMax)
        guard root.name == "Envelope", let content = root.child("Body"), let operation = content.children.first else {
            throw SOAPFault(code: "INVALID_OPERATION", message: "The request is not a SOAP envelope with a body")
        }
        self.operation = operation
        guard let header = root.child("Header") else { return }
        sessionID = header.child("SessionHeader")?.child("sessionId")?.trimmedText
        clientName = header.child("CallOptions")?.child("client").map {
            String($0.trimmedText.prefix(CallContext.clientNameMax))
        }
        allOrNone = header.child("AllOrNoneHeader")?.child("allOrNone")?.flag ?? false
        batchSize = header.child("QueryOptions")?.child("batchSize").flatMap { Int($0.trimmedText) }
        updatesRecent = header.child("MruHeader")?.child("updateMru")?.flag ?? false
    }

    /// The text of an argument; nil where it is missing, empty or nil.
    func text(_ name: String) -> String? { operation.textOfChild(name) }

    /// The texts of an argument that can be given several times.
    func texts(_ name: String) -> [String] { operation.textsOfChildren(name) }
}

extension XMLElement {
    /// Nil where the child is missing, empty or `xsi:nil`.
    func textOfChild(_ name: String) -> String? { textsOfChildren(name).first }

    func textsOfChildren(_ name: String) -> [String] {
        children.filter { $0.name == name && !$0.isNil }.map(\.trimmedText).filter { !$0.isEmpty }
    }

    /// `true`, `1`; nil for what is neither that nor its opposite.
    var flag: Bool? {
        switch trimmedText {
        case "true", "1": true
        case "false", "0": false
        default: nil
        }
    }

    func flagOfChild(_ name: String) -> Bool { child(name)?.flag ?? false }

    var trimmedText: String {
        let kept = text.drop { $0.isWhitespace }
        guard let last = kept.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(kept[...last])
    }
}
