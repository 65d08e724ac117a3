import CSV
import ChangeEvents
import Doors

/// What each column of an ingest job means, settled once from the header.
struct IngestColumns: Sendable {
    enum Column: Sendable {
        /// The record's id.
        case id
        /// The external id of an upsert.
        case key
        case field(FieldRule)
        /// `Owner.Email`, `Parent__r.Ext__c`, `Lead:Who.Email`: the record that the reference field shall point to, by one of
        /// its own fields.
        case lookup(reference: FieldRule, target: ObjectDefinition, by: FieldDefinition)
    }

    let object: ObjectDefinition
    let operation: BulkOperation
    let key: FieldDefinition?
    let columns: [Column]
    private let nullMarker: [UInt8]

    /// Throws `InvalidBatch` for a header that the operation cannot have.
    init(
        _ headings: [String], object: ObjectDefinition, operation: BulkOperation, externalIDField: String?,
        nullMarker: String, catalogue: Catalogue
    ) throws(OrgError) {
        self.object = object
        self.operation = operation
        self.nullMarker = Array(nullMarker.utf8)
        let key = operation == .upsert ? externalIDField.flatMap { object.field($0) } : nil
        self.key = key
        var columns: [Column] = []
        for heading in headings {
            columns.append(try Self.column(heading, object, key: key, catalogue))
        }
        self.columns = columns
        if operation == .delete || operation == .hardDelete {
            guard columns.count == 1, case .id? = columns.first else {
                throw .invalidBatch("The '\(operation.rawValue)' batch must contain only ids")
            }
        }
        if let key, key.kind != .id, !columns.contains(where: { if case .key = $0 { true } else { false } }) {
            throw .invalidBatch("Field name not found : \(key.name)")
        }
    }

    private static func column(
        _ heading: String, _ object: ObjectDefinition, key: FieldDefinition?, _ catalogue: Catalogue
    ) throws(OrgError) -> Column {
        if let rule = object.template.rule(heading), !rule.field.isHidden {
            if rule.field.kind == .id { return .id }
            return rule.field.name == key?.name ? .key : .field(rule)
        }
        let path = heading.split(separator: ".", omittingEmptySubsequences: false)
        guard path.count == 2 else { throw .invalidBatch("Field name not found : \(heading)") }
        let relationship = path[0].split(separator: ":", omittingEmptySubsequences: false)
        guard relationship.count <= 2, let name = relationship.last?.lowercased(),
            let reference = object.template.rule(relationship: name), !reference.field.isHidden,
            let targets = reference.field.reference?.objects
        else { throw .invalidBatch("Field name not found : \(heading)") }
        let wanted = relationship.count == 2 ? relationship[0].lowercased() : nil
        let target = targets.first { wanted == nil || $0.lowercased() == wanted }.flatMap { catalogue.object($0) }
        // Of several possible objects the heading must say which.
        guard let target, wanted != nil || targets.count == 1, let field = target.visibleField(String(path[1])) else {
            throw .invalidBatch("Field name not found : \(heading)")
        }
        guard
            field.isExternalID || field.kind == .id || field.kind == .email || field.kind == .autoNumber
                || field.isNameField || field.isUnique || (target.name == "User" && field.name == "Username")
        else {
            throw .invalidBatch(
                "Field name provided, \(field.name) does not match an External ID, Salesforce Id, or indexed field for "
                    + target.name)
        }
        return .lookup(reference: reference, target: target, by: field)
    }

    /// A row as it is written into the org.
    func row(_ row: CSVRow) -> IngestRow {
        var work = IngestRow(RecordFields(shape: object.template.shape))
        if let fault = row.fault {
            work.fault = OrgError(status: 400, errorCode: "ClientInputError", message: fault.description, fields: [])
            return work
        }
        do throws(OrgError) {
            for (index, column) in columns.enumerated() where !row.isEmpty(index) {
                try fill(&work, column, row, index)
            }
        } catch {
            work.fault = error
        }
        return work
    }

    private func fill(_ work: inout IngestRow, _ column: Column, _ row: CSVRow, _ index: Int) throws(OrgError) {
        let isNull = row.value(index, equals: nullMarker)
        switch column {
        case .id:
            if !isNull { work.id = row[index] }
        case .key:
            if !isNull { work.key = row[index] }
        case .field(let rule):
            work.values[rule.place] = isNull ? try Self.null(rule.field) : try Self.value(row[index], of: rule.field)
        case .lookup(let reference, let target, let field):
            if isNull {
                work.values[reference.place] = .null
            } else {
                work.lookups.append(.init(reference: reference, target: target, field: field, text: row[index]))
            }
        }
    }

    private static func null(_ field: FieldDefinition) throws(OrgError) -> FieldValue {
        if field.kind == .boolean { throw .valueNotOfType(field, "#N/A") }
        return .null
    }

    /// As the API's other doors read a text, and the words that Bulk takes for a checkbox besides.
    private static func value(_ text: String, of field: FieldDefinition) throws(OrgError) -> FieldValue {
        if field.kind == .boolean {
            switch text.lowercased() {
            case "yes", "y", "true", "on", "1": return .boolean(true)
            case "no", "n", "false", "off", "0": return .boolean(false)
            default: throw .valueNotOfType(field, text)
            }
        }
        guard let value = FieldText.value(text, of: field) else { throw .valueNotOfType(field, text) }
        return value
    }
}

/// One row of an ingest job, read.
struct IngestRow: Sendable {
    struct Lookup: Sendable {
        var reference: FieldRule
        var target: ObjectDefinition
        var field: FieldDefinition
        var text: String
    }

    var id: String?
    /// External id of an upsert.
    var key: String?
    /// In the shape of the object's template; absent where the row says nothing.
    var values: RecordFields
    var lookups: [Lookup] = []
    /// What is wrong with the row before the org has looked at it.
    var fault: OrgError?

    init(_ values: RecordFields) { self.values = values }
}
