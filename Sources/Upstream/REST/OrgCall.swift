import Foundation
import NIOCore
import NIOHTTP1

/// One request to the org, before it has a session.
struct OrgCall: Sendable {
    var method: HTTPMethod = .GET
    /// From `/services/…`, with its query, escaped.
    var target: String
    var headers: [(name: String, value: String)] = []
    /// JSON.
    var body: ByteBuffer?
    /// Of one attempt.
    var deadline: Duration
    var isRepeatable = true
    /// Statuses beyond 2xx that are no failures.
    var accepted: Set<Int> = []
    /// Finds an error inside an answer that says success.
    var check: (@Sendable (OrgAnswer, _ secret: String) throws -> Void)?
}

/// An answer that was read as a whole.
struct OrgAnswer: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var body: ByteBuffer

    /// Reads the body as JSON. Throws `OrgAPIError(.answerUnreadable)`.
    func value() throws(OrgAPIError) -> RESTValue {
        do {
            return try RESTValue(json: body)
        } catch {
            throw OrgAPIError(
                .answerUnreadable, "The org's answer is not the JSON that was expected.", status: status, cause: error)
        }
    }

    static func unreadable(_ what: String) -> OrgAPIError {
        OrgAPIError(.answerUnreadable, "The org's answer has no \(what).")
    }
}

/// Escaping of what goes into a URL.
enum URLText {
    /// Everything but RFC 3986's unreserved characters becomes `%XX`: right in a path and in a query.
    static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes.append(UInt8(ascii: "%"))
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// An address that the org has handed out: a path of its API, and nothing else. Anything else could carry the token to
    /// another host. Throws `OrgAPIError(.answerUnreadable)`.
    static func target(_ given: String) throws(OrgAPIError) -> String {
        let path = given.hasPrefix("/") ? given : "/" + given
        guard path.hasPrefix("/services/data/"), !path.contains("://"), !path.contains(".."), path.utf8.count <= 8_000,
            path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") })
        else {
            throw OrgAPIError(.answerUnreadable, "The org hands out an address that is not one of its API.")
        }
        return path
    }

    /// The value of a parameter of an address, unescaped.
    static func parameter(_ name: String, of target: String) -> String? {
        guard let mark = target.firstIndex(of: "?") else { return nil }
        for part in target[target.index(after: mark)...].split(separator: "&") where part.hasPrefix(name + "=") {
            return String(part.dropFirst(name.count + 1)).removingPercentEncoding
        }
        return nil
    }
}
