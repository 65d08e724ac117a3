import Foundation

/// Decimal manners for doubles. An org computes with decimals; here a number is a double, and wherever the difference could be
/// seen (comparing, rounding, texts, results) it is first taken to 15 significant digits, which every decimal of that length
/// survives unharmed: `0.1 + 0.2 = 0.3` holds, and `ROUND(1.005, 2)` is 1.01.
enum FormulaNumber {
    static let significantDigits = 15
    /// Integers up to here are exact in a double and stay as they are.
    private static let exactIntegerMax = 9_007_199_254_740_992.0

    static func significant(_ value: Double) -> Double {
        guard value.isFinite, !isExactInteger(value) else { return value }
        return Double(scientific(value)) ?? value
    }

    /// Half a unit of the last place goes away from zero.
    static func rounded(_ value: Double, scale: Int) -> Double {
        guard value.isFinite, value != 0 else { return value }
        return DecimalDigits(value).rounded(scale: scale).value
    }

    static func truncated(_ value: Double, scale: Int) -> Double {
        guard value.isFinite, value != 0 else { return value }
        return DecimalDigits(value).truncated(scale: scale).value
    }

    /// The remainder with the sign of the dividend, exact for decimals: `MOD(0.3, 0.1)` is 0. Nil for a divisor of zero.
    static func remainder(_ value: Double, _ divisor: Double) -> Double? {
        guard divisor != 0 else { return nil }
        let (left, right) = (DecimalDigits(significant(value)), DecimalDigits(significant(divisor)))
        let scale = max(left.scale, right.scale)
        if let whole = left.integer(scale: scale), let part = right.integer(scale: scale), part != 0 {
            return significant(Double(whole % part) / pow(10, Double(scale)))
        }
        return value.truncatingRemainder(dividingBy: divisor)
    }

    /// Without an exponent: `0.00001`, `12000000000000000000`.
    static func text(_ value: Double) -> String {
        guard value.isFinite else { return "" }
        guard value != 0 else { return "0" }
        return DecimalDigits(value).text
    }

    /// Sign, digits, a point and digits; nil for all else, `1e5` and `0x1` among them.
    static func parse(_ text: some StringProtocol) -> Double? {
        var digits = text[...]
        if let sign = digits.first, sign == "-" || sign == "+" { digits = digits.dropFirst() }
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.contains(where: { !$0.isEmpty }),
            parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }), let value = Double(text),
            value.isFinite
        else { return nil }
        return value
    }

    fileprivate static func isExactInteger(_ value: Double) -> Bool {
        abs(value) <= exactIntegerMax && value == value.rounded(.towardZero)
    }

    fileprivate static func scientific(_ value: Double) -> String {
        String(format: "%.\(significantDigits - 1)e", value)
    }
}

/// A finite number as its decimal digits: `0.` followed by `digits`, times ten to the power of `point`.
private struct DecimalDigits {
    var isNegative: Bool
    /// 0 to 9 each, the first and the last not 0; empty for zero.
    var digits: [UInt8]
    var point: Int

    init(_ value: Double) {
        isNegative = value < 0
        if FormulaNumber.isExactInteger(value) {
            digits = String(Int64(abs(value))).utf8.map { $0 - 0x30 }
            point = digits.count
        } else {
            let parts = FormulaNumber.scientific(abs(value)).split(separator: "e")
            digits = parts[0].utf8.filter { (0x30...0x39).contains($0) }.map { $0 - 0x30 }
            point = (parts.count == 2 ? Int(parts[1]) ?? 0 : 0) + 1
        }
        trim()
    }

    /// Digits behind the point.
    var scale: Int { max(0, digits.count - point) }

    var text: String {
        guard !digits.isEmpty else { return "0" }
        let characters = digits.map { Character(Unicode.Scalar($0 + 0x30)) }
        let unsigned: String
        if point <= 0 {
            unsigned = "0." + String(repeating: "0", count: -point) + String(characters)
        } else if point >= characters.count {
            unsigned = String(characters) + String(repeating: "0", count: point - characters.count)
        } else {
            unsigned = String(characters[..<point]) + "." + String(characters[point...])
        }
        return (isNegative ? "-" : "") + unsigned
    }

    var value: Double { Double(text) ?? 0 }

    /// The number times ten to the power of `scale`, where that is a whole number of at most 18 digits.
    func integer(scale: Int) -> Int64? {
        let length = point + scale
        guard length <= 18, digits.count <= max(length, 0) else { return digits.isEmpty ? 0 : nil }
        var whole: Int64 = 0
        for index in 0..<length { whole = whole * 10 + (index < digits.count ? Int64(digits[index]) : 0) }
        return isNegative ? -whole : whole
    }

    func truncated(scale: Int) -> DecimalDigits {
        var result = self
        let keep = point + scale
        if keep < digits.count { result.digits.removeLast(digits.count - max(0, keep)) }
        result.trim()
        return result
    }

    func rounded(scale: Int) -> DecimalDigits {
        let keep = point + scale
        guard keep >= 0, keep < digits.count else { return truncated(scale: scale) }
        var result = truncated(scale: scale)
        guard digits[keep] >= 5 else { return result }
        // One more in the last place that stays; `result` may have lost zeros there.
        result.digits += Array(repeating: 0, count: keep - result.digits.count)
        var index = keep - 1
        while index >= 0, result.digits[index] == 9 {
            result.digits[index] = 0
            index -= 1
        }
        if index >= 0 {
            result.digits[index] += 1
        } else {
            result.digits.insert(1, at: 0)
            result.point = point + 1
        }
        result.trim()
        return result
    }

    private mutating func trim() {
        while digits.last == 0 { digits.removeLast() }
        while digits.first == 0 {
            digits.removeFirst()
            point -= 1
        }
        if digits.isEmpty { point = 0 }
    }
}
