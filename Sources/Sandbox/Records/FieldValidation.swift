import ChangeEvents
import Doors

/// Judges typed values against a field's declaration. Pure: what needs other records (references) is the transaction's.
struct FieldValidation {
    enum Verb { case create, update }

    let object: ObjectDefinition
    let verb: Verb

    /// The value as it is stored: references completed to 18 characters.
    func checked(_ value: FieldValue, of field: FieldDefinition) throws(OrgError) -> FieldValue {
        switch value {
        case .null:
            return .null
        case .string(let text):
            return try checkedText(text, of: field)
        case .integer(let number):
            // A whole number is a value of a decimal field as well.
            if field.kind.isDecimal { return try checked(.double(Double(number)), of: field) }
            guard field.kind == .integer else {
                throw .cannotRead(field, token: "VALUE_NUMBER_INT", value: String(number))
            }
            guard fits(Double(number), field) else { throw .numberOutOfRange(field, String(number)) }
            return value
        case .double(let number):
            guard field.kind.isDecimal else {
                throw .cannotRead(field, token: "VALUE_NUMBER_FLOAT", value: String(number))
            }
            guard number.isFinite, fits(number, field) else { throw .numberOutOfRange(field, String(number)) }
            return .double(rounded(number, field))
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

    /// Fields of the call that this caller may not write, in the order of the declaration.
    func forbidden(among names: some Collection<String>) -> [String] {
        let given = Set(names)
        return object.fields
            .filter { given.contains($0.name) && !(verb == .create ? $0.isCreateable : $0.isUpdateable) }
            .map(\.name)
    }

    /// Required fields without a value.
    func missing(in fields: [String: FieldValue]) -> [String] {
        object.fields.filter { $0.isRequired && (fields[$0.name] ?? .null) == .null }.map(\.name)
    }

    private func checkedText(_ text: String, of field: FieldDefinition) throws(OrgError) -> FieldValue {
        if text.isEmpty { return .null }
        guard field.kind.isText || field.kind == .reference else {
            throw .cannotRead(field, token: "VALUE_STRING", value: text)
        }
        if field.kind == .reference { return try reference(text, of: field) }
        // Lengths count UTF-16 units, as the org's own strings do.
        guard text.utf16.count <= field.length else { throw .tooLong(field, text) }
        switch field.kind {
        case .picklist:
            if let picklist = field.picklist, picklist.isRestricted, !picklist.values.contains(text) {
                throw .badPicklistValue(field, text)
            }
        case .multiPicklist:
            return .string(try multiple(text, of: field))
        case .email:
            guard Self.isEmail(text) else { throw .badEmail(field, text) }
        default:
            break
        }
        return .string(text)
    }

    /// The values in the order of the picklist, each once; others behind them.
    private func multiple(_ text: String, of field: FieldDefinition) throws(OrgError) -> String {
        var given: [String] = []
        for part in text.split(separator: ";") where !given.contains(String(part)) { given.append(String(part)) }
        guard let picklist = field.picklist else { return given.joined(separator: ";") }
        if picklist.isRestricted, let foreign = given.first(where: { !picklist.values.contains($0) }) {
            throw .badPicklistValue(field, foreign)
        }
        let known = picklist.values.filter(given.contains)
        return (known + given.filter { !known.contains($0) }).joined(separator: ";")
    }

    private func reference(_ text: String, of field: FieldDefinition) throws(OrgError) -> FieldValue {
        guard let id = RecordID(text) else { throw .malformedID(text, label: field.label, field: field.name) }
        return .string(id.string)
    }

    private func fits(_ number: Double, _ field: FieldDefinition) -> Bool {
        if let bound = field.bound, abs(number) > bound { return false }
        guard field.precision > 0 else { return true }
        return abs(number) < Self.power(10, field.precision - field.scale)
    }

    private func rounded(_ number: Double, _ field: FieldDefinition) -> Double {
        // Beyond 15 decimals a double has no more digits to round.
        guard field.scale < 15 else { return number }
        let factor = Self.power(10, field.scale)
        let scaled = (number * factor).rounded(.toNearestOrAwayFromZero)
        return scaled.isFinite ? scaled / factor : number
    }

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
