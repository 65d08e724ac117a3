internal import NIOCore

/// Reads `multipart/form-data` (RFC 7578) far enough for a job and its rows: the parts' names and their bytes.
enum MultipartBody {
    /// Nil where the type is another.
    static func boundary(_ contentType: String?) -> String? {
        guard let contentType else { return nil }
        let parts = contentType.split(separator: ";")
        guard parts.first?.filter({ $0 != " " }).lowercased() == "multipart/form-data" else { return nil }
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, pair[0].filter({ $0 != " " }).lowercased() == "boundary" else { continue }
            return pair[1].trimmed(quotes: true)
        }
        return ""
    }

    static func parts(_ body: ByteBuffer, boundary: String) throws(OrgError) -> [String: ByteBuffer] {
        guard (1...70).contains(boundary.utf8.count) else { throw malformed("the boundary is missing or too long") }
        let bytes = Array(body.readableBytesView)
        let delimiter = Array("--\(boundary)".utf8)
        var parts: [String: ByteBuffer] = [:]
        guard var place = find(delimiter, in: bytes[...], from: 0) else {
            throw malformed("the boundary is not in the body")
        }
        while true {
            place += delimiter.count
            if bytes[place...].starts(with: Array("--".utf8)) { return parts }
            guard let end = find(delimiter, in: bytes[...], from: place) else {
                throw malformed("the last part does not end")
            }
            let (name, content) = try part(bytes[place..<end])
            guard parts.updateValue(ByteBuffer(bytes: content), forKey: name) == nil else {
                throw malformed("the part \(name) stands twice")
            }
            place = end
        }
    }

    /// From behind one boundary to the next.
    private static func part(_ bytes: ArraySlice<UInt8>) throws(OrgError) -> (String, ArraySlice<UInt8>) {
        // Some clients end lines with LF alone.
        guard let lineEnd = bytes.firstIndex(of: 0x0A) else { throw malformed("a part has no headers") }
        let rest = bytes[(lineEnd + 1)...]
        let blanks = ["\r\n\r\n", "\n\n"].compactMap { mark in
            find(Array(mark.utf8), in: rest, from: rest.startIndex).map { ($0, mark.utf8.count) }
        }
        guard let (blank, count) = blanks.min(by: { $0.0 < $1.0 }) else {
            throw malformed("a part has no end of its headers")
        }
        var content = rest[(blank + count)...]
        if content.last == 0x0A { content.removeLast() }
        if content.last == 0x0D { content.removeLast() }
        for line in String(decoding: rest[..<blank], as: UTF8.self).split(whereSeparator: \.isNewline) {
            guard line.lowercased().hasPrefix("content-disposition:") else { continue }
            for parameter in line.split(separator: ";").dropFirst() {
                let pair = parameter.split(separator: "=", maxSplits: 1)
                if pair.count == 2, pair[0].filter({ $0 != " " }).lowercased() == "name" {
                    return (pair[1].trimmed(quotes: true), content)
                }
            }
        }
        throw malformed("a part has no name")
    }

    private static func find(_ mark: [UInt8], in bytes: ArraySlice<UInt8>, from start: Int) -> Int? {
        guard let first = mark.first else { return nil }
        var place = start
        while let found = bytes[place...].firstIndex(of: first) {
            if bytes[found...].starts(with: mark) { return found }
            place = found + 1
        }
        return nil
    }

    private static func malformed(_ reason: String) -> OrgError {
        OrgError(status: 400, errorCode: "ClientInputError", message: "The multipart body cannot be read: \(reason)")
    }
}

extension Substring {
    func trimmed(quotes: Bool) -> String {
        let outside: Set<Character> = quotes ? [" ", "\"", "\r"] : [" ", "\r"]
        return String(drop { outside.contains($0) }.reversed().drop { outside.contains($0) }.reversed())
    }
}
