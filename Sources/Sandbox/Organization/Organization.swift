import Foundation
import Store

/// Who the org is: made once, at the first start, and kept in the store. The secrets in it are those of a sandbox; they
/// are never logged all the same.
struct Organization: Codable, Sendable, Hashable {
    static let stateKey = "sandbox.organization"

    struct User: Codable, Sendable, Hashable {
        var id: String
        var username: String
        var firstName: String
        var lastName: String
        var title: String
        /// May use the connected app without being asked (its profile is pre-authorised).
        var isApproved: Bool
        // Organizations from before have neither.
        var email: String?
        var profileID: String?

        /// Where mail goes.
        var address: String { email.flatMap { $0.isEmpty ? nil : $0 } ?? username }
        var fullName: String { [firstName, lastName].filter { !$0.isEmpty }.joined(separator: " ") }
    }

    /// Of every user, and so of date literals, parts of dates and formulas: UTC, under Salesforce's name for it.
    static let timeZone = "GMT"

    /// 18 characters.
    var id: String
    /// The two characters that name the instance in every record id.
    var instance: String
    var name: String
    /// The connected app.
    var clientID: String
    var clientSecret: String
    /// Of every user: for SOAP login and the login page.
    var password: String
    /// Those that the org was founded with, as they were then; the first is the integration user. Who there is now: `UserBook`.
    var users: [User]
    /// Milliseconds since 1970; orgs from before it was kept have none.
    var foundedAt: Int64?

    /// 15 characters.
    var shortID: Substring { id.prefix(15) }

    var integrationUser: User? { users.first }

    func founder(id: String) -> User? { users.first { $0.id == id } }

    static func read(_ reader: any StoreReader) throws -> Organization? {
        guard let bytes = try reader.state(stateKey) else { return nil }
        do {
            return try JSONDecoder().decode(Organization.self, from: Data(bytes))
        } catch {
            throw SandboxError(
                code: .stateDamaged, message: "the org's identity cannot be read from the store", cause: error)
        }
    }

    func write(_ writer: any StoreWriter) throws {
        try writer.setState(Self.stateKey, to: [UInt8](JSONEncoder().encode(self)))
    }
}
