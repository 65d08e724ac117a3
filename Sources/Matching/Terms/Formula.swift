internal import SOQL

/// A condition as words of 32 bits over the terms of its channel.
///
/// | word | meaning |
/// |---|---|
/// | `00` term, `01` term | the term, or its opposite |
/// | `10` `0` length, `10` `1` length | all, or one, of the operands in the words that follow |
/// | `110` count, `111` count | the field equals one, or none, of the equality terms that follow, sorted |
///
/// No words: no condition. Operands are sorted, so that conditions that differ in their order are the same words.
enum Formula {
    typealias Word = UInt32

    static let never = group(isAny: true, length: 0)

    static func claim(_ term: UInt32, isNegated: Bool) -> Word { term | (isNegated ? 1 << 30 : 0) }
    static func group(isAny: Bool, length: Int) -> Word { 2 << 30 | (isAny ? 1 << 29 : 0) | checked(length) }
    static func list(isNegated: Bool, count: Int) -> Word { 3 << 30 | (isNegated ? 1 << 29 : 0) | checked(count) }

    /// Calls `body` with each term that the words name, as often as they do.
    static func forEachTerm(_ words: UnsafeBufferPointer<Word>, _ body: (UInt32) -> Void) {
        var index = 0
        while index < words.count {
            let word = words[index]
            index += 1
            switch word >> 30 {
            case 0, 1: body(word & termMask)
            case 2: break
            default:
                let end = index + Int(word & lengthMask)
                for place in index..<end { body(words[place]) }
                index = end
            }
        }
    }

    /// Whether the formula at `index` is `yes` on a side, which has a source.
    static func holds(
        _ words: UnsafeBufferPointer<Word>, at index: Int = 0, on side: Side, _ terms: inout TermTable
    ) -> Bool {
        let word = words[index]
        switch word >> 30 {
        case 0: return terms.truth(word, side) == .yes
        case 1: return terms.truth(word & termMask, side) == .no
        case 2:
            let isAny = word & 1 << 29 != 0
            let end = index + 1 + Int(word & lengthMask)
            var operand = index + 1
            while operand < end {
                if holds(words, at: operand, on: side, &terms) == isAny { return isAny }
                operand += size(words[operand])
            }
            return !isAny
        default:
            let list = UnsafeBufferPointer(rebasing: words[index + 1..<index + size(word)])
            return terms.truth(ofOneIn: list, side) == (word & 1 << 29 != 0 ? .no : .yes)
        }
    }

    /// Words of a formula that begins with this one.
    private static func size(_ word: Word) -> Int {
        word >> 31 == 0 ? 1 : 1 + Int(word & lengthMask)
    }

    private static let termMask: Word = 1 << 30 - 1
    private static let lengthMask: Word = 1 << 29 - 1

    private static func checked(_ length: Int) -> Word {
        // The parser admits 131,072 characters, of two conditions at most.
        precondition(length <= Int(lengthMask), "no condition is that long")
        return Word(length)
    }
}
