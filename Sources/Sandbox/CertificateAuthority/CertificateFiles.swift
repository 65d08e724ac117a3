internal import Foundation
internal import SwiftASN1
internal import X509

/// The PEM files of a development authority in their directory.
///
/// Keys are created readable by their owner only, never made so afterwards; every file is written beside its place and
/// renamed into it.
struct CertificateFiles {
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
        try write(key, "\(name)-key.pem", isPrivate: true)
        try write(certificate, "\(name).pem", isPrivate: false)
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

    private func write(_ text: String, _ name: String, isPrivate: Bool) throws(DevelopmentCAError) {
        do throws(WholeFile.Failure) {
            try WholeFile.write((text + "\n").utf8, to: path(name), isPrivate: isPrivate)
        } catch {
            throw DevelopmentCAError(message: error.message, path: error.path, cause: nil)
        }
    }
}
