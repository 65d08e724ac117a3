import Doors

/// The errors of the Bulk API, in its own words.
extension OrgError {
    static func invalidBatch(_ message: String) -> OrgError {
        OrgError(status: statusBadRequest, errorCode: "InvalidBatch", message: message)
    }

    static func invalidJob(_ message: String) -> OrgError {
        OrgError(status: statusBadRequest, errorCode: "InvalidJob", message: message)
    }

    static func invalidJobState(_ message: String) -> OrgError {
        OrgError(status: statusBadRequest, errorCode: "InvalidJobState", message: message)
    }

    static func exceededQuota(_ message: String) -> OrgError {
        OrgError(status: statusBadRequest, errorCode: "ExceededQuota", message: message)
    }

    static func notSupportedByBulk(_ object: String) -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "InvalidEntity",
            message: "Entity '\(object)' is not supported by the Bulk API.")
    }

    static func valueNotOfType(_ field: FieldDefinition, _ text: String) -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "INVALID_TYPE_ON_FIELD_IN_RECORD",
            message: "\(field.label): value not of required type: \(text)", fields: [field.name])
    }

    static func idOnInsert() -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "INVALID_FIELD_FOR_INSERT_UPDATE",
            message: "cannot specify Id in an insert call", fields: ["Id"])
    }

    static func idMissing(_ operation: BulkOperation) -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "MISSING_ARGUMENT",
            message: "Id not specified in \(operation == .update ? "an update" : "a delete") call", fields: [])
    }

    static func foreignKeyUnknown(_ lookup: IngestRow.Lookup) -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "INVALID_FIELD",
            message: "Foreign key external ID: \(lookup.text) not found for field \(lookup.field.name) in entity "
                + lookup.target.name, fields: [])
    }
}
