import Doors
import Foundation

/// The sessions of the org: a token is good until its session times out, and each use extends it. Pure: the time comes
/// in.
///
/// Tokens are kept as SHA-256 digests only; the store does not hold what a thief could use.
struct Sessions: Codable, Sendable {
    static let stateKey = "sandbox.sessions"
    /// More than this many: the one that ends first goes.
    static let countMax = 10_000
    /// For this long a session that is over is still known as one that was.
    private static let memoryMilliseconds: Int64 = 24 * 3_600 * 1_000
    /// A use is written down when it moves the end by at least this share of the lifetime, not on every call.
    private static let extensionShare: Int64 = 8
    /// Characters after the `!`.
    private static let secretLength = 92

    private struct Session: Codable, Sendable {
        var userID: String
        var username: String
        var clientID: String
        var expiresAt: Int64
        // Sessions from before there were scopes have none.
        var scopes: [String]?
        /// Of the refresh token it came from.
        var grantID: String?
        var issuedAt: Int64?
    }

    /// What may be told of a token.
    struct Description: Sendable, Hashable {
        var userID: String
        var username: String
        var clientID: String
        var scopes: [String]
        var grantID: String?
        var issuedAt: Int64?
        var expiresAt: Int64
    }

    private var byDigest: [String: Session] = [:]

    /// A new session and its token, `00D5g…!AQ…`.
    mutating func issue(
        user: Organization.User, organization: Organization, now: Int64, lifetime: Int64,
        clientID: String? = nil, scopes: [String] = Scopes.server, grantID: String? = nil
    ) -> OrgSession {
        if byDigest.count >= Self.countMax {
            byDigest = byDigest.filter { $0.value.expiresAt > now - Self.memoryMilliseconds }
        }
        if byDigest.count >= Self.countMax, let first = byDigest.min(by: { $0.value.expiresAt < $1.value.expiresAt }) {
            byDigest[first.key] = nil
        }
        let token = organization.shortID + "!AQ" + Base62.random(Self.secretLength)
        byDigest[Self.digest(String(token))] = Session(
            userID: user.id, username: user.username, clientID: clientID ?? organization.clientID,
            expiresAt: now + lifetime, scopes: scopes, grantID: grantID, issuedAt: now)
        return OrgSession(
            accessToken: String(token), userID: user.id, username: user.username, organizationID: organization.id,
            clientID: clientID ?? organization.clientID)
    }

    /// The session of a token, extended by this use; nil when it is unknown or has timed out. `isWorthSaving`: the end
    /// moved far enough to be written down.
    mutating func use(
        _ token: String, organizationID: String, now: Int64, lifetime: Int64
    ) -> (session: OrgSession, isWorthSaving: Bool)? {
        let digest = Self.digest(token)
        guard var session = byDigest[digest], session.expiresAt > now else { return nil }
        let end = now + lifetime
        let isWorthSaving = end - session.expiresAt >= max(1, lifetime / Self.extensionShare)
        if isWorthSaving {
            session.expiresAt = end
            byDigest[digest] = session
        }
        return (
            OrgSession(
                accessToken: token, userID: session.userID, username: session.username, organizationID: organizationID,
                clientID: session.clientID), isWorthSaving
        )
    }

    /// A token that is known, whether its time is over or not; looking does not extend it.
    func description(of token: String) -> Description? {
        guard let session = byDigest[Self.digest(token)] else { return nil }
        return Description(
            userID: session.userID, username: session.username, clientID: session.clientID,
            scopes: session.scopes ?? Scopes.server, grantID: session.grantID, issuedAt: session.issuedAt,
            expiresAt: session.expiresAt)
    }

    /// Everybody's time is over.
    mutating func expireAll() {
        for digest in byDigest.keys { byDigest[digest]?.expiresAt = 0 }
    }

    /// Ends what came from a refresh token.
    mutating func revoke(grantID: String) {
        byDigest = byDigest.filter { $0.value.grantID != grantID }
    }

    /// Ends every session of a user.
    mutating func revoke(userID: String) {
        byDigest = byDigest.filter { $0.value.userID != userID }
    }

    mutating func revoke(_ token: String) -> Bool { byDigest.removeValue(forKey: Self.digest(token)) != nil }

    private static func digest(_ token: String) -> String { Grants.digest(token) }
}
