import ChangeEvents
import Doors

/// `EventLogFile` as an object of the org.
extension EventLogFile {
    static let definition = ObjectDefinition(
        name: objectName, label: "Event Log File", labelPlural: "Event Log Files", keyPrefix: keyPrefix,
        isWritable: false, isCapturable: false,
        fields: ObjectDefinition.leadingFields(idLabel: "Event Log File ID") + [
            .dateTime("CreatedDate", "Created Date").readOnly(),
            .reference("CreatedById", "Created By ID", to: "User", relationship: "CreatedBy").readOnly(),
            .dateTime("LastModifiedDate", "Last Modified Date").readOnly(),
            .reference("LastModifiedById", "Last Modified By ID", to: "User", relationship: "LastModifiedBy")
                .readOnly(),
            .dateTime("SystemModstamp", "System Modstamp").readOnly(),
            .text("EventType", "Event Type", 40).readOnly(),
            .dateTime("LogDate", "Log Date").readOnly(),
            .number(.double, "LogFileLength", "Log File Length", digits: 18, scale: 0).readOnly(),
            .text("LogFileContentType", "Log File Content Type", 120).readOnly(),
            .number(.double, "ApiVersion", "API Version", digits: 4, scale: 1).readOnly(),
            .integer("Sequence", "Sequence", digits: 9).readOnly(),
            .text("Interval", "Interval", 20).readOnly(),
            .textArea("LogFileFieldNames", "Log File Field Names", 32_000).readOnly(),
            .textArea("LogFileFieldTypes", "Log File Field Types", 32_000).readOnly(),
            // In rows its value is the path of the content.
            .text("LogFile", "Log File", 255).readOnly(),
        ])

    /// The row, without its id.
    func fields(instance: String, author: String, apiVersion: String) -> [String: FieldValue] {
        let created = FieldValue.dateTime(milliseconds: created)
        return [
            "IsDeleted": .boolean(false), "CreatedDate": created, "CreatedById": .string(author),
            "LastModifiedDate": created, "LastModifiedById": .string(author), "SystemModstamp": created,
            "EventType": .string(CallLine.eventType), "LogDate": .dateTime(milliseconds: logDate),
            "LogFileLength": .double(Double(length)), "LogFileContentType": .string("text/csv"),
            "ApiVersion": .double(Double(apiVersion) ?? 0), "Sequence": .integer(interval == .daily ? 0 : 1),
            "Interval": .string(interval.rawValue),
            "LogFileFieldNames": .string(CallLine.columns.joined(separator: ",")),
            "LogFileFieldTypes": .string(CallLine.types.joined(separator: ",")),
            "LogFile": .string("/services/data/v\(apiVersion)/sobjects/EventLogFile/\(id(instance: instance))/LogFile"),
        ]
    }
}
