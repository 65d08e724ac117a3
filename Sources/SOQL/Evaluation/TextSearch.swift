/// A search in texts with their case, for a database: bytes in bytes. Immutable, usable from any thread.
package final class TextSearch: Hashable, Sendable {
    package enum Kind: UInt8, Sendable {
        case contains = 0x63
        case startsWith = 0x73
        case endsWith = 0x65
        /// Contains it when both have no ASCII punctuation but hyphens and single spaces: `Sales Marketing` is in
        /// `Sales & Marketing`.
        case phrase = 0x70
    }

    package let kind: Kind
    /// As it is looked for: a phrase without its punctuation.
    private let wanted: [UInt8]

    package init(_ kind: Kind, _ text: String) {
        self.kind = kind
        wanted = kind == .phrase ? Self.words(text.utf8) : Array(text.utf8)
    }

    /// Its kind, as a letter, then its text.
    package convenience init?(encoded: String) {
        guard let kind = encoded.utf8.first.flatMap(Kind.init(rawValue:)) else { return nil }
        self.init(kind, String(decoding: encoded.utf8.dropFirst(), as: UTF8.self))
    }

    package var encoded: String { String(decoding: [kind.rawValue] + wanted, as: UTF8.self) }

    /// True for a phrase of nothing but punctuation, which would be found everywhere.
    package var isEmpty: Bool { wanted.isEmpty }

    package func matches(_ value: String) -> Bool {
        switch kind {
        case .contains: Self.contains(Array(value.utf8), wanted)
        case .startsWith: value.utf8.starts(with: wanted)
        case .endsWith: value.utf8.reversed().starts(with: wanted.reversed())
        case .phrase: Self.contains(Self.words(value.utf8), wanted)
        }
    }

    private static func words(_ text: String.UTF8View) -> [UInt8] {
        var words: [UInt8] = []
        words.reserveCapacity(text.count)
        for byte in text {
            switch byte {
            case 0...0x20, 0x7F:
                if let last = words.last, last != 0x20 { words.append(0x20) }
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), 0x80...0xFF:
                words.append(byte)
            default: break
            }
        }
        if words.last == 0x20 { words.removeLast() }
        return words
    }

    /// UTF-8 begins no character inside another, so that bytes found are characters found.
    private static func contains(_ text: [UInt8], _ wanted: [UInt8]) -> Bool {
        guard let first = wanted.first else { return true }
        guard wanted.count <= text.count else { return false }
        for start in 0...(text.count - wanted.count) where text[start] == first {
            if text[start..<start + wanted.count].elementsEqual(wanted) { return true }
        }
        return false
    }

    package static func == (left: TextSearch, right: TextSearch) -> Bool {
        left.kind == right.kind && left.wanted == right.wanted
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(wanted)
    }
}
