package import Doors

/// Whose change events a user may receive, on command.
extension SandboxControl {
    /// `{"username": "…", "views_all_data": false, "views_all_records_of": ["Case"], "views_all_users": false}`; what is left out
    /// is as an administrator has it.
    package func setEventAccess(_ document: JSONValue) throws(ControlError) -> JSONValue {
        var reader = try ControlDocument(document)
        let username = try reader.text("username")
        let viewsAllData = try reader.truth("views_all_data") ?? true
        let objects = try reader.texts("views_all_records_of") ?? []
        let viewsAllUsers = try reader.truth("views_all_users") ?? true
        try reader.finish()
        guard let username else { throw ControlError(field: "username", reason: "username is missing.") }
        guard let user = sandbox.user(named: username) else {
            throw ControlError(status: 404, field: "username", reason: "There is no user \(username.prefix(80)).")
        }
        let catalogue = sandbox.catalogue
        if let unknown = objects.first(where: { catalogue.object($0) == nil }) {
            throw ControlError(field: "views_all_records_of", reason: "\(unknown.prefix(80)) is no object.")
        }
        let names = objects.compactMap { catalogue.object($0)?.name }
        sandbox.setEventAccess(
            EventAccess(viewsAllData: viewsAllData, viewsAllRecordsOf: Set(names), viewsAllUsers: viewsAllUsers),
            userID: user.id)
        return Self.object([
            "username": .string(user.username), "views_all_data": .boolean(viewsAllData),
            "views_all_records_of": .array(names.sorted().map { .string($0) }),
            "views_all_users": .boolean(viewsAllUsers),
        ])
    }
}
