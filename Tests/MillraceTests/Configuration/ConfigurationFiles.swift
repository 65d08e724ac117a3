import Crypto
import Foundation
import Sandbox
import _CryptoExtras

@testable import millrace

/// A directory with keys, for one test; removed with the value's last reference.
final class ConfigurationFiles: Sendable {
    let directory: String

    /// A key takes a while to make; all tests use one.
    private static let rsaKey = Result { try _RSA.Signing.PrivateKey(keySize: .bits2048) }

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent(
            "millrace-configuration-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        directory = url.path
        try write("org-key.pem", Self.rsaKey.get().pemRepresentation + "\n")
        try write("org-public.pem", Self.rsaKey.get().publicKey.pemRepresentation)
        try write("es256-public.pem", P256.Signing.PrivateKey().publicKey.pemRepresentation)
        try write("push-secret", Self.secret + "\n")
    }

    deinit {
        // Left-over files of a test are no failure.
        try? FileManager.default.removeItem(atPath: directory)
    }

    static let secret = "0123456789abcdef0123456789abcdef"

    func write(_ name: String, _ content: String) throws {
        try Data(content.utf8).write(to: URL(fileURLWithPath: directory).appendingPathComponent(name))
    }

    /// A file `ca.pem` with the certificate of an authority.
    func writeAuthority() throws { _ = try DevelopmentCA.open(directory: directory) }

    func parse(_ text: String, environment: [String: String] = [:]) throws(ConfigurationError) -> Configuration {
        try Configuration.parse(text, file: "millrace.yaml", directory: directory, environment: environment)
    }

    /// The mistakes of a text, as `LINE: message`.
    func mistakes(_ text: String, environment: [String: String] = [:]) -> [String] {
        do {
            _ = try parse(text, environment: environment)
            return []
        } catch {
            return error.mistakes.map { "\($0.line): \($0.message)" }
        }
    }

    /// The least that a file must say; lines 1 to 9.
    static let minimal = """
        org:
          login_url: https://login.salesforce.com
          client_id: 3MVG9.example
          username: bridge@example.com
          private_key_file: org-key.pem
        push:
          tokens: { algorithm: HS256, secret_file: push-secret, issuer: https://issuer.example, audience: millrace }
        """

    /// `minimal` without its `push`, for tests that bring their own.
    static var org: String { minimal.split(separator: "\n").prefix(5).joined(separator: "\n") }
}
