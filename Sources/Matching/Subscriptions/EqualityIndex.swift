internal import SOQL

/// Finds, among the distinct conditions of a channel, those that can hold for a record.
///
/// A condition with an equality term (`ContactId = '003…'`) is filed under one of its terms, the best: a record id
/// before any other text, because many records share a status and few an id. It is looked at only when the record has
/// that value. All other conditions are looked at for every record.
struct EqualityIndex {
    /// Field → key of the value → entries filed there. No empty set, no empty field.
    private var filed: [FieldName: [EqualityKey: Set<Int>]] = [:]
    /// Entries that no equality can find.
    private(set) var unfiled: Set<Int> = []

    mutating func add(_ entry: Int, condition: Condition?) {
        guard let term = condition.flatMap(Self.accessTerm) else {
            unfiled.insert(entry)
            return
        }
        for key in term.keys { filed[term.field, default: [:]][key, default: []].insert(entry) }
    }

    mutating func remove(_ entry: Int, condition: Condition?) {
        guard let term = condition.flatMap(Self.accessTerm) else {
            unfiled.remove(entry)
            return
        }
        for key in term.keys {
            filed[term.field]?[key]?.remove(entry)
            if filed[term.field]?[key]?.isEmpty == true { filed[term.field]?[key] = nil }
        }
        if filed[term.field]?.isEmpty == true { filed[term.field] = nil }
    }

    /// Calls `body` once for each filed entry that can hold on one of the records.
    func forEachFiled(on records: [RecordSource], _ body: (Int) -> Void) {
        for (field, entries) in filed {
            var found: Set<EqualityKey> = []
            for record in records {
                if let key = EqualityKey(record.value(of: field.spelling), of: field) { found.insert(key) }
            }
            let lists = found.compactMap { entries[$0] }
            // An entry stands under one field only; with two values of it (before, after) it may stand under both.
            if lists.count == 1 {
                lists[0].forEach(body)
            } else {
                lists.reduce(into: Set<Int>()) { $0.formUnion($1) }.forEach(body)
            }
        }
    }

    /// The same for the same condition, so that removing finds what adding filed.
    private static func accessTerm(_ condition: Condition) -> EqualityTerm? {
        let terms = condition.equalityTerms
        return terms.first { $0.namesRecords && $0.keys.count == 2 } ?? terms.first { $0.namesRecords } ?? terms.first
    }
}
