import Crypto

/// Why a text diff could not be applied; the record must then be read from the org.
public struct TextDiffError: Error, Sendable, Hashable {
    public struct Code: Sendable, Hashable {
        private enum Kind: String, Sendable { case malformed, mismatch }
        private let kind: Kind

        /// The string is not a diff.
        public static let malformedDiff = Code(kind: .malformed)
        /// The diff is not one of this old text: a line is not there, or the result has another hash.
        public static let otherText = Code(kind: .mismatch)
    }

    public var code: Code
    /// A sentence for a person; holds no text of the field.
    public var message: String

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
}

/// The unified diff without context lines in which Salesforce sends a change of a long text.
///
/// `--- `, `+++ ` and the SHA-256 of the new text, then hunks: `@@ -2,1 +2,1 @@`, `-old line`, `+new line`. The hash is
/// taken of the new text with its own line breaks, which the diff does not hold: they are those of the old text.
public enum TextDiff {
    /// The new text. Throws where the diff does not fit `old` exactly, the hash included.
    public static func apply(_ diff: String, to old: String) throws(TextDiffError) -> String {
        let (hash, hunks) = try parse(diff)
        let oldLines = lines(of: old)
        var newLines: [Substring] = []
        var position = 0
        for hunk in hunks {
            guard hunk.start >= position, hunk.start + hunk.removed.count <= oldLines.count else {
                throw TextDiffError(code: .otherText, message: "the diff reaches beyond the stored text")
            }
            newLines += oldLines[position..<hunk.start]
            guard zip(hunk.removed, oldLines[hunk.start...]).allSatisfy({ $0.utf8.elementsEqual($1.utf8) }) else {
                throw TextDiffError(code: .otherText, message: "a removed line is not in the stored text")
            }
            newLines += hunk.added
            position = hunk.start + hunk.removed.count
        }
        newLines += oldLines[position...]
        for text in candidates(newLines, old: old) where hexadecimal(SHA256.hash(data: Array(text.utf8))) == hash {
            return text
        }
        throw TextDiffError(code: .otherText, message: "the result does not have the hash that the diff states")
    }

    private struct Hunk {
        /// Lines of the old text before the hunk.
        var start: Int
        var removed: [Substring] = []
        var added: [Substring] = []
    }

    private static func malformed(_ message: String) -> TextDiffError {
        TextDiffError(code: .malformedDiff, message: message)
    }

    private static func parse(_ diff: String) throws(TextDiffError) -> (hash: Substring, hunks: [Hunk]) {
        // The lines of the diff end with \n alone, whatever the text's own line breaks are. By unicode scalar, since
        // \r\n is one character.
        var lines = diff.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { Substring($0) }
        if lines.last?.isEmpty == true { lines.removeLast() }
        guard lines.count >= 2, lines[0].hasPrefix("---"), lines[1].hasPrefix("+++ ") else {
            throw malformed("the diff has no head")
        }
        let hash = lines[1].dropFirst(4)
        guard hash.utf8.count == 64 else { throw malformed("the diff has no SHA-256") }
        var hunks: [Hunk] = []
        var index = 2
        while index < lines.count {
            let (oldStart, oldCount, newCount) = try head(lines[index])
            index += 1
            // Line numbers begin at 1; a hunk that removes nothing names the line after which it adds.
            var hunk = Hunk(start: oldCount == 0 ? oldStart : oldStart - 1)
            guard hunk.start >= 0, oldCount <= lines.count - index, newCount <= lines.count - index - oldCount else {
                throw malformed("a hunk is cut off")
            }
            for _ in 0..<oldCount { hunk.removed.append(try body(lines[index], mark: "-", &index)) }
            for _ in 0..<newCount { hunk.added.append(try body(lines[index], mark: "+", &index)) }
            hunks.append(hunk)
        }
        return (hash, hunks)
    }

    private static func body(
        _ line: Substring, mark: Unicode.Scalar, _ index: inout Int
    ) throws(TextDiffError) -> Substring {
        guard line.unicodeScalars.first == mark else { throw malformed("a hunk has not as many lines as it says") }
        index += 1
        return Substring(line.unicodeScalars.dropFirst())
    }

    /// `@@ -2,1 +2,1 @@`; a missing count is 1.
    private static func head(_ line: Substring) throws(TextDiffError) -> (oldStart: Int, oldCount: Int, newCount: Int) {
        let parts = line.split(separator: " ")
        guard parts.count >= 4, parts[0] == "@@", parts[3] == "@@",
            let (oldStart, oldCount) = range(parts[1], mark: "-"), let (_, newCount) = range(parts[2], mark: "+")
        else { throw malformed("a hunk has no head") }
        return (oldStart, oldCount, newCount)
    }

    private static func range(_ text: Substring, mark: Character) -> (start: Int, count: Int)? {
        guard text.first == mark else { return nil }
        let numbers = text.dropFirst().split(separator: ",", omittingEmptySubsequences: false)
        // Texts have at most 131,072 characters, so larger numbers are not line numbers.
        guard numbers.count <= 2, let start = Int32(numbers[0]), start >= 0 else { return nil }
        guard numbers.count == 2 else { return (Int(start), 1) }
        guard let count = Int32(numbers[1]), count >= 0 else { return nil }
        return (Int(start), Int(count))
    }

    /// Splits as Java's `BufferedReader.readLine` does: at \n, \r and \r\n; no empty line after the last break.
    static func lines(of text: String) -> [Substring] {
        var lines: [Substring] = []
        let scalars = text.unicodeScalars
        var start = scalars.startIndex
        var index = start
        while index < scalars.endIndex {
            let scalar = scalars[index]
            let next = scalars.index(after: index)
            guard scalar == "\n" || scalar == "\r" else {
                index = next
                continue
            }
            lines.append(Substring(scalars[start..<index]))
            index =
                scalar == "\r" && next < scalars.endIndex && scalars[next] == "\n" ? scalars.index(after: next) : next
            start = index
        }
        if start < scalars.endIndex { lines.append(Substring(scalars[start...])) }
        return lines
    }

    /// The texts that the lines may stand for: with the old text's line break or, where it had none, each of the three.
    /// A break at the end is lost by the splitting, so each is tried without and with it.
    private static func candidates(_ lines: [Substring], old: String) -> [String] {
        var breaks = ["\r\n", "\n", "\r"]
        if let found = breaks.first(where: { old.utf8.contains($0.utf8) }) {
            breaks = [found] + breaks.filter { $0 != found }
        }
        return breaks.flatMap { lineBreak in
            let text = lines.joined(separator: lineBreak)
            return [text, text + lineBreak]
        }
    }

    static func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

extension String.UTF8View {
    /// True when the bytes of `other` stand somewhere in these.
    fileprivate func contains(_ other: String.UTF8View) -> Bool {
        let wanted = Array(other)
        guard let first = wanted.first else { return true }
        var index = startIndex
        while let found = self[index...].firstIndex(of: first) {
            if self[found...].starts(with: wanted) { return true }
            index = self.index(after: found)
        }
        return false
    }
}
