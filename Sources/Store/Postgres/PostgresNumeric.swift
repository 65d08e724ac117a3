/// Doubles as PostgreSQL's `numeric`: the shortest decimal that reads back as the same double, which is the number that
/// Salesforce wrote.
///
/// The binary form (`numeric_send` of the server): four 16-bit words (number of digits, weight, sign, decimals shown), then
/// the digits to base 10,000, all big-endian.
enum PostgresNumeric {
    private enum Sign {
        static let positive: UInt16 = 0x0000
        static let negative: UInt16 = 0x4000
        static let notANumber: UInt16 = 0xC000
        static let infinity: UInt16 = 0xD000
        static let negativeInfinity: UInt16 = 0xF000
    }

    /// Of a finite number.
    static func encode(_ number: Double) -> [UInt8] {
        guard number != 0 else { return words([0, 0, Sign.positive, 0]) }
        var (digits, exponent) = decimal(number.magnitude)
        let decimals = max(0, -exponent)
        // The exponent to base 10 becomes one to base 10,000.
        while exponent % 4 != 0 {
            digits.append(0)
            exponent -= 1
        }
        digits.insert(contentsOf: repeatElement(0, count: (4 - digits.count % 4) % 4), at: 0)
        let groups = stride(from: 0, to: digits.count, by: 4).map { start in
            digits[start..<start + 4].reduce(UInt16(0)) { $0 * 10 + UInt16($1) }
        }
        let weight = exponent / 4 + groups.count - 1
        let sign = number < 0 ? Sign.negative : Sign.positive
        return words(
            [UInt16(groups.count), UInt16(bitPattern: Int16(weight)), sign, UInt16(decimals)] + groups)
    }

    /// The nearest double; nil where the bytes are no numeric.
    static func decode(_ bytes: UnsafeRawBufferPointer) -> Double? {
        guard bytes.count >= 8, bytes.count % 2 == 0 else { return nil }
        func word(_ index: Int) -> UInt16 {
            UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
        }
        let count = Int(word(0))
        guard bytes.count == 8 + count * 2 else { return nil }
        switch word(2) {
        case Sign.positive, Sign.negative: break
        case Sign.notANumber: return .nan
        case Sign.infinity: return .infinity
        case Sign.negativeInfinity: return -.infinity
        default: return nil
        }
        let weight = Int(Int16(bitPattern: word(1)))
        let isNegative = word(2) == Sign.negative
        // Most numbers are whole and small, or have a few decimals.
        if count <= 2, weight >= 0, weight < 2, weight >= count - 1 {
            var number: Int64 = 0
            for index in 0...weight { number = number * 10_000 + (index < count ? Int64(word(4 + index)) : 0) }
            return isNegative ? -Double(number) : Double(number)
        }
        var text = isNegative ? "-" : ""
        for index in 0..<count {
            let group = String(word(4 + index))
            text += String(repeating: "0", count: max(0, 4 - group.count)) + group
        }
        guard count > 0 else { return 0 }
        return Double(text + "e\(4 * (weight - count + 1))")
    }

    /// The shortest digits, without zeros at either end, and the power of ten that they are multiplied with.
    private static func decimal(_ number: Double) -> (digits: [UInt8], exponent: Int) {
        var digits: [UInt8] = []
        var exponent = 0
        var isFraction = false
        var scalars = number.description.utf8.makeIterator()
        while let byte = scalars.next() {
            switch byte {
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "e"):
                var rest: [UInt8] = []
                while let next = scalars.next() { rest.append(next) }
                exponent += Int(String(decoding: rest, as: UTF8.self)) ?? 0
            default:
                digits.append(byte - UInt8(ascii: "0"))
                if isFraction { exponent -= 1 }
            }
        }
        while digits.last == 0 {
            digits.removeLast()
            exponent += 1
        }
        digits.removeFirst(digits.prefix { $0 == 0 }.count)
        return (digits, exponent)
    }

    private static func words(_ words: [UInt16]) -> [UInt8] {
        words.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    }
}
