import ChangeEvents
import Doors
import Store

/// Writes the rows of one chunk within one transaction of the org, as triggers would see them. A row that fails fails alone.
struct IngestChunk {
    let transaction: OrgTransaction
    let columns: IngestColumns
    /// Records that rows of this chunk named already: an org refuses the second.
    private var named: Set<String> = []
    private var found: [String: String] = [:]

    init(_ transaction: OrgTransaction, _ columns: IngestColumns) {
        self.transaction = transaction
        self.columns = columns
    }

    /// Throws only where the store fails.
    mutating func outcome(of row: IngestRow) throws -> BulkOutcome {
        do {
            if let fault = row.fault { throw fault }
            return try transaction.savepoint { try perform(row) }
        } catch let error as OrgError {
            return .failed(id: row.id, Self.asBulkSaysIt(error))
        } catch let error as ExternalIDMatches {
            return .failed(id: row.id, error.orgError)
        }
    }

    private mutating func perform(_ row: IngestRow) throws -> BulkOutcome {
        let object = columns.object
        switch columns.operation {
        case .insert:
            if row.id != nil { throw OrgError.idOnInsert() }
            return .done(id: try create(row).string, isCreated: true)
        case .update:
            let id = try recordID(row)
            try claim(id.string, as: "id", field: "Id")
            try transaction.update(object, id, try values(of: row))
            return .done(id: id.string, isCreated: false)
        case .upsert:
            return try upsert(row)
        case .delete:
            let id = try recordID(row)
            try transaction.delete(object.name, id)
            return .done(id: id.string, isCreated: false)
        case .hardDelete:
            let id = try recordID(row)
            try transaction.purge(object.name, id)
            return .done(id: id.string, isCreated: false)
        case .query, .queryAll:
            preconditionFailure("queries have no rows to write")
        }
    }

    private mutating func upsert(_ row: IngestRow) throws -> BulkOutcome {
        let object = columns.object
        guard let key = columns.key else { preconditionFailure("an upsert without its field was refused before") }
        if key.kind == .id {
            guard row.id != nil else {
                return .done(id: try create(row).string, isCreated: true)
            }
            let id = try recordID(row)
            try claim(id.string, as: "id", field: "Id")
            try transaction.update(object, id, try values(of: row))
            return .done(id: id.string, isCreated: false)
        }
        guard let value = row.key else {
            throw OrgError(
                status: 400, errorCode: "MISSING_ARGUMENT", message: "\(key.name) not specified", fields: [])
        }
        try claim(value, as: "external id", field: key.name)
        let (id, isCreated) = try transaction.upsert(object, by: key, value, try values(of: row))
        return .done(id: id.string, isCreated: isCreated)
    }

    private mutating func create(_ row: IngestRow) throws -> RecordID {
        try transaction.create(columns.object, try values(of: row), createdAt: transaction.now)
    }

    private func recordID(_ row: IngestRow) throws -> RecordID {
        guard let text = row.id else { throw OrgError.idMissing(columns.operation) }
        guard let id = RecordID(text), id.keyPrefix == columns.object.keyPrefix else {
            throw OrgError.malformedID(text, label: "\(columns.object.label) ID", field: "Id")
        }
        return id
    }

    /// Names differ by more than case: texts are unique without it, and an id's last three characters tell its case.
    private mutating func claim(_ name: String, as kind: String, field: String) throws {
        guard named.insert(name.lowercased()).inserted else {
            throw OrgError(
                status: 400, errorCode: "DUPLICATE_VALUE", message: "Duplicate \(kind) specified: \(name)",
                fields: [field])
        }
    }

    /// The row's values, with the references that its relationship columns name.
    private mutating func values(of row: IngestRow) throws -> RecordFields {
        if row.lookups.isEmpty { return row.values }
        var values = row.values
        for lookup in row.lookups { values[lookup.reference.place] = .string(try record(lookup)) }
        return values
    }

    private mutating func record(_ lookup: IngestRow.Lookup) throws -> String {
        let place = "\(lookup.target.name).\(lookup.field.name)=\(lookup.text)"
        if let id = found[place] { return id }
        if lookup.field.kind == .id {
            // The record itself is looked for by the write.
            guard let id = RecordID(lookup.text) else { throw OrgError.foreignKeyUnknown(lookup) }
            return id.string
        }
        guard let value = FieldText.value(lookup.text, of: lookup.field) else {
            throw OrgError.foreignKeyUnknown(lookup)
        }
        let records = try RecordLookup.records(
            of: lookup.target, where: lookup.field, equals: value, includingDeleted: false, limit: 2,
            transaction.writer)
        guard let first = records.first else { throw OrgError.foreignKeyUnknown(lookup) }
        guard records.count == 1 else {
            throw OrgError(
                status: 400, errorCode: "INVALID_FIELD",
                message: "More than one record found for external id field: \(lookup.field.name)", fields: [])
        }
        found[place] = first.image.id.string
        return first.image.id.string
    }

    /// REST names a record in its path, where a missing one is a missing page; for Bulk it is a bad reference.
    private static func asBulkSaysIt(_ error: OrgError) -> OrgError {
        var error = error
        if error.errorCode == "NOT_FOUND" {
            error = OrgError(
                status: 400, errorCode: "INVALID_CROSS_REFERENCE_KEY", message: "invalid cross reference id", fields: []
            )
        }
        error.status = OrgError.statusBadRequest
        return error
    }
}
