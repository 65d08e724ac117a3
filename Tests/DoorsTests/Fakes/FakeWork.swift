import Doors
import Synchronization

/// What a transaction of the `FakeOrg` sees: records without rules, of any object. Names that begin with `Bad` are refused.
struct FakeWork: OrgWork {
    /// 2026-02-17T04:03:15Z
    static let modified: Int64 = 1_771_300_995_000

    let org: FakeOrg
    let context: CallContext

    private func note() throws(OrgError) {
        let context = self.context
        let failure = org.state.withLock { state -> OrgError? in
            state.contexts.append(context)
            defer { state.failure = nil }
            return state.failure
        }
        if let failure { throw failure }
    }

    func create(_ object: String, _ fields: [JSONValue.Member]) throws(OrgError) -> SavedRecord {
        try note()
        if case .string(let name)? = fields.first(where: { $0.name == "Name" })?.value, name.hasPrefix("Bad") {
            throw OrgError(status: 400, errorCode: "BAD_NAME", message: "\(name) is bad", fields: ["Name"])
        }
        let id = org.state.withLock { state -> String in
            state.created += 1
            let number = String(state.created)
            let id = "001" + String(repeating: "0", count: 12 - number.count) + number + "AAA"
            state.records[id] = fields
            return id
        }
        guard object.hasSuffix("__e") else { return SavedRecord(id: id, isCreated: true) }
        return SavedRecord(
            id: id, isCreated: true,
            remarks: [OrgError(status: 200, errorCode: "OPERATION_ENQUEUED", message: "a-uuid", fields: [])])
    }

    func update(_ object: String, _ id: String, _ fields: [JSONValue.Member]) throws(OrgError) {
        try note()
        org.state.withLock { $0.records[id] = fields }
    }

    func upsert(
        _ object: String, _ key: ExternalKey, _ fields: [JSONValue.Member]
    ) throws(OrgError) -> SavedRecord {
        if key.value == .string("several") {
            throw OrgError(
                status: 300, errorCode: "MULTIPLE_CHOICES", message: "several", choices: ["/one", "/two"])
        }
        guard let id = find(key) else {
            return try create(object, fields + [.init(name: key.field, value: key.value)])
        }
        try update(object, id, fields + [.init(name: key.field, value: key.value)])
        return SavedRecord(id: id, isCreated: false)
    }

    func delete(_ object: String, _ id: String) throws(OrgError) {
        try note()
        guard org.state.withLock({ $0.records.removeValue(forKey: id) }) != nil else {
            throw OrgError(status: 404, errorCode: "ENTITY_IS_DELETED", message: "entity is deleted")
        }
    }

    func undelete(_ id: String) throws(OrgError) {
        try note()
        guard org.state.withLock({ $0.records[id] }) == nil else {
            throw OrgError(
                status: 400, errorCode: "UNDELETE_FAILED", message: "Entity is not in the recycle bin", fields: [])
        }
        org.state.withLock { $0.records[id] = [] }
    }

    func purge(_ id: String) throws(OrgError) { try note() }

    func merge(_ merge: RecordMerge) throws(OrgError) -> MergedRecord {
        for id in merge.mergedIDs { try delete(merge.object, id) }
        try update(merge.object, merge.masterID, merge.fields)
        return MergedRecord(id: merge.masterID, mergedIDs: merge.mergedIDs, updatedRelatedIDs: ["003000000000001AAA"])
    }

    func convert(_ lead: LeadConvert) throws(OrgError) -> LeadConvertResult {
        try note()
        return LeadConvertResult(
            leadID: lead.leadID, accountID: lead.accountID ?? "001000000000001AAA",
            contactID: lead.contactID ?? "003000000000001AAA",
            opportunityID: lead.doesNotCreateOpportunity ? nil : lead.opportunityID ?? "006000000000001AAA")
    }

    func retrieve(_ object: String, _ id: String, fields: [String]?) throws(OrgError) -> FoundRecord {
        try note()
        guard let record = org.state.withLock({ $0.records[id] }) else {
            throw OrgError(
                status: 404, errorCode: "NOT_FOUND",
                message: "Provided external ID field does not exist or is not accessible: \(id)")
        }
        return FoundRecord(
            document: .object(record.filter { fields?.contains($0.name) ?? true }), lastModified: Self.modified,
            entityTag: object == "Account" ? "tag=" : nil)
    }

    func id(of object: String, _ key: ExternalKey) throws(OrgError) -> String {
        guard let id = find(key) else {
            throw OrgError(status: 404, errorCode: "NOT_FOUND", message: "The requested resource does not exist")
        }
        return id
    }

    private func find(_ key: ExternalKey) -> String? {
        if key.field == "Id", case .string(let id) = key.value { return id }
        return org.state.withLock { state in
            state.records.first { $0.value.contains { $0.name == key.field && $0.value == key.value } }?.key
        }
    }

    func isKey(_ field: String, of object: String) throws(OrgError) -> Bool {
        field == "Id" || field.hasPrefix("Ext")
    }

    func object(ofID id: String) -> String? { id.hasPrefix("001") ? "Account" : nil }

    func relationship(_ name: String, of object: String, _ id: String) throws(OrgError) -> Relationship? {
        switch name {
        case "Parent": .parent(object: "Account", id: "001000000000001AAA")
        case "Nobody": .parent(object: "Account", id: nil)
        case "Contacts": .children(object: "Contact", field: "AccountId")
        default: nil
        }
    }

    func childReference(_ name: String, of object: String) throws(OrgError) -> (object: String, field: String)? {
        name == "Contacts" ? ("Contact", "AccountId") : nil
    }

    func blob(_ field: String, of object: String, _ id: String) throws(OrgError) -> Blob? {
        field == "Body" ? Blob(bytes: Array("content".utf8), contentType: "text/plain") : nil
    }

    func describeGlobal() throws(OrgError) -> Description {
        try note()
        return Description(
            document: .object([.init(name: "encoding", value: .string("UTF-8"))]), lastModified: Self.modified)
    }

    func describe(_ object: String) throws(OrgError) -> Description {
        try note()
        return Description(
            document: .object([
                .init(name: "name", value: .string(object)),
                .init(name: "fields", value: .array([.object([.init(name: "name", value: .string("Id"))])])),
            ]), lastModified: Self.modified)
    }

    func updated(_ object: String, _ start: String, _ end: String) throws(OrgError) -> JSONValue {
        .object([.init(name: "window", value: .string("\(start) \(end)"))])
    }

    func deleted(_ object: String, _ start: String, _ end: String) throws(OrgError) -> JSONValue {
        try updated(object, start, end)
    }

    func query(_ text: String, includingDeleted: Bool, batchSize: Int?) throws(OrgError) -> JSONValue {
        org.state.withLock { $0.queries.append(text) }
        return .object([
            .init(name: "all", value: .boolean(includingDeleted)),
            .init(name: "batchSize", value: batchSize.map { .number(String($0)) } ?? .null),
            .init(name: "records", value: .array([.object([.init(name: "Id", value: .string("001000000000001AAA"))])])),
        ])
    }

    func queryMore(_ locator: String, batchSize: Int?) throws(OrgError) -> JSONValue {
        .object([.init(name: "locator", value: .string(locator))])
    }

    func search(_ search: RecordSearch) throws(OrgError) -> [JSONValue] {
        [.string("\(search.terms) \(search.scope.rawValue) \(search.targets.map(\.object)) \(search.limit)")]
    }

    func recordCounts(of objects: [String]) throws(OrgError) -> [(object: String, count: Int)] {
        objects.map { ($0, 7) }
    }

    func viewed(_ id: String) { org.state.withLock { $0.viewed.append(id) } }

    func recent(of object: String?, limit: Int) throws(OrgError) -> [JSONValue] {
        [.string("\(object ?? "all") \(limit)")]
    }

    func part(_ body: () throws -> Bool) throws {
        let before = org.state.withLock { $0.records }
        var isKept = false
        defer { if !isKept { org.state.withLock { $0.records = before } } }
        isKept = try body()
    }
}
