/// Text that stands in JSON as it is: ASCII without control characters, quotes and backslashes.
enum PlainText {
    @inline(__always)
    static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x80 && byte != 0x22 && byte != 0x5C
    }

    /// Where the plain text that begins at `start` ends.
    static func end(of text: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard let base = text.baseAddress else { return start }
        var index = start
        while index &+ 8 <= text.count, isPlain(base.loadUnaligned(fromByteOffset: index, as: UInt64.self)) {
            index &+= 8
        }
        while index < text.count, isPlain(text[index]) { index &+= 1 }
        return index
    }

    /// Eight bytes at once. The subtractions may also mark a byte above one that is rightly marked: harmless.
    @inline(__always)
    static func isPlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let marks = word | (word &- ones &* 0x20) | (quote &- ones) | (backslash &- ones)
        return marks & tops == 0
    }
}

/// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
enum UTF8Sequence {
    /// Bytes of the well-formed sequence at `index`, which is not ASCII; 0 when there is none.
    static func length(_ text: UnsafeRawBufferPointer, at index: Int) -> Int {
        let first = text[index]
        let left = text.count - index
        func isContinuation(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            offset < left && range.contains(text[index + offset])
        }
        switch first {
        case 0xC2...0xDF: return isContinuation(1) ? 2 : 0
        case 0xE0: return isContinuation(1, 0xA0...0xBF) && isContinuation(2) ? 3 : 0
        case 0xED: return isContinuation(1, 0x80...0x9F) && isContinuation(2) ? 3 : 0
        case 0xE1...0xEF: return isContinuation(1) && isContinuation(2) ? 3 : 0
        case 0xF0: return isContinuation(1, 0x90...0xBF) && isContinuation(2) && isContinuation(3) ? 4 : 0
        case 0xF1...0xF3: return isContinuation(1) && isContinuation(2) && isContinuation(3) ? 4 : 0
        case 0xF4: return isContinuation(1, 0x80...0x8F) && isContinuation(2) && isContinuation(3) ? 4 : 0
        default: return 0
        }
    }

    @inline(__always)
    static func isValid(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let base = text.baseAddress else { return true }
        var index = 0
        while index &+ 8 <= text.count {
            guard base.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 else { break }
            index &+= 8
        }
        while index < text.count {
            if text[index] < 0x80 {
                index &+= 1
            } else {
                let length = length(text, at: index)
                guard length > 0 else { return false }
                index &+= length
            }
        }
        return true
    }
}
