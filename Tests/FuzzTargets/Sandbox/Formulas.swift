import ChangeEvents

@testable import Sandbox

/// Formulas: one that can be defined has a value of its type for every record, the same each time; comments and parentheses
/// around it change nothing; texts and numbers stay within their bounds.
enum Formulas {
    private static let types: [FormulaType] = [.text, .number, .boolean, .date, .dateTime, .time, .percent, .currency]

    static func run(_ input: inout FuzzInput) {
        let choice = input.byte()
        let type = types[Int(choice & 7)]
        let blanks = choice & 8 == 0 ? Formula.BlankTreatment.asZero : .asBlank
        let text = input.remainingText()
        let formula: Formula
        do throws(FormulaError) {
            formula = try Formula(text, returning: type, blanks: blanks, scope: FormulaRecord.full)
        } catch {
            property("an error has a message", holds: !error.message.isEmpty)
            property(
                "an error's place is in the text", holds: (1...text.unicodeScalars.count + 1).contains(error.position))
            return
        }
        let wrapped = attempt {
            try Formula(" /* … */ (\(text))", returning: type, blanks: blanks, scope: FormulaRecord.full)
        }
        for record in [FormulaRecord.full, .empty, .odd] {
            let value = must("a formula has a value or none") { try formula.evaluate(record) }
            check(value, type)
            let again = must("a formula has a value or none") { try formula.evaluate(record) }
            property("a formula has one value", holds: value == again)
            if let wrapped {
                let same = must("a formula has a value or none") { try wrapped.evaluate(record) }
                property("comments and parentheses change nothing", holds: value == same)
            }
        }
    }

    private static func check(_ value: FieldValue, _ type: FormulaType) {
        let fits =
            switch value {
            case .null: true
            case .boolean: type == .boolean
            case .double(let number): type.isNumber && number.isFinite
            case .string(let text): type == .text && !text.isEmpty && text.count <= FormulaLimits.resultCharactersMax
            case .date: type == .date
            case .dateTime: type == .dateTime
            case .time(let milliseconds): type == .time && (0..<86_400_000).contains(milliseconds)
            case .integer, .list: false
            }
        property("a formula's value is of its type: \(value)", holds: fits)
    }
}

/// A record with a parent, as formulas see it.
private struct FormulaRecord: FormulaScope, FormulaSource {
    var values: [String: FieldValue] = [:]
    /// 2025-03-15T12:30:45Z
    let now: Int64 = 1_742_041_845_000

    private static let types: [String: FormulaType] = [
        "Name": .text, "Empty__c": .text, "Amount__c": .currency, "Count__c": .number, "Rate__c": .percent,
        "Start__c": .date, "Stamp__c": .dateTime, "Opens__c": .time, "IsOpen__c": .boolean, "Status": .picklist,
        "Colors__c": .multiPicklist, "Account.Owner.Name": .text, "$User.Id": .text,
    ]

    static let empty = FormulaRecord()
    static let full = FormulaRecord(values: [
        "Name": .string("Voltus"), "Amount__c": .double(1_250.5), "Count__c": .integer(7), "Rate__c": .double(25),
        "Start__c": .date(milliseconds: 1_738_281_600_000), "Stamp__c": .dateTime(milliseconds: 1_738_317_600_000),
        "Opens__c": .time(milliseconds: 37_800_000), "IsOpen__c": .boolean(true), "Status": .string("New"),
        "Colors__c": .list(["Red", "Blue"]), "Account.Owner.Name": .string("Ada Lovelace"),
        "$User.Id": .string("005000000000001"),
    ])
    /// The borders of what fields can hold.
    static let odd = FormulaRecord(values: [
        "Name": .string("e\u{301}\r\n👩‍🔧İß\u{0}"), "Amount__c": .double(-9.999_999_999_999_99e17),
        "Count__c": .integer(.max),
        "Rate__c": .double(1e300), "Start__c": .date(milliseconds: -8_520_336_000_000),
        "Stamp__c": .dateTime(milliseconds: 64_060_588_799_999), "Opens__c": .time(milliseconds: 86_399_999),
        "IsOpen__c": .boolean(false), "Status": .string(""), "Colors__c": .string("a;b; c"),
        "Account.Owner.Name": .string("12.5"), "$User.Id": .string("x"),
    ])

    func field(_ path: [String]) -> FormulaField? {
        let wanted = path.joined(separator: ".").lowercased()
        guard let (name, type) = Self.types.first(where: { $0.key.lowercased() == wanted }) else { return nil }
        return FormulaField(path: name.split(separator: ".").map(String.init), type: type)
    }

    func value(at path: [String]) throws -> FieldValue { values[path.joined(separator: ".")] ?? .null }
}
