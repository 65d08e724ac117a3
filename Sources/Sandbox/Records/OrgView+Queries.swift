import ChangeEvents
import Doors
import Store

/// What is asked of many records at once, and of what is no record.
extension OrgView {
    func query(_ text: String, includingDeleted: Bool, batchSize: Int?) throws(OrgError) -> JSONValue {
        try guarded {
            // Roll-ups that this transaction's changes have moved.
            try transaction?.settle()
            return try sandbox.query(
                text, includesDeleted: includingDeleted, batchSize: batchSize, context: context, catalogue: catalogue,
                reader: reader
            ).json(apiVersion: context.apiVersion)
        }
    }

    /// The cursor has its batch size from the query that opened it.
    func queryMore(_ locator: String, batchSize: Int?) throws(OrgError) -> JSONValue {
        try guarded {
            try sandbox.nextPage(locator: locator, context: context, catalogue: catalogue, reader: reader)
                .json(apiVersion: context.apiVersion)
        }
    }

    func updated(_ object: String, _ start: String, _ end: String) throws(OrgError) -> JSONValue {
        let window = try Replication(
            replicated(object), from: start, to: end, now: sandbox.configuration.clock())
        return try guarded { try window.updated(reader) }
    }

    func deleted(_ object: String, _ start: String, _ end: String) throws(OrgError) -> JSONValue {
        let window = try Replication(
            replicated(object), from: start, to: end, now: sandbox.configuration.clock())
        return try guarded { try window.deleted(reader) }
    }

    private func replicated(_ name: String) throws(OrgError) -> ObjectDefinition {
        guard let object = catalogue.object(name) else { throw .objectNotFound() }
        return object
    }

    func recordCounts(of objects: [String]) throws(OrgError) -> [(object: String, count: Int)] {
        let wanted = objects.isEmpty ? catalogue.objects : objects.compactMap { catalogue.object($0) }
        return try guarded {
            try wanted.map { object in
                var count = 0
                let table = ObjectTable.sqlName(of: object.name)
                try reader.select(RowSelect(sql: "SELECT count(*) FROM \"\(table)\" WHERE isdeleted = 0")) { row in
                    count = Int(row.integer(0))
                    return false
                }
                return (object.name, count)
            }
        }
    }

    func blob(_ field: String, of object: String, _ id: String) throws(OrgError) -> Blob? {
        guard object.lowercased() == EventLogFile.objectName.lowercased(), field.lowercased() == "logfile" else {
            return nil
        }
        let file = try eventLogFile(id)
        return Blob(bytes: try guarded { try file.content(reader) }, contentType: "text/csv; charset=UTF-8")
    }

    func eventLogFile(_ id: RecordID, fields: [String]?) throws(OrgError) -> FoundRecord {
        let file = try eventLogFile(id.string)
        let image = RecordImage(
            entity: EventLogFile.objectName, id: id,
            fields: file.fields(
                instance: sandbox.organization.instance, author: sandbox.organization.integrationUser?.id ?? "",
                apiVersion: context.apiVersion), isComplete: true)
        let answer = RecordAnswer(
            object: EventLogFile.definition, image: image, apiVersion: context.apiVersion, derived: [:])
        return FoundRecord(document: try answer.json(fields: fields), lastModified: file.created, entityTag: nil)
    }

    private func eventLogFile(_ id: String) throws(OrgError) -> EventLogFile {
        let instance = sandbox.organization.instance
        let files = try guarded { try sandbox.eventLogFiles(reader) }
        guard let wanted = RecordID(id), let file = files.first(where: { $0.id(instance: instance) == wanted }) else {
            throw .recordNotFound()
        }
        return file
    }
}
