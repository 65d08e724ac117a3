import ChangeEvents
import Store
import Synchronization
import Twin

/// The users of the org as logins and sessions need them: made from the User records, and kept in step with them.
struct UserBook: Sendable {
    private var byID: [String: Organization.User] = [:]
    /// By username in lower case: usernames compare without case.
    private var idByName: [String: String] = [:]

    /// All users in the store. `organization`: who of them may use the connected app unasked.
    static func read(_ organization: Organization, _ reader: any StoreReader) throws -> UserBook {
        var book = UserBook()
        var last: RecordID?
        while true {
            let page = try reader.records(entity: ObjectDefinition.user.name, after: last, limit: pageSize)
            for record in page where !record.isDeleted { book.put(record.image, organization) }
            guard let final = page.last, page.count == pageSize else { return book }
            last = final.image.id
        }
    }

    private static let pageSize = 500

    mutating func put(_ image: RecordImage, _ organization: Organization) {
        func text(_ name: String) -> String {
            if case .string(let text) = image.fields[name] ?? .null { text } else { "" }
        }
        let id = image.id.string
        // Who comes later has a profile that is approved for the app.
        let isApproved = organization.founder(id: id)?.isApproved ?? true
        if let known = byID[id] { idByName[known.username.lowercased()] = nil }
        byID[id] = Organization.User(
            id: id, username: text("Username"), firstName: text("FirstName"), lastName: text("LastName"),
            title: text("Title"), isApproved: isApproved, email: text("Email"), profileID: text("ProfileId"))
        idByName[text("Username").lowercased()] = id
    }

    func user(id: String) -> Organization.User? { byID[id] }

    func user(named username: String) -> Organization.User? {
        idByName[username.lowercased()].flatMap { byID[$0] }
    }

    /// Usernames of those who may use the connected app unasked.
    var approvedUsernames: Set<String> { Set(byID.values.filter(\.isApproved).map(\.username)) }
}

extension Sandbox {
    func user(id: String) -> Organization.User? { state.withLock { $0.users.user(id: id) } }

    func user(named username: String) -> Organization.User? { state.withLock { $0.users.user(named: username) } }

    /// As he is called now.
    var integrationUser: Organization.User? {
        organization.integrationUser.map { user(id: $0.id) ?? $0 }
    }

    /// A transaction is about to commit: what it did to users counts from now on. Called on the store's thread, so that the order
    /// is that of the commits. Sessions of users who are inactive now have ended.
    func noteUsers(_ changes: [RecordChange]) {
        let isUser = { (change: RecordChange) in change.object.name == ObjectDefinition.user.name }
        guard changes.contains(where: isUser) else { return }
        state.withLock { state in
            for change in changes where isUser(change) {
                state.users.put(change.after.image, organization)
                if change.after.image.fields["IsActive"] == .boolean(false) {
                    state.sessions.revoke(userID: change.id.string)
                }
            }
        }
    }

    /// A commit that noted users has failed: they are what the store says.
    func rereadUsers() async throws {
        let organization = self.organization
        let book = try await twin.store.read { try UserBook.read(organization, $0) }
        state.withLock { $0.users = book }
    }
}
