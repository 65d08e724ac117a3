import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOSSL

/// What the event streams of an org share: the token source and one connection to the event bus.
struct OrgServices: Sendable {
    let tokens: TokenSource
    let pubSub: PubSubConnection

    /// Sets both up, calls `body`, and takes them down again whatever happens. Throws `UpstreamError(.configuration)`
    /// when the connection cannot work as configured, and what `body` throws.
    /// - Parameter shared: a login that others use too; nil: one for these services alone.
    static func with<Result: Sendable>(
        _ org: OrgConnection, login shared: OrgLogin? = nil, timing: Upstream.Timing, time: Timekeeper, logger: Logger,
        _ body: (OrgServices) async throws -> Result
    ) async throws -> Result {
        guard let shared else {
            return try await OrgLogin.with(org, timing: timing, time: time, logger: logger) { login in
                try await with(login, timing: timing, body)
            }
        }
        return try await with(shared, timing: timing, body)
    }

    private static func with<Result: Sendable>(
        _ login: OrgLogin, timing: Upstream.Timing, _ body: (OrgServices) async throws -> Result
    ) async throws -> Result {
        let pubSub = try PubSubConnection(org: login.org, tokens: login.tokens, timing: timing)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await pubSub.run() }
            let result = try await body(OrgServices(tokens: login.tokens, pubSub: pubSub))
            pubSub.close()
            group.cancelAll()
            return result
        }
    }

    static func httpConfiguration(_ org: OrgConnection, callDeadline: Duration) -> HTTPClient.Configuration {
        var tls = TLSConfiguration.makeClientConfiguration()
        if case .file(let path) = org.trustRoots { tls.trustRoots = .file(path) }
        // An assertion goes to the configured host and nowhere else.
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls, redirectConfiguration: .disallow)
        // A refused connection is a failed login at once; the pauses between logins are ours.
        configuration.connectionPool.retryConnectionEstablishment = false
        // The deadline of a request ends with the answer's head: a body that stands still would be waited for for ever.
        configuration.timeout.read = TimeAmount(callDeadline)
        return configuration
    }
}

extension OrgConnection {
    /// What is wrong with a file of trusted certificates; nil: nothing.
    public static func complaint(aboutCertificatesIn path: String) -> String? {
        do {
            return try NIOSSLCertificate.fromPEMFile(path).isEmpty ? "holds no certificate" : nil
        } catch {
            return "cannot be read as PEM"
        }
    }

    /// Finds what can be found without the network. Throws `UpstreamError(.configuration)` with every mistake in one
    /// message.
    public func validate() throws(UpstreamError) {
        var mistakes: [String] = []
        if let url = URL(string: login.url), let scheme = url.scheme, let host = url.host, !host.isEmpty {
            switch scheme {
            case "https": break
            case "http" where usesPlaintext: break
            case "http": mistakes.append("the login URL is http://, which only a development connection may be")
            default: mistakes.append("the login URL must begin with https://")
            }
        } else {
            mistakes.append("the login URL is not a URL")
        }
        if login.clientID.isEmpty { mistakes.append("the client id is empty") }
        if login.username.isEmpty { mistakes.append("the username is empty") }
        if pubSubHost.isEmpty { mistakes.append("the Pub/Sub host is empty") }
        if !(1...65535).contains(pubSubPort) { mistakes.append("the Pub/Sub port must be between 1 and 65535") }
        if case .file(let path) = trustRoots, let complaint = Self.complaint(aboutCertificatesIn: path) {
            mistakes.append("the CA file \(path) \(complaint)")
        }
        if !mistakes.isEmpty { throw UpstreamError(.configuration, mistakes.joined(separator: "; ") + ".") }
    }
}
