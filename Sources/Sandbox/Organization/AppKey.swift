import Foundation
import _CryptoExtras

/// The key pair of the connected app: the private half lies in `DIR/private-key.pem` for clients, the public half is
/// the certificate that the org verifies assertions with.
struct AppKey: Sendable {
    static let fileName = "private-key.pem"

    let publicKey: _RSA.Signing.PublicKey

    /// Takes the key in the directory, or makes one where there is none. A key that is there is never overwritten.
    static func openOrCreate(in directory: URL) throws(SandboxError) -> AppKey {
        AppKey(publicKey: try RSAKeyFile.openOrCreate(directory.appendingPathComponent(fileName)).publicKey)
    }
}
