/// A `LIKE` pattern, prepared: the pieces between `%`, each searched for from the left.
///
/// Taking the leftmost place of each piece is right because a piece has a fixed length in characters. The time is
/// linear in the value for pieces without `_` and in value × piece / 64 for those with it, so a hostile pattern on a
/// long text stays cheap.
final class LikeMatcher: Sendable {
    private let pieces: [LikePiece]
    /// The first piece must stand at the start of the value, the last at its end.
    private let isAnchoredAtStart: Bool
    private let isAnchoredAtEnd: Bool

    init(_ pattern: LikePattern) {
        var pieces: [LikePiece] = []
        var piece: [LikePiece.Unit] = []
        for element in pattern.elements {
            switch element {
            case .text(let text): piece += FoldedText.fold(text.string).map { .byte($0) }
            case .anyCharacter: piece.append(.anyCharacter)
            case .anyText:
                if !piece.isEmpty { pieces.append(LikePiece(piece)) }
                piece = []
            }
        }
        if !piece.isEmpty { pieces.append(LikePiece(piece)) }
        self.pieces = pieces
        isAnchoredAtStart = pattern.elements.first != .anyText
        isAnchoredAtEnd = pattern.elements.last != .anyText
    }

    func matches(_ value: String) -> Bool {
        FoldedText.withFolded(value) { matches($0) }
    }

    private func matches(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        // No piece: '' (matches the empty text) or '%'.
        guard let first = pieces.first, let last = pieces.last else { return !isAnchoredAtStart || value.isEmpty }
        var start = 0
        var rest = pieces[...]
        if isAnchoredAtStart {
            guard let end = first.end(in: value, at: 0) else { return false }
            start = end
            rest = rest.dropFirst()
            if rest.isEmpty, isAnchoredAtEnd { return start == value.count }
        }
        if isAnchoredAtEnd, !rest.isEmpty {
            rest = rest.dropLast()
            guard let lastStart = last.start(in: value, endingAt: value.count) else { return false }
            for piece in rest {
                guard let end = piece.search(in: value, from: start) else { return false }
                start = end
            }
            return start <= lastStart
        }
        for piece in rest {
            guard let end = piece.search(in: value, from: start) else { return false }
            start = end
        }
        return true
    }
}

/// A piece of a pattern without `%`: folded bytes and `_`, which stands for one Unicode scalar.
struct LikePiece: Sendable {
    enum Unit: Hashable, Sendable {
        case byte(UInt8)
        case anyCharacter
    }

    private let units: [Unit]
    private let search: Search

    private enum Search: Sendable {
        /// Knuth–Morris–Pratt: for each prefix the length of its longest border.
        case plain([UInt8], borders: [Int])
        /// Shift-And over scalars: for each scalar of the piece the places where it (or `_`) stands, 64 to a word.
        case masked(MaskedSearch)
    }

    init(_ units: [Unit]) {
        self.units = units
        let bytes = units.compactMap { if case .byte(let byte) = $0 { byte } else { nil } }
        search = bytes.count == units.count ? .plain(bytes, borders: Self.borders(bytes)) : .masked(MaskedSearch(units))
    }

    /// Where the piece ends if it stands at `start`.
    func end(in value: UnsafeBufferPointer<UInt8>, at start: Int) -> Int? {
        var index = start
        for unit in units {
            guard index < value.count else { return nil }
            switch unit {
            case .byte(let byte):
                guard value[index] == byte else { return nil }
                index += 1
            case .anyCharacter:
                index += 1
                while index < value.count, value[index] & 0xC0 == 0x80 { index += 1 }
            }
        }
        return index
    }

    /// Where the piece starts if it stands before `end`.
    func start(in value: UnsafeBufferPointer<UInt8>, endingAt end: Int) -> Int? {
        var index = end
        for unit in units.reversed() {
            guard index > 0 else { return nil }
            index -= 1
            switch unit {
            case .byte(let byte): guard value[index] == byte else { return nil }
            case .anyCharacter: while index > 0, value[index] & 0xC0 == 0x80 { index -= 1 }
            }
        }
        return index
    }

    /// Where the leftmost occurrence from `start` on ends.
    func search(in value: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        switch search {
        case .masked(let search): return search.end(in: value, from: start)
        case .plain(let bytes, let borders):
            var matched = 0
            var index = start
            while index < value.count {
                while matched > 0, value[index] != bytes[matched] { matched = borders[matched - 1] }
                if value[index] == bytes[matched] { matched += 1 }
                index += 1
                if matched == bytes.count { return index }
            }
            return nil
        }
    }

    private static func borders(_ bytes: [UInt8]) -> [Int] {
        var borders = [Int](repeating: 0, count: bytes.count)
        var matched = 0
        for index in bytes.indices.dropFirst() {
            while matched > 0, bytes[index] != bytes[matched] { matched = borders[matched - 1] }
            if bytes[index] == bytes[matched] { matched += 1 }
            borders[index] = matched
        }
        return borders
    }
}

/// Finds a piece with `_` in it: one bit per place of the piece, all places advanced together at each scalar of the
/// value.
struct MaskedSearch: Sendable {
    /// Places of each scalar that the piece names, `_` included.
    private let masks: [UInt32: [UInt64]]
    /// Places of `_` alone.
    private let anyMask: [UInt64]
    private let length: Int

    init(_ units: [LikePiece.Unit]) {
        // The bytes between two `_` are whole scalars, because the pattern was cut between scalars.
        var scalars: [UInt32?] = []
        var bytes: [UInt8] = []
        func take() {
            scalars += String(decoding: bytes, as: UTF8.self).unicodeScalars.map { $0.value }
            bytes = []
        }
        for unit in units {
            switch unit {
            case .byte(let byte): bytes.append(byte)
            case .anyCharacter:
                take()
                scalars.append(nil)
            }
        }
        take()
        let words = (scalars.count + 63) / 64
        var any = [UInt64](repeating: 0, count: words)
        for (place, scalar) in scalars.enumerated() where scalar == nil { any[place / 64] |= 1 << (place % 64) }
        var masks: [UInt32: [UInt64]] = [:]
        for (place, scalar) in scalars.enumerated() {
            if let scalar { masks[scalar, default: any][place / 64] |= 1 << (place % 64) }
        }
        self.masks = masks
        anyMask = any
        length = scalars.count
    }

    func end(in value: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        var state = [UInt64](repeating: 0, count: anyMask.count)
        let final = (length - 1) / 64
        let finalBit: UInt64 = 1 << ((length - 1) % 64)
        var index = start
        while index < value.count {
            let scalar = Self.scalar(in: value, at: &index)
            let mask = masks[scalar] ?? anyMask
            var carry: UInt64 = 1
            for word in state.indices {
                let next = state[word] >> 63
                state[word] = (state[word] << 1 | carry) & mask[word]
                carry = next
            }
            if state[final] & finalBit != 0 { return index }
        }
        return nil
    }

    /// Decodes the scalar at `index` (valid UTF-8) and moves past it.
    private static func scalar(in value: UnsafeBufferPointer<UInt8>, at index: inout Int) -> UInt32 {
        let first = value[index]
        index += 1
        if first < 0x80 { return UInt32(first) }
        var scalar = UInt32(first) & (first < 0xE0 ? 0x1F : first < 0xF0 ? 0x0F : 0x07)
        while index < value.count, value[index] & 0xC0 == 0x80 {
            scalar = scalar << 6 | UInt32(value[index] & 0x3F)
            index += 1
        }
        return scalar
    }
}
