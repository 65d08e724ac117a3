import ChangeEvents

/// The objects of legacy streaming. Records of them are written like any other; what may stand in them is
/// `StreamingRules`' matter.
extension ObjectDefinition {
    /// A channel for generic events: `/u/Name`.
    static let streamingChannel = ObjectDefinition(
        name: "StreamingChannel", label: "Streaming Channel", labelPlural: "Streaming Channels", keyPrefix: "0M6",
        isCapturable: false,
        fields: leadingFields(idLabel: "Streaming Channel ID") + [
            .reference("OwnerId", "Owner ID", to: "User", relationship: "Owner", whenDeleted: .restrict),
            .text("Name", "Streaming Channel Name", 80).required().naming(),
            .boolean("IsDynamic", "Dynamically Created").readOnly(),
            .textArea("Description", "Description", 255),
        ] + auditFields)

    /// A query whose records' changes are sent to `/topic/Name`.
    static let pushTopic = ObjectDefinition(
        name: "PushTopic", label: "Push Topic", labelPlural: "Push Topics", keyPrefix: "0IF", isCapturable: false,
        fields: leadingFields(idLabel: "Push Topic ID") + [
            .text("Name", "Topic Name", 25).required().naming(),
            .longTextArea("Query", "SOQL Query", 1_300).required(),
            .number(.double, "ApiVersion", "API Version", digits: 2, scale: 1).required(),
            on("IsActive", "Is Active"),
            .picklist(
                "NotifyForFields", "Notify For Fields",
                Picklist(["Referenced", "All", "Select", "Where"], default: "Referenced", isRestricted: true),
                length: 40),
            .picklist(
                "NotifyForOperations", "Notify For Operations",
                Picklist(["All", "Create", "Update", "Extended"], default: "All", isRestricted: true), length: 40
            ).readOnly(),
            .textArea("Description", "Description", 255),
            on("NotifyForOperationCreate", "Create"),
            on("NotifyForOperationUpdate", "Update"),
            on("NotifyForOperationDelete", "Delete"),
            on("NotifyForOperationUndelete", "Undelete"),
        ] + auditFields)

    /// A checkbox that a new record has set.
    private static func on(_ name: String, _ label: String) -> FieldDefinition {
        var field = FieldDefinition.boolean(name, label)
        field.defaultValue = .boolean(true)
        return field
    }
}
