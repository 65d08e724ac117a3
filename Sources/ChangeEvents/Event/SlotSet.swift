/// A set of slots (see `EventProgram`) in borrowed words. Lives inside the closure that lent the memory.
struct SlotSet {
    private let words: UnsafeMutablePointer<UInt64>
    private let wordCount: Int

    /// `words` must be initialized.
    init(_ words: UnsafeMutablePointer<UInt64>, wordCount: Int) {
        self.words = words
        self.wordCount = wordCount
    }

    /// A set in a table: only to be read.
    init(reading table: UnsafeBufferPointer<UInt64>) {
        self.init(
            UnsafeMutablePointer(mutating: table.baseAddress ?? UnsafePointer(bitPattern: 8).unsafelyUnwrapped),
            wordCount: table.count)
    }

    /// Lends the words of `count` empty sets.
    static func withSets<Outcome>(
        _ count: Int, wordCount: Int, _ body: (_ sets: (Int) -> SlotSet) -> Outcome
    ) -> Outcome {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: max(count * wordCount, 1)) { memory in
            memory.initialize(repeating: 0)
            guard let base = memory.baseAddress else {
                preconditionFailure("an allocation of at least one word has an address")
            }
            return body { SlotSet(base + $0 * wordCount, wordCount: wordCount) }
        }
    }

    @inline(__always)
    func contains(_ slot: Int) -> Bool { words[slot >> 6] >> UInt64(slot & 63) & 1 == 1 }

    @inline(__always)
    func insert(_ slot: Int) { words[slot >> 6] |= 1 << UInt64(slot & 63) }

    func formUnion(_ other: SlotSet) {
        for index in 0..<wordCount { words[index] |= other.words[index] }
    }

    /// Calls `body` with each slot, in increasing order.
    @inline(__always)
    func forEach(_ body: (Int) -> Void) {
        for index in 0..<wordCount {
            var word = words[index]
            while word != 0 {
                body(index << 6 | word.trailingZeroBitCount)
                word &= word &- 1
            }
        }
    }
}

/// The notation of `changedFields`, `nulledFields` and `diffFields`: `0x800000` for fields, `6-0x01` for components of
/// field 6; big-endian, bit *i* for index *i*, of any length.
enum BitmapNotation {
    /// Adds the slots of one element to a set; returns what is wrong with it, or nil.
    static func add(
        _ element: UnsafeRawBufferPointer, fields: UnsafeBufferPointer<EventProgram.Field>, to set: SlotSet
    ) -> AvroFault.Code? {
        var start = 0
        var index: Int?
        while start < element.count, (0x30...0x39).contains(element[start]) {
            // Stops at the x of 0x; a schema has far fewer than 100,000 fields.
            if start + 1 < element.count, element[start] == 0x30, element[start + 1] == UInt8(ascii: "x"), start == 0 {
                break
            }
            guard start < 6 else { return .bitOutOfRange }
            index = (index ?? 0) * 10 + Int(element[start] - 0x30)
            start += 1
        }
        var base = 0
        var count = fields.count
        if let index {
            guard start < element.count, element[start] == UInt8(ascii: "-") else { return .bitmapNotation }
            guard index < fields.count, fields[index].componentCount > 0 else { return .bitOutOfRange }
            start += 1
            base = fields.count + Int(fields[index].firstComponent)
            count = Int(fields[index].componentCount)
        }
        guard start + 2 < element.count, element[start] == 0x30, element[start + 1] == UInt8(ascii: "x") else {
            return .bitmapNotation
        }
        return addDigits(UnsafeRawBufferPointer(rebasing: element[(start + 2)...]), base: base, count: count, to: set)
    }

    private static func addDigits(
        _ digits: UnsafeRawBufferPointer, base: Int, count: Int, to set: SlotSet
    ) -> AvroFault.Code? {
        var bit = 0
        var place = digits.count - 1
        while place >= 0 {
            guard var nibble = HexDigit.value(digits[place]) else { return .bitmapNotation }
            while nibble != 0 {
                let offset = bit + nibble.trailingZeroBitCount
                guard offset < count else { return .bitOutOfRange }
                set.insert(base + offset)
                nibble &= nibble - 1
            }
            bit += 4
            place -= 1
        }
        return nil
    }

    /// The hexadecimal digits of a set of bits: upper case, whole bytes, no leading zero byte.
    static func text(ofBits bits: some Collection<Int>) -> String {
        guard let highest = bits.max() else { return "0x00" }
        var bytes = [UInt8](repeating: 0, count: highest / 8 + 1)
        for bit in bits { bytes[bytes.count - 1 - bit / 8] |= 1 << UInt8(bit % 8) }
        let digits = Array("0123456789ABCDEF".utf8)
        return "0x" + String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
