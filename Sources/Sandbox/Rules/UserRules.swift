import ChangeEvents
import Doors

/// What an org asks of a user, beyond what it asks of every record.
enum UserRules {
    /// `isTaken`: another user has the name; usernames compare without case.
    static func apply(
        to fields: inout RecordFields, before: RecordFields?, isTaken: (_ username: String) throws -> Bool
    ) throws {
        fields["UserType"] = .string("Standard")
        guard case .string(let username) = fields["Username"] ?? .null, fields["Username"] != before?["Username"] else {
            return
        }
        guard FieldRule.isEmail(username) else { throw OrgError.badUsername() }
        // Another case of his own name is no other name.
        if case .string(let known) = before?["Username"] ?? .null, known.lowercased() == username.lowercased() {
            return
        }
        if try isTaken(username) { throw OrgError.duplicateUsername() }
    }
}

extension OrgError {
    static func badUsername() -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "FIELD_INTEGRITY_EXCEPTION",
            message: "Your username must be in the form of an email address (for example, john@acme.com).",
            fields: ["Username"])
    }

    static func duplicateUsername() -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "DUPLICATE_USERNAME",
            message: "Duplicate Username.<br>The username already exists in this or another Salesforce organization. "
                + "Usernames must be unique across all Salesforce organizations. To resolve, use a different username (it "
                + "doesn't need to match the user's email address).", fields: ["Username"])
    }
}
