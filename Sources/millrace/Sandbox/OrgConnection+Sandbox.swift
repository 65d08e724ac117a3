import Foundation
import Sandbox
import Upstream

extension OrgConnection {
    /// The way to a sandbox by its connection.json: plaintext on loopback, as a developer's machine needs it.
    init(_ connection: Connection) throws {
        let (host, port) = try Self.hostAndPort(connection.grpcPlaintextAddress)
        try self.init(
            connection, loginURL: connection.loginURL, host: host, port: port, usesPlaintext: true, trustRoots: .system)
    }

    /// The same with TLS, trusting the sandbox's certificate authority and no other.
    init(withTLS connection: Connection) throws {
        let (host, port) = try Self.hostAndPort(connection.grpcAddress)
        try self.init(
            connection, loginURL: connection.httpsURL, host: host, port: port, usesPlaintext: false,
            trustRoots: .file(path: connection.caFile))
    }

    private init(
        _ connection: Connection, loginURL: String, host: String, port: Int, usesPlaintext: Bool, trustRoots: TrustRoots
    ) throws {
        self.init(
            login: Login(
                url: loginURL, clientID: connection.clientID, username: connection.username,
                privateKeyPEM: try String(contentsOf: URL(fileURLWithPath: connection.privateKeyFile), encoding: .utf8),
                audience: connection.loginURL),
            pubSubHost: host, pubSubPort: port, usesPlaintext: usesPlaintext, trustRoots: trustRoots)
    }

    private static func hostAndPort(_ address: String) throws -> (String, Int) {
        guard let colon = address.lastIndex(of: ":"), let port = Int(address[address.index(after: colon)...]) else {
            throw UpstreamError(.configuration, "\(address) is not an address of the form host:port.")
        }
        return (String(address[..<colon]).trimmingCharacters(in: ["[", "]"]), port)
    }
}
