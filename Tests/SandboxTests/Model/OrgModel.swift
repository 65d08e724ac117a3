import ChangeEvents

/// One thing that a client asks of the org.
enum ModelOperation: Sendable {
    case create(object: String, fields: [String: FieldValue])
    case update(RecordID, fields: [String: FieldValue])
    case upsert(key: String, fields: [String: FieldValue])
    case delete(RecordID)
    case undelete(RecordID)
    case purge(RecordID)
    case merge(into: RecordID, from: RecordID, fields: [String: FieldValue])
}

/// What the org's records must be, kept by the simplest means: a dictionary, and rules written down once more. Accounts
/// form a hierarchy, own contacts and are masters of tickets.
struct OrgModel {
    struct Record {
        var object: String
        var fields: [String: FieldValue]
        var isDeleted = false
        /// What went with it when it was deleted.
        var fallen: [RecordID] = []
        /// Accounts whose parent it was.
        var cleared: [RecordID] = []
    }

    static let keyField = "Key__c"
    static let siteLengthMax = 80

    private(set) var records: [RecordID: Record] = [:]

    func ids(of object: String, deleted: Bool = false) -> [RecordID] {
        records.filter { $0.value.object == object && $0.value.isDeleted == deleted }.map(\.key)
            .sorted { $0.string < $1.string }
    }

    func isLive(_ id: RecordID) -> Bool { records[id].map { !$0.isDeleted } ?? false }

    /// Whether an org would do it.
    func allows(_ operation: ModelOperation) -> Bool {
        switch operation {
        case .create(let object, let fields):
            return allows(fields, record: nil) && hasRequired(object, fields)
        case .update(let id, let fields):
            guard isLive(id), let record = records[id] else { return false }
            return allows(fields, record: id)
                && hasRequired(record.object, record.fields.merging(fields) { $1 })
        case .upsert(let key, let fields):
            if let found = live(key: key) { return allows(.update(found, fields: fields)) }
            return allows(.create(object: "Account", fields: fields))
        case .delete(let id):
            return isLive(id)
        case .undelete(let id):
            return allowsUndelete(id)
        case .purge(let id):
            return records[id] != nil
        case .merge(let master, let loser, let fields):
            return isLive(master) && isLive(loser) && master != loser && allows(fields, record: master)
        }
    }

    /// `id`: what the org calls a new record.
    mutating func apply(_ operation: ModelOperation, id: RecordID) {
        switch operation {
        case .create(let object, let fields):
            records[id] = Record(object: object, fields: fields)
        case .update(let id, let fields):
            records[id]?.fields.merge(fields) { $1 }
        case .upsert(let key, let fields):
            if let found = live(key: key) {
                records[found]?.fields.merge(fields) { $1 }
            } else {
                records[id] = Record(
                    object: "Account", fields: fields.merging([Self.keyField: .string(key)]) { $1 })
            }
        case .delete(let id):
            delete(id)
        case .undelete(let id):
            undelete(id)
        case .purge(let id):
            if isLive(id) { delete(id) }
            for fallen in records[id]?.fallen ?? [] where records[fallen]?.isDeleted == true { records[fallen] = nil }
            records[id] = nil
        case .merge(let master, let loser, let fields):
            for (id, record) in sorted where !record.isDeleted {
                for name in ["AccountId", "Account__c", "ParentId"] where record.fields[name] == .string(loser.string) {
                    let isRing = name == "ParentId" && closesRing(id, master)
                    records[id]?.fields[name] = isRing ? .null : .string(master.string)
                }
            }
            delete(loser)
            records[master]?.fields.merge(fields) { $1 }
        }
    }

    /// The values of a live record, roll-ups included.
    func values(of id: RecordID) -> [String: FieldValue] {
        guard let record = records[id] else { return [:] }
        var values = record.fields
        guard record.object == "Account" else { return values }
        let tickets = ids(of: "Ticket__c").compactMap { records[$0]?.fields }
            .filter { $0["Account__c"] == .string(id.string) }
        values["Tickets__c"] = .double(Double(tickets.count))
        values["Total__c"] = .double(
            tickets.reduce(0) { sum, fields in
                guard case .double(let amount) = fields["Amount__c"] ?? .null else { return sum }
                return sum + amount
            })
        return values
    }

    /// A field is gone from the org.
    mutating func forget(_ field: String) {
        for id in records.keys { records[id]?.fields[field] = nil }
    }

    private var sorted: [(RecordID, Record)] { records.sorted { $0.key.string < $1.key.string }.map { ($0, $1) } }

    private func live(key: String) -> RecordID? {
        sorted.first { record in
            guard !record.1.isDeleted, case .string(let text) = record.1.fields[Self.keyField] ?? .null else {
                return false
            }
            return text.lowercased() == key.lowercased()
        }?.0
    }

    private func hasRequired(_ object: String, _ fields: [String: FieldValue]) -> Bool {
        let required = ["Account": "Name", "Contact": "LastName", "Ticket__c": "Account__c"][object] ?? "Name"
        return fields[required] ?? .null != .null
    }

    private func allows(_ fields: [String: FieldValue], record: RecordID?) -> Bool {
        for (name, value) in fields {
            guard case .string(let text) = value else { continue }
            switch name {
            case "Site":
                if text.utf16.count > Self.siteLengthMax { return false }
            case Self.keyField:
                if let other = live(key: text), other != record { return false }
            case "AccountId", "Account__c":
                guard let id = RecordID(text), isLive(id) else { return false }
            case "ParentId":
                guard let id = RecordID(text), isLive(id) else { return false }
                if let record, closesRing(record, id) { return false }
            default:
                break
            }
        }
        return true
    }

    /// Whether `parent` is `id` or below it.
    private func closesRing(_ id: RecordID, _ parent: RecordID) -> Bool {
        var next: RecordID? = parent
        while let current = next {
            if current == id { return true }
            guard case .string(let text) = records[current]?.fields["ParentId"] ?? .null else { return false }
            next = RecordID(text)
        }
        return false
    }

    private mutating func delete(_ id: RecordID) {
        guard var record = records[id] else { return }
        record.isDeleted = true
        record.fallen = []
        record.cleared = []
        if record.object == "Account" {
            let own = FieldValue.string(id.string)
            for (other, content) in sorted where !content.isDeleted && other != id {
                if content.fields["AccountId"] == own || content.fields["Account__c"] == own {
                    records[other]?.isDeleted = true
                    record.fallen.append(other)
                }
                if content.fields["ParentId"] == own {
                    records[other]?.fields["ParentId"] = .null
                    record.cleared.append(other)
                }
            }
        }
        records[id] = record
    }

    private func returning(with id: RecordID) -> [RecordID] {
        [id] + (records[id]?.fallen ?? []).filter { records[$0]?.isDeleted == true }
    }

    private func allowsUndelete(_ id: RecordID) -> Bool {
        guard let record = records[id], record.isDeleted else { return false }
        let back = returning(with: id)
        return back.allSatisfy { returned in
            guard let fields = records[returned]?.fields else { return false }
            if case .string(let key) = fields[Self.keyField] ?? .null, live(key: key) != nil { return false }
            guard case .string(let text) = fields["Account__c"] ?? .null, let master = RecordID(text) else {
                return true
            }
            return isLive(master) || back.contains(master)
        }
    }

    private mutating func undelete(_ id: RecordID) {
        let back = returning(with: id)
        for returned in back { records[returned]?.isDeleted = false }
        for returned in back {
            for name in ["AccountId", "ParentId"] {
                guard case .string(let text) = records[returned]?.fields[name] ?? .null, let target = RecordID(text)
                else { continue }
                if !isLive(target) { records[returned]?.fields[name] = .null }
            }
        }
        for child in records[id]?.cleared ?? [] where isLive(child) {
            guard records[child]?.fields["ParentId"] ?? .null == .null, !closesRing(child, id) else { continue }
            records[child]?.fields["ParentId"] = .string(id.string)
        }
        records[id]?.fallen = []
        records[id]?.cleared = []
    }
}
