import ChangeEvents
public import Doors
import Logging
import Synchronization

extension Sandbox: SOAPService {
    /// `login()` ends with the API version before the one that took it away.
    private static let loginVersionMax = 64

    public func login(
        username: String, password: String, apiVersion: Int, authority: String, clientName: String?
    ) async throws(SOAPFault) -> SOAPLogin {
        guard apiVersion <= Self.loginVersionMax else {
            throw SOAPFault(
                code: "UNSUPPORTED_API_VERSION",
                message: "The login() call is not available in API version \(apiVersion).0. Use version "
                    + "\(Self.loginVersionMax).0 or earlier, or OAuth.")
        }
        guard configuration.allowsSOAPLogin else {
            throw SOAPFault(code: "INVALID_OPERATION", message: "SOAP API login() is disabled by default in this org.")
        }
        let user: Organization.User
        do throws(OAuthError) {
            user = try logIn(username, password)
        } catch {
            throw .invalidLogin
        }
        guard await isActive(user) else { throw .invalidLogin }
        do {
            let session = try await issue(user, clientID: "")
            return SOAPLogin(
                instanceURL: grantedInstanceURL(for: authority.lowercased()), sessionID: session.accessToken,
                isSandbox: true, user: soapUserInfo(user))
        } catch {
            logger.error("a session could not be written", metadata: ["error": "\(error)"])
            throw SOAPFault(code: "UNKNOWN_EXCEPTION", message: "An unexpected error occurred.")
        }
    }

    public func soapSession(_ sessionID: String) async throws(SOAPFault) -> OrgSession {
        guard let session = await usedSession(sessionID) else { throw .invalidSession }
        return session
    }

    public func logout(_ session: OrgSession) async throws(SOAPFault) {
        do {
            _ = try await revoke(accessToken: session.accessToken)
        } catch {
            logger.error("a logout could not be written", metadata: ["error": "\(error)"])
            throw SOAPFault(code: "UNKNOWN_EXCEPTION", message: "An unexpected error occurred.")
        }
    }

    public func soapUserInfo(_ session: OrgSession) async throws(SOAPFault) -> SOAPUserInfo {
        guard let user = user(id: session.userID) else { throw .invalidSession }
        return soapUserInfo(user)
    }

    public func serverTime() -> Int64 { configuration.clock() }

    private func soapUserInfo(_ user: Organization.User) -> SOAPUserInfo {
        SOAPUserInfo(
            organizationID: organization.id, organizationName: organization.name,
            profileID: user.profileID ?? "",
            sessionSecondsValid: Int(configuration.sessionLifetime.components.seconds), email: user.address,
            fullName: user.fullName, userID: user.id, username: user.username)
    }
}
