@testable import Doors

/// Percent encoding and form bodies: what is decoded and encoded again is decoded to the same, and every text can be
/// encoded.
enum Forms {
    static func run(_ input: inout FuzzInput) {
        let text = input.remainingText()
        let encoded = FormEncoding.encoded(text)
        for plusIsSpace in [false, true] {
            property(
                "what is encoded is decoded to what it was",
                holds: FormDecoding.decode(encoded, plusIsSpace: plusIsSpace).map { $0.utf8.elementsEqual(text.utf8) }
                    == true)
            if let decoded = FormDecoding.decode(text, plusIsSpace: plusIsSpace) {
                property("decoding makes nothing longer", holds: decoded.utf8.count <= text.utf8.count)
            }
        }
        if let parameters = FormDecoding.parameters(text) { check(parameters) }
        let pieces = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        if let target = RESTTarget(path: pieces[0], query: pieces.count == 2 ? pieces[1] : "") {
            let path = "/services/data" + target.elements.map { "/" + FormEncoding.encoded($0) }.joined()
            let again = RESTTarget(path: path, query: "")
            property(
                "a path that is written is read the same", holds: again.map { $0.elements == target.elements } == true)
        }
        _ = RESTTarget(part: text, allowsShort: true)
    }

    private static func check(_ parameters: [(name: String, value: String)]) {
        let query = parameters.map { "\(FormEncoding.encoded($0.name))=\(FormEncoding.encoded($0.value))" }
            .joined(separator: "&")
        guard let again = FormDecoding.parameters(query) else {
            fatalError("violated: parameters that are written are read")
        }
        property(
            "parameters that are written are read the same",
            holds: again.map(\.name) == parameters.map(\.name) && again.map(\.value) == parameters.map(\.value))
    }
}
