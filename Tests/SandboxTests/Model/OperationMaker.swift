import ChangeEvents
import TestSupport

/// Makes random operations, most of which an org would do. Same seed, same operations.
struct OperationMaker {
    var random: SeededRandom
    /// Custom text fields of Account that are there now.
    var extraFields: [String] = []
    private var keys = 0

    init(random: SeededRandom) { self.random = random }

    mutating func operation(_ model: OrgModel) -> ModelOperation {
        let accounts = model.ids(of: "Account")
        let live = accounts + model.ids(of: "Contact") + model.ids(of: "Ticket__c")
        let dead =
            model.ids(of: "Account", deleted: true) + model.ids(of: "Contact", deleted: true)
            + model.ids(of: "Ticket__c", deleted: true)
        guard accounts.count >= 3 else {
            return .create(object: "Account", fields: fields("Account", model, isNew: true))
        }
        switch random.int(0..<100) {
        case 0..<12: return create("Account", model)
        case 12..<25: return create("Contact", model)
        case 25..<38: return create("Ticket__c", model)
        case 38..<46: return upsert(model)
        case 46..<58: return .delete(random.pick(live))
        case 58..<68 where !dead.isEmpty: return .undelete(random.pick(dead))
        case 68..<70 where !dead.isEmpty: return .purge(random.pick(dead))
        case 70..<71: return .purge(random.pick(live))
        case 71..<75:
            return .merge(
                into: random.pick(accounts), from: random.pick(accounts),
                fields: random.chance(0.5) ? [:] : ["Site": text(20)])
        // Deleted records are tried as well.
        case 75..<77 where !dead.isEmpty: return update(random.pick(dead), model)
        case 77..<78 where !dead.isEmpty: return .delete(random.pick(dead))
        default: return update(random.pick(live), model)
        }
    }

    /// What the REST API does with a record: no undelete, no merge.
    mutating func recordCall(_ model: OrgModel) -> ModelOperation {
        while true {
            switch operation(model) {
            case .undelete, .purge, .merge: continue
            case let operation: return operation
            }
        }
    }

    mutating func upsert(_ model: OrgModel) -> ModelOperation {
        .upsert(
            key: key(), fields: fields("Account", model, isNew: true).filter { $0.key != OrgModel.keyField })
    }

    mutating func create(_ object: String, _ model: OrgModel) -> ModelOperation {
        .create(object: object, fields: fields(object, model, isNew: true))
    }

    mutating func update(_ id: RecordID, _ model: OrgModel) -> ModelOperation {
        .update(id, fields: fields(model.records[id]?.object ?? "Account", model, isNew: false))
    }

    private mutating func fields(_ object: String, _ model: OrgModel, isNew: Bool) -> [String: FieldValue] {
        var fields: [String: FieldValue] = [:]
        // Now and then a required field is missing or emptied.
        let isWhole = random.chance(0.95)
        switch object {
        case "Account":
            if isNew || random.chance(0.5) { fields["Name"] = isWhole ? text(10) : .null }
            maybe(&fields, "Site") { $0.random.chance(0.05) ? .string(String(repeating: "s", count: 81)) : $0.text(40) }
            maybe(&fields, "NumberOfEmployees") { .integer(Int64($0.random.int(0..<50))) }
            maybe(&fields, "BillingCity") { $0.text(12) }
            maybe(&fields, "Description") { $0.longText() }
            maybe(&fields, OrgModel.keyField) { .string($0.key()) }
            maybe(&fields, "ParentId") { $0.reference("Account", model) }
            for name in extraFields { maybe(&fields, name) { $0.text(10) } }
        case "Contact":
            if isNew || random.chance(0.5) { fields["LastName"] = isWhole ? text(10) : .null }
            maybe(&fields, "FirstName") { $0.text(10) }
            maybe(&fields, "MailingCity") { $0.text(10) }
            maybe(&fields, "AccountId") { $0.reference("Account", model) }
        default:
            if isNew { fields["Account__c"] = isWhole ? reference("Account", model) : .null }
            maybe(&fields, "Amount__c") { .double(Double($0.random.int(0..<1_000))) }
            maybe(&fields, "Note__c") { $0.text(15) }
        }
        return fields
    }

    private mutating func maybe(
        _ fields: inout [String: FieldValue], _ name: String, _ value: (inout OperationMaker) -> FieldValue
    ) {
        guard random.chance(0.4) else { return }
        fields[name] = random.chance(0.2) ? .null : value(&self)
    }

    /// Nearly always of a live record.
    private mutating func reference(_ object: String, _ model: OrgModel) -> FieldValue {
        let dead = model.ids(of: object, deleted: true)
        if !dead.isEmpty, random.chance(0.05) { return .string(random.pick(dead).string) }
        let live = model.ids(of: object)
        return live.isEmpty ? .null : .string(random.pick(live).string)
    }

    /// Often one that was used before, in another case.
    private mutating func key() -> String {
        keys += 1
        let number = random.chance(0.3) ? random.int(0..<keys) : keys
        return (random.chance(0.5) ? "key-" : "KEY-") + String(number)
    }

    private mutating func text(_ lengthMax: Int) -> FieldValue {
        let letters: [Character] = ["a", "B", "7", "ä", "ß", "漢", "🚗", "'", "\"", "\\", ";"]
        return .string(String((0..<random.int(1..<lengthMax + 1)).map { _ in random.pick(letters) }))
    }

    /// Long enough for a difference, of which few lines change.
    private mutating func longText() -> FieldValue {
        let lines = (0..<40).map { "line \($0) \(random.chance(0.05) ? random.int(0..<1_000) : 0) of the description" }
        return .string(lines.joined(separator: "\n"))
    }
}
