internal import Foundation
internal import SwiftASN1
internal import X509

/// The PEM files of a development authority in their directory.
///
/// Keys are created readable by their owner only, never made so afterwards; every file is written beside its place and
/// renamed into it.
struct CertificateFiles {
    private static let keyMode: mode_t = 0o600
    private static let certificateMode: mode_t = 0o644
    private static let directoryMode = 0o755

    let directory: String

    func path(_ name: String) -> String { directory + "/" + name }

    func prepareDirectory() throws(DevelopmentCAError) {
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true,
                attributes: [.posixPermissions: Self.directoryMode])
        } catch {
            throw DevelopmentCAError(
                message: "The directory for certificates cannot be made", path: directory, cause: error)
        }
    }

    /// Nil when one of the two files is missing or cannot be understood: then both are made anew. A file that is there and
    /// may not be read is an error, since replacing it would break who trusts it.
    func read(_ name: String) throws(DevelopmentCAError) -> CertifiedKey? {
        guard let certificate = try text("\(name).pem"), let key = try text("\(name)-key.pem") else { return nil }
        guard let certificate = try? Certificate(pemEncoded: certificate),
            let key = try? Certificate.PrivateKey(pemEncoded: key)
        else { return nil }
        return CertifiedKey(certificate: certificate, key: key)
    }

    /// The key first: a certificate without its key would be worse than the reverse, which is found at the next start.
    func write(_ pair: CertifiedKey, _ name: String) throws(DevelopmentCAError) {
        let key: String
        let certificate: String
        do {
            key = try pair.key.serializeAsPEM().pemString
            certificate = try pair.certificate.serializeAsPEM().pemString
        } catch {
            throw DevelopmentCAError(message: "A certificate could not be written as PEM", path: nil, cause: error)
        }
        try write(key, "\(name)-key.pem", mode: Self.keyMode)
        try write(certificate, "\(name).pem", mode: Self.certificateMode)
    }

    private func text(_ name: String) throws(DevelopmentCAError) -> String? {
        let path = path(name)
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            return String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
        } catch {
            throw DevelopmentCAError(message: "The file cannot be read", path: path, cause: error)
        }
    }

    /// Creates the file with its mode (a key must not be readable by others even for an instant), then renames it.
    private func write(_ text: String, _ name: String, mode: mode_t) throws(DevelopmentCAError) {
        let path = path(name)
        let new = path + ".new"
        if unlink(new) != 0, errno != ENOENT { throw Self.failure("The file cannot be replaced", new) }
        let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw Self.failure("The file cannot be made", new) }
        defer { close(descriptor) }
        var bytes = Array((text + "\n").utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { throw Self.failure("The file cannot be written", new) }
            bytes = bytes.dropFirst(max(0, count))
        }
        guard fsync(descriptor) == 0 else { throw Self.failure("The file cannot be written", new) }
        guard rename(new, path) == 0 else { throw Self.failure("The file cannot be renamed into its place", path) }
    }

    private static func failure(_ message: String, _ path: String) -> DevelopmentCAError {
        DevelopmentCAError(message: "\(message): \(String(cString: strerror(errno)))", path: path, cause: nil)
    }
}
