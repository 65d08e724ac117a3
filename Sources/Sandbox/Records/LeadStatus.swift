import ChangeEvents
import Doors
import Store

/// `LeadStatus`: the statuses of leads, and which of them conversion gives. Clients ask for it before they convert.
enum LeadStatus {
    static var definition: ObjectDefinition {
        ObjectDefinition(
            name: "LeadStatus", label: "Lead Status Value", labelPlural: "Lead Status Values", keyPrefix: "01J",
            isWritable: false, isCapturable: false,
            fields: [ObjectDefinition.leadingFields(idLabel: "Lead Status Value ID")[0]] + [
                .text("MasterLabel", "Master Label", 255).readOnly(),
                .text("ApiName", "API Name", 255).readOnly(),
                .integer("SortOrder", "Sort Order", digits: 9).readOnly(),
                .boolean("IsDefault", "Is Default").readOnly(),
                .boolean("IsConverted", "Converted").readOnly(),
            ])
    }
}

extension ComputedObject {
    /// See `LeadStatus`.
    static let leadStatus = ComputedObject(definition: LeadStatus.definition) { _, _, _ in
        Picklist.leadStatuses.values.enumerated().map { index, name in
            ComputedRow(values: [
                "MasterLabel": .string(name), "ApiName": .string(name), "SortOrder": .integer(Int64(index + 1)),
                "IsDefault": .boolean(name == Picklist.leadStatuses.defaultValue),
                "IsConverted": .boolean(name == Picklist.convertedLeadStatus),
            ])
        }
    }
}
