import Foundation
import _CryptoExtras

/// An RSA key in a file (PEM, mode 0600).
enum RSAKeyFile {
    /// Takes the key in the file, or makes one where there is none. A key that is there is never overwritten.
    static func openOrCreate(_ file: URL) throws(SandboxError) -> _RSA.Signing.PrivateKey {
        if FileManager.default.fileExists(atPath: file.path) {
            do {
                let text = try String(contentsOf: file, encoding: .utf8)
                return try _RSA.Signing.PrivateKey(pemRepresentation: text)
            } catch {
                throw SandboxError(
                    code: .key, message: "\(file.path) is not a readable RSA private key (2048 bits or more, PEM)",
                    cause: error)
            }
        }
        do {
            let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
            try writePrivately(key.pkcs8PEMRepresentation + "\n", to: file)
            return key
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
