import ChangeEvents

@testable import Sandbox

/// A record with a parent, as formulas see it.
struct FormulaRecord: FormulaScope, FormulaSource {
    var types: [String: FormulaType] = [
        "Name": .text, "Empty__c": .text, "Amount__c": .currency, "Count__c": .number, "Missing__c": .number,
        "Rate__c": .percent, "Start__c": .date, "NoDate__c": .date, "Stamp__c": .dateTime, "IsOpen__c": .boolean,
        "Status": .picklist, "NoStatus__c": .picklist, "Colors__c": .multiPicklist, "Account.Owner.Name": .text,
        "Parent__r.Total__c": .number, "Huge__c": .text, "$User.Id": .text,
    ]
    var values: [String: FieldValue] = [
        "Name": .string("Voltus"), "Amount__c": .double(1_250.5), "Count__c": .integer(7), "Rate__c": .double(25),
        "Start__c": .date(milliseconds: 1_738_281_600_000), "Stamp__c": .dateTime(milliseconds: 1_738_317_600_000),
        "IsOpen__c": .boolean(true), "Status": .string("New"), "Colors__c": .list(["Red", "Blue"]),
        "Account.Owner.Name": .string("Ada Lovelace"), "$User.Id": .string("005000000000001"),
    ]
    /// 2025-03-15T12:30:45Z
    var now: Int64 = 1_742_041_845_000

    func field(_ path: [String]) -> FormulaField? {
        let wanted = path.joined(separator: ".").lowercased()
        guard let name = types.keys.first(where: { $0.lowercased() == wanted }), let type = types[name] else {
            return nil
        }
        return FormulaField(
            path: name.split(separator: ".").map(String.init), type: type, compiledSize: name == "Huge__c" ? 2_600 : 0)
    }

    func value(at path: [String]) throws -> FieldValue { values[path.joined(separator: ".")] ?? .null }

    func text(_ formula: String) throws -> String? {
        switch try evaluate(formula, .text) {
        case .string(let text): text
        case let other: other == .null ? nil : "\(other)"
        }
    }

    func number(_ formula: String, blanks: Formula.BlankTreatment = .asZero) throws -> Double? {
        if case .double(let number) = try evaluate(formula, .number, blanks: blanks) { number } else { nil }
    }

    func truth(_ formula: String, blanks: Formula.BlankTreatment = .asZero) throws -> Bool? {
        if case .boolean(let truth) = try evaluate(formula, .boolean, blanks: blanks) { truth } else { nil }
    }

    func evaluate(
        _ formula: String, _ type: FormulaType, blanks: Formula.BlankTreatment = .asZero
    ) throws -> FieldValue {
        try Formula(formula, returning: type, blanks: blanks, scope: self).evaluate(self)
    }

    /// The error of a definition.
    func refusal(_ formula: String, _ type: FormulaType = .text) -> FormulaError? {
        do {
            _ = try Formula(formula, returning: type, scope: self)
            return nil
        } catch {
            return error
        }
    }
}
