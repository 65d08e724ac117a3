import ChangeEvents
import Doors

/// The errors of record calls, in an org's own words. Texts with a field begin with its label, as in an org.
extension OrgError {
    static let statusBadRequest = 400
    static let statusNotFound = 404

    static func objectNotFound() -> OrgError {
        OrgError(status: statusNotFound, errorCode: "NOT_FOUND", message: "The requested resource does not exist")
    }

    static func recordNotFound() -> OrgError { objectNotFound() }

    static func recordDeleted() -> OrgError {
        OrgError(status: statusNotFound, errorCode: "ENTITY_IS_DELETED", message: "entity is deleted", fields: [])
    }

    /// What a read answers for text that is no record id: the path is taken for an external id.
    static func externalIDUnknown(_ text: String) -> OrgError {
        OrgError(
            status: statusNotFound, errorCode: "NOT_FOUND",
            message: "Provided external ID field does not exist or is not accessible: \(text)")
    }

    static func malformedID(_ text: String, label: String, field: String) -> OrgError {
        invalid("MALFORMED_ID", "\(label): id value of incorrect type: \(text)", [field])
    }

    static func noSuchColumn(_ name: String, object: String) -> OrgError {
        invalid("INVALID_FIELD", "No such column '\(name)' on sobject of type \(object)", nil)
    }

    static func idInBody() -> OrgError {
        invalid("INVALID_FIELD", "The Id field should not be specified in the sobject data.", nil)
    }

    static func keyInBody(_ field: FieldDefinition) -> OrgError {
        invalid("INVALID_FIELD", "The \(field.name) field should not be specified in the sobject data.", nil)
    }

    static func duplicate(_ field: FieldDefinition, other: RecordID) -> OrgError {
        invalid(
            "DUPLICATE_VALUE",
            "duplicate value found: \(field.name) duplicates value on record with id: \(other.short)", [field.name])
    }

    static func convertedLead() -> OrgError {
        invalid("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [])
    }

    static func notInRecycleBin(verb: String = "UNDELETE_FAILED") -> OrgError {
        invalid(verb, "Entity is not in the recycle bin", [])
    }

    static func invalidConvertedStatus(_ status: String) -> OrgError {
        invalid("INVALID_STATUS", "invalid convertedStatus: \(status)", ["Status"])
    }

    static func contactOfOtherAccount() -> OrgError {
        invalid(
            "INVALID_CROSS_REFERENCE_KEY", "the contact of a conversion must belong to its account", ["ContactId"])
    }

    static func undeleteFailed(_ id: RecordID) -> OrgError {
        invalid("UNDELETE_FAILED", "the record that \(id.string) belongs to is deleted", [])
    }

    static func cannotMerge(_ reason: String) -> OrgError { invalid("INVALID_OPERATION", reason, []) }

    static func fieldTwice(_ name: String) -> OrgError {
        invalid("INVALID_FIELD", "Field specified more than once: \(name)", [name])
    }

    static func notWritable(_ names: [String]) -> OrgError {
        invalid(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: \(names.joined(separator: ", ")). Please check the security settings of this "
                + "field and verify that it is read/write for your profile or permission set.", names)
    }

    static func requiredMissing(_ names: [String]) -> OrgError {
        invalid("REQUIRED_FIELD_MISSING", "Required fields are missing: [\(names.joined(separator: ", "))]", names)
    }

    static func tooLong(_ field: FieldDefinition, _ value: String) -> OrgError {
        invalid(
            "STRING_TOO_LONG", "\(field.label): data value too large: \(value) (max length=\(field.length))",
            [field.name])
    }

    static func badPicklistValue(_ field: FieldDefinition, _ value: String) -> OrgError {
        invalid(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "\(field.label): bad value for restricted picklist field: \(value)", [field.name])
    }

    static func badEmail(_ field: FieldDefinition, _ value: String) -> OrgError {
        invalid("INVALID_EMAIL_ADDRESS", "\(field.label): invalid email address: \(value)", [field.name])
    }

    static func numberOutOfRange(_ field: FieldDefinition, _ value: String) -> OrgError {
        invalid(
            "NUMBER_OUTSIDE_VALID_RANGE", "\(field.label): value outside of valid range on numeric field: \(value)",
            [field.name])
    }

    static func badReference(_ field: FieldDefinition) -> OrgError {
        invalid("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [field.name])
    }

    static func referenceDeleted(_ field: FieldDefinition) -> OrgError {
        invalid("ENTITY_IS_DELETED", "entity is deleted", [field.name])
    }

    static func circularParent(_ field: FieldDefinition) -> OrgError {
        invalid("CIRCULAR_DEPENDENCY", "attempt to violate hierarchy constraints", [field.name])
    }

    /// `token` names the kind of JSON value as the org's parser does: `VALUE_STRING`, `START_OBJECT`. `value` nil: the text of
    /// an array, which an org does not show, and whose sentence ends there.
    static func cannotRead(_ field: FieldDefinition, token: String, value: String?) -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "JSON_PARSER_ERROR",
            message: "Cannot deserialize instance of \(field.kind.describeType) from \(token) value"
                + (value.map { " \($0) or request may be missing a required field" } ?? ""),
            unreadableMember: field.name)
    }

    static func deleteBlocked(name: String, plural: String, numbers: [String]) -> OrgError {
        invalid(
            "DELETE_FAILED",
            "Your attempt to delete \(name) could not be completed because it is associated with the following "
                + "\(plural.lowercased()).: \(numbers.joined(separator: ", "))", [])
    }

    static func notAllowed(_ verb: String, object: String) -> OrgError {
        invalid("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be \(verb): \(object)", [])
    }

    static func internalFailure() -> OrgError {
        OrgError(
            status: 500, errorCode: "UNKNOWN_EXCEPTION", message: "An unexpected error occurred. Nothing was changed.")
    }

    private static func invalid(_ code: String, _ message: String, _ fields: [String]?) -> OrgError {
        OrgError(status: statusBadRequest, errorCode: code, message: message, fields: fields)
    }
}
