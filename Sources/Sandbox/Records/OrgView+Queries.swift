import ChangeEvents
import Doors
import Store

/// What is asked of many records at once, and of what is no record.
extension OrgView {
    func query(_ text: String, includingDeleted: Bool, batchSize: Int?) throws(OrgError) -> JSONValue {
        throw .notAnswered
    }

    func queryMore(_ locator: String, batchSize: Int?) throws(OrgError) -> JSONValue {
        throw .notAnswered
    }

    func updated(_ object: String, _ start: String, _ end: String) throws(OrgError) -> JSONValue {
        throw .notAnswered
    }

    func deleted(_ object: String, _ start: String, _ end: String) throws(OrgError) -> JSONValue {
        throw .notAnswered
    }

    func search(_ search: RecordSearch) throws(OrgError) -> [JSONValue] {
        throw .notAnswered
    }

    func recordCounts(of objects: [String]) throws(OrgError) -> [(object: String, count: Int)] {
        throw .notAnswered
    }

    func recent(limit: Int) throws(OrgError) -> JSONValue {
        .array([])
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

extension OrgError {
    /// Queries come with their planner.
    static let notAnswered = OrgError(
        status: 501, errorCode: "NOT_IMPLEMENTED", message: "This org does not answer queries yet.")
}
