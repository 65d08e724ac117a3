import Foundation
import _CryptoExtras

/// The key pair of the connected app: the private half lies in `DIR/private-key.pem` for clients, the public half is
/// the certificate that the org verifies assertions with.
struct AppKey: Sendable {
    static let fileName = "private-key.pem"

    let publicKey: _RSA.Signing.PublicKey

    /// Takes the key in the directory, or makes one where there is none. A key that is there is never overwritten.
    static func openOrCreate(in directory: URL) throws(SandboxError) -> AppKey {
        let file = directory.appendingPathComponent(fileName)
        if FileManager.default.fileExists(atPath: file.path) {
            do {
                let text = try String(contentsOf: file, encoding: .utf8)
                return AppKey(publicKey: try _RSA.Signing.PrivateKey(pemRepresentation: text).publicKey)
            } catch {
                throw SandboxError(
                    code: .key, message: "\(file.path) is not a readable RSA private key (2048 bits or more, PEM)",
                    cause: error)
            }
        }
        do {
            let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
            try writePrivately(key.pkcs8PEMRepresentation + "\n", to: file)
            return AppKey(publicKey: key.publicKey)
        } catch let error as SandboxError {
            throw error
        } catch {
            throw SandboxError(code: .key, message: "no RSA key could be made", cause: error)
        }
    }

    /// The file has its mode before it has its content.
    private static func writePrivately(_ text: String, to file: URL) throws {
        let descriptor = open(file.path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SandboxError(
                code: .key, message: "\(file.path) cannot be written (\(String(cString: strerror(errno))))")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
        defer { close(descriptor) }
        do {
            try handle.write(contentsOf: Data(text.utf8))
            try handle.synchronize()
        } catch {
            throw SandboxError(code: .key, message: "\(file.path) cannot be written", cause: error)
        }
    }
}
