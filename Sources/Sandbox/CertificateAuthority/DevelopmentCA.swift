internal import Crypto
public import Foundation
internal import X509

/// The certificate authority of a sandbox, and the server certificate it has signed: made at the first start, kept in a
/// directory, so that a client that was told once to trust `ca.pem` trusts every later start.
///
/// The server certificate has the names under which unmodified Salesforce clients look for an org (`login.salesforce.com`,
/// `*.my.salesforce.com`, …) beside those of this machine, so that a proxy can send such a client here. For the same reason
/// the authority must never be trusted by a whole system: its key lies on disk. It can vouch for
/// no other host names, and its subject says what it is.
///
/// | file            | mode | what                                                    |
/// |-----------------|------|---------------------------------------------------------|
/// | `ca.pem`        | 0644 | the authority's certificate: what clients trust         |
/// | `ca-key.pem`    | 0600 | its key, for renewing the server's certificate          |
/// | `server.pem`    | 0644 | the server's certificate                                |
/// | `server-key.pem`| 0600 | its key                                                 |
///
/// Keys are ECDSA on P-256. The server's certificate is renewed when it comes near its end, or when its names are no longer
/// those that are needed; the authority only when it comes near its own. Each file is replaced in one step.
public struct DevelopmentCA: Sendable {
    public let authorityFile: String
    public let certificateFile: String
    public let privateKeyFile: String

    /// Names of the server's certificate.
    static let hostNames = [
        "localhost", "login.salesforce.com", "test.salesforce.com", "*.my.salesforce.com", "api.pubsub.salesforce.com",
    ]
    static let addresses: [[UInt8]] = [[127, 0, 0, 1], [UInt8](repeating: 0, count: 15) + [1]]

    private static let day: TimeInterval = 86_400
    static let authorityLifetime: TimeInterval = 3_650 * day
    /// Some clients refuse server certificates that live longer than 398 days.
    static let certificateLifetime: TimeInterval = 397 * day
    /// Renewed when less than this is left.
    static let renewalMargin: TimeInterval = 30 * day
    /// Clocks of clients may be behind.
    static let clockSkew: TimeInterval = day

    /// Opens the authority in a directory, making or renewing what is missing or nearly over.
    ///
    /// Blocks on the file system for a few milliseconds: call it at start.
    public static func open(
        directory: String, now: Date = Date()
    ) throws(DevelopmentCAError) -> DevelopmentCA {
        let files = CertificateFiles(directory: directory)
        try files.prepareDirectory()
        let authority: CertifiedKey
        if let kept = try files.read("ca"), isGood(authority: kept, now: now) {
            authority = kept
        } else {
            authority = try issue { try CertifiedKey.authority(now: now) }
            try files.write(authority, "ca")
        }
        if let kept = try files.read("server"), isGood(server: kept, of: authority, now: now) {
            // Stays.
        } else {
            try files.write(try issue { try CertifiedKey.server(of: authority, now: now) }, "server")
        }
        return DevelopmentCA(
            authorityFile: files.path("ca.pem"), certificateFile: files.path("server.pem"),
            privateKeyFile: files.path("server-key.pem"))
    }

    private static func issue(_ make: () throws -> CertifiedKey) throws(DevelopmentCAError) -> CertifiedKey {
        do {
            return try make()
        } catch {
            throw DevelopmentCAError(message: "A development certificate could not be made", path: nil, cause: error)
        }
    }

    /// The authority must outlive the server certificates it signs.
    private static func isGood(authority: CertifiedKey, now: Date) -> Bool {
        let certificate = authority.certificate
        return certificate.publicKey == authority.key.publicKey
            && certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
            && certificate.notValidBefore <= now
            && certificate.notValidAfter.timeIntervalSince(now) > certificateLifetime + renewalMargin
    }

    private static func isGood(server: CertifiedKey, of authority: CertifiedKey, now: Date) -> Bool {
        let certificate = server.certificate
        guard certificate.publicKey == server.key.publicKey,
            certificate.issuer == authority.certificate.subject,
            authority.certificate.publicKey.isValidSignature(certificate.signature, for: certificate),
            certificate.notValidBefore <= now, certificate.notValidAfter.timeIntervalSince(now) > renewalMargin,
            let names = try? certificate.extensions.subjectAlternativeNames
        else { return false }
        return Set(names) == Set(CertifiedKey.subjectNames)
    }
}

/// Why the development certificates could not be had.
public struct DevelopmentCAError: Error, Sendable, CustomStringConvertible {
    public var message: String
    /// The file or directory it concerns.
    public var path: String?
    public var cause: (any Error)?

    public var description: String {
        message + (path.map { " (\($0))" } ?? "") + (cause.map { ": \($0)" } ?? "")
    }
}
