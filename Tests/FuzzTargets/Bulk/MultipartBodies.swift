import NIOCore

@testable import Doors

/// `multipart/form-data`: parts that are written are read the same, whatever stands in them.
enum MultipartBodies {
    static func run(_ input: inout FuzzInput) {
        let boundary = String(decoding: input.part(until: 0x0A), as: UTF8.self)
        let body = input.remaining()
        guard let parts = attempt({ try MultipartBody.parts(ByteBuffer(bytes: body), boundary: boundary) }) else {
            return
        }
        property(
            "parts are no more than their body", holds: parts.values.reduce(0) { $0 + $1.readableBytes } <= body.count)
        write(parts, boundary)
    }

    private static func write(_ parts: [String: ByteBuffer], _ boundary: String) {
        // What would end the name's quotes or its line has no form that we read.
        let plain = parts.filter { part in
            part.key.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x22 && $0 != 0x3B && $0 < 0x7F }
                && part.key.trimming == part.key
        }
        guard !plain.isEmpty, boundary.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return }
        var body = ByteBuffer()
        for (name, content) in plain {
            body.writeString("--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n")
            body.writeImmutableBuffer(content)
            body.writeString("\r\n")
        }
        body.writeString("--\(boundary)--\r\n")
        let again = must("parts that are written can be read") { try MultipartBody.parts(body, boundary: boundary) }
        property("parts that are written are read the same", holds: again == plain)
    }
}

extension String {
    fileprivate var trimming: String { Substring(self).trimmed(quotes: true) }
}
