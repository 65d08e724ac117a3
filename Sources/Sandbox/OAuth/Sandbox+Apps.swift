import Doors
import Foundation
import Logging
import Synchronization
import _CryptoExtras

/// The connected apps of the org.
extension Sandbox {
    /// The one in `connection.json`: for every flow, with the integration user to run as.
    var foundedApp: ConnectedApp {
        var app = ConnectedApp(
            name: "\(organization.name) Integration", clientID: organization.clientID,
            clientSecret: organization.clientSecret)
        app.callbackURLs = ["http://localhost:1717/OauthRedirect"]
        app.takesLoopbackCallbacks = true
        app.runAsUsername = integrationUser?.username
        app.publicKeyPEM = appKey.publicKey.pemRepresentation
        app.approvedUsernames = state.withLock { $0.users.approvedUsernames }
        return app
    }

    func app(_ clientID: String) -> ConnectedApp? {
        if clientID == organization.clientID { return foundedApp }
        return configuration.connectedApps.first { $0.clientID == clientID }
    }

    /// Nil: the app has no certificate. `authority`: assertions may name the address they are sent to.
    func jwtBearer(of app: ConnectedApp, authority: String) throws(OAuthError) -> JWTBearer? {
        guard let pem = app.publicKeyPEM else { return nil }
        let publicKey: _RSA.Signing.PublicKey
        do {
            publicKey = try _RSA.Signing.PublicKey(pemRepresentation: pem)
        } catch {
            logger.error("an app's key cannot be read", metadata: ["app": "\(app.name)", "error": "\(error)"])
            throw .serverFailure
        }
        let addresses = state.withLock { $0.addresses }
        var audiences: Set<String> = ["https://login.salesforce.com", "https://test.salesforce.com"]
        for url in [addresses.loginURL, addresses.instanceURL, addresses.httpsURL, instanceURL(for: authority)]
        where !url.isEmpty {
            audiences.insert(url)
        }
        return JWTBearer(clientID: app.clientID, publicKey: publicKey, audiences: audiences)
    }

    func identityURL(of user: Organization.User) -> String {
        state.withLock { $0.addresses.loginURL } + "/id/\(organization.id)/\(user.id)"
    }
}

extension Organization {
    /// What a client puts behind the password when its address is not a trusted one. Made from the password, so that it
    /// changes with it, as in an org.
    var securityToken: String { String(Grants.digest("security token of " + password).prefix(24)) }
}
