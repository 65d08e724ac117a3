import ChangeEvents
import Doors

/// A field as values are judged by it: its declaration with what follows from it worked out once. Pure; what needs other
/// records (references, unique values) is the transaction's.
final class FieldRule: Sendable {
    let field: FieldDefinition
    /// In the shape of the object's records.
    let place: Int
    private let magnitudeMax: Double?
    /// Numbers are rounded to a multiple of its inverse; nil: as they are.
    private let roundingFactor: Double?
    private let restrictedValues: Set<String>?

    init(_ field: FieldDefinition, place: Int) {
        self.field = field
        self.place = place
        magnitudeMax = field.precision > 0 ? Self.power(10, field.precision - field.scale) : nil
        // Beyond 15 decimals a double has no more digits to round.
        roundingFactor = field.scale < 15 ? Self.power(10, field.scale) : nil
        restrictedValues = field.picklist.flatMap { $0.isRestricted ? Set($0.values) : nil }
    }

    /// The value as it is stored: references completed to 18 characters.
    func checked(_ value: FieldValue) throws(OrgError) -> FieldValue {
        switch value {
        case .null:
            return .null
        case .string(let text):
            return try checkedText(text)
        case .integer(let number):
            // A whole number is a value of a decimal field as well.
            if field.kind.isDecimal { return try checked(.double(Double(number))) }
            guard field.kind == .integer else {
                throw .cannotRead(field, token: "VALUE_NUMBER_INT", value: String(number))
            }
            guard fits(Double(number)) else { throw .numberOutOfRange(field, String(number)) }
            return value
        case .double(let number):
            guard field.kind.isDecimal else {
                throw .cannotRead(field, token: "VALUE_NUMBER_FLOAT", value: String(number))
            }
            guard number.isFinite, fits(number) else { throw .numberOutOfRange(field, String(number)) }
            return .double(rounded(number))
        case .boolean:
            guard field.kind == .boolean else { throw .cannotRead(field, token: "VALUE_TRUE", value: "true") }
            return value
        case .date(let milliseconds):
            guard field.kind == .date else {
                throw .cannotRead(field, token: "VALUE_STRING", value: OrgTime.dateText(milliseconds))
            }
            return value
        case .dateTime(let milliseconds):
            guard field.kind == .dateTime else {
                throw .cannotRead(field, token: "VALUE_STRING", value: OrgTime.dateTimeText(milliseconds))
            }
            return .dateTime(milliseconds: OrgTime.wholeSeconds(milliseconds))
        case .time:
            guard field.kind == .time else { throw .cannotRead(field, token: "VALUE_STRING", value: "") }
            return value
        case .list:
            throw .cannotRead(field, token: "VALUE_STRING", value: "")
        }
    }

    private func checkedText(_ text: String) throws(OrgError) -> FieldValue {
        if text.isEmpty { return .null }
        guard field.kind.isText || field.kind == .reference else {
            throw .cannotRead(field, token: "VALUE_STRING", value: text)
        }
        if field.kind == .reference { return try reference(text) }
        // Lengths count UTF-16 units, as the org's own strings do; there are never more of them than bytes.
        guard text.utf8.count <= field.length || text.utf16.count <= field.length else { throw .tooLong(field, text) }
        switch field.kind {
        case .picklist:
            if let restrictedValues, !restrictedValues.contains(text) { throw .badPicklistValue(field, text) }
        case .multiPicklist:
            return .string(try multiple(text))
        case .email:
            guard Self.isEmail(text) else { throw .badEmail(field, text) }
        default:
            break
        }
        return .string(text)
    }

    /// The values in the order of the picklist, each once; others behind them.
    private func multiple(_ text: String) throws(OrgError) -> String {
        var given: [String] = []
        for part in text.split(separator: ";") where !given.contains(String(part)) { given.append(String(part)) }
        guard let picklist = field.picklist else { return given.joined(separator: ";") }
        if let restrictedValues, let foreign = given.first(where: { !restrictedValues.contains($0) }) {
            throw .badPicklistValue(field, foreign)
        }
        let known = picklist.values.filter(given.contains)
        return (known + given.filter { !known.contains($0) }).joined(separator: ";")
    }

    private func reference(_ text: String) throws(OrgError) -> FieldValue {
        guard let id = RecordID(text) else { throw .malformedID(text, label: field.label, field: field.name) }
        return .string(id.string)
    }

    private func fits(_ number: Double) -> Bool {
        if let bound = field.bound, abs(number) > bound { return false }
        return magnitudeMax.map { abs(number) < $0 } ?? true
    }

    private func rounded(_ number: Double) -> Double {
        guard let roundingFactor else { return number }
        let scaled = number * roundingFactor
        // A larger double has no decimals behind those that are kept.
        guard abs(scaled) < Self.integersEnd else { return number }
        guard abs(scaled) < Self.halvesEnd else {
            return scaled.rounded(.toNearestOrAwayFromZero) / roundingFactor
        }
        // What lies below a half by no more than the error of a double was a half in decimals: 1.005 is 1.01.
        let whole = scaled.rounded(.towardZero)
        let isUp = abs(scaled - whole) >= 0.5 - 2 * scaled.ulp
        return (isUp ? whole + (scaled < 0 ? -1 : 1) : whole) / roundingFactor
    }

    /// From here on the error of a double is no longer small beside a half.
    private static let halvesEnd = 1e13
    /// 2^53: from here on not every double is the next integer.
    private static let integersEnd = 9_007_199_254_740_992.0

    private static func power(_ base: Double, _ exponent: Int) -> Double {
        (0..<max(0, exponent)).reduce(1) { product, _ in product * base }
    }

    /// One `@`, something before it, and a dotted name behind it, without spaces: what an org checks as well.
    static func isEmail(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !text.contains(where: \.isWhitespace) else { return false }
        let labels = parts[1].split(separator: ".", omittingEmptySubsequences: false)
        return labels.count >= 2 && labels.allSatisfy { !$0.isEmpty }
            && !parts[0].hasPrefix(".") && !parts[0].hasSuffix(".") && !parts[0].contains("..")
    }
}
