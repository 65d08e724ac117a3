import Foundation
import TestSupport
import Testing

@testable import Sandbox

/// The development authority and its files, judged by OpenSSL where it is installed.
@Suite struct DevelopmentCATests {
    private static let openSSL = "/usr/bin/openssl"
    private static var hasOpenSSL: Bool { FileManager.default.isExecutableFile(atPath: openSSL) }

    private func inDirectory(_ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.path + "/millrace-\(UUID().uuidString)/tls"
        defer { try? FileManager.default.removeItem(atPath: directory.replacing("/tls", with: "")) }
        try body(directory)
    }

    private func contents(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? NSNumber).intValue
    }

    private func openSSL(_ arguments: [String]) throws -> (end: ChildProcess.End, output: String) {
        let process = try ChildProcess(Self.openSSL, arguments, mergesStandardError: true)
        let output = try process.remainingOutput()
        return (try process.waitForEnd(), output)
    }

    @Test func filesAreMadeWithTheirModes() throws {
        try inDirectory { directory in
            let authority = try DevelopmentCA.open(directory: directory)
            #expect(authority.authorityFile == directory + "/ca.pem")
            #expect(authority.certificateFile == directory + "/server.pem")
            #expect(authority.privateKeyFile == directory + "/server-key.pem")
            #expect(try mode(directory + "/ca-key.pem") == 0o600)
            #expect(try mode(directory + "/server-key.pem") == 0o600)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: directory).sorted() == [
                    "ca-key.pem", "ca.pem", "server-key.pem", "server.pem",
                ])
        }
    }

    @Test func secondStartKeepsEverything() throws {
        try inDirectory { directory in
            _ = try DevelopmentCA.open(directory: directory)
            let before = try ["ca.pem", "ca-key.pem", "server.pem", "server-key.pem"].map {
                try contents(directory + "/" + $0)
            }
            _ = try DevelopmentCA.open(directory: directory, now: Date() + 300 * 86_400)
            let after = try ["ca.pem", "ca-key.pem", "server.pem", "server-key.pem"].map {
                try contents(directory + "/" + $0)
            }
            #expect(before == after)
        }
    }

    @Test func serverIsRenewedNearItsEndAndTheAuthorityStays() throws {
        try inDirectory { directory in
            _ = try DevelopmentCA.open(directory: directory)
            let authority = try contents(directory + "/ca.pem")
            let server = try contents(directory + "/server.pem")
            _ = try DevelopmentCA.open(directory: directory, now: Date() + 368 * 86_400)
            #expect(try contents(directory + "/ca.pem") == authority)
            #expect(try contents(directory + "/server.pem") != server)
            _ = try DevelopmentCA.open(directory: directory, now: Date() + 3_300 * 86_400)
            #expect(try contents(directory + "/ca.pem") != authority, "it must outlive what it signs")
        }
    }

    @Test(arguments: ["ca.pem", "ca-key.pem", "server.pem", "server-key.pem"])
    func damagedOrForeignFileIsReplaced(name: String) throws {
        try inDirectory { directory in
            try inDirectory { other in
                _ = try DevelopmentCA.open(directory: directory)
                _ = try DevelopmentCA.open(directory: other)
                for content in ["garbage\u{0}", "", try contents(other + "/" + name)] {
                    try Data(content.utf8).write(to: URL(fileURLWithPath: directory + "/" + name))
                    let authority = try DevelopmentCA.open(directory: directory)
                    guard Self.hasOpenSSL else { continue }
                    let verified = try openSSL([
                        "verify", "-CAfile", authority.authorityFile, authority.certificateFile,
                    ])
                    #expect(verified.end == .exited(status: 0), "\(verified.output)")
                }
                try FileManager.default.removeItem(atPath: directory + "/" + name)
                _ = try DevelopmentCA.open(directory: directory)
                #expect(FileManager.default.fileExists(atPath: directory + "/" + name))
            }
        }
    }

    @Test func unusableDirectoryIsNamed() throws {
        try inDirectory { directory in
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            let file = directory + "/file"
            try Data().write(to: URL(fileURLWithPath: file))
            let error = #expect(throws: DevelopmentCAError.self) { try DevelopmentCA.open(directory: file + "/below") }
            #expect(error?.description.contains(file) == true)
        }
    }

    @Test(
        .enabled(if: hasOpenSSL, "openssl is not installed"),
        arguments: [
            "localhost", "login.salesforce.com", "test.salesforce.com", "electric-motors.my.salesforce.com",
            "api.pubsub.salesforce.com",
        ])
    func openSSLAcceptsTheNames(name: String) throws {
        try inDirectory { directory in
            let authority = try DevelopmentCA.open(directory: directory)
            let verified = try openSSL([
                "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", name, "-CAfile",
                authority.authorityFile,
                authority.certificateFile,
            ])
            #expect(verified.end == .exited(status: 0), "\(verified.output)")
        }
    }

    @Test(.enabled(if: hasOpenSSL, "openssl is not installed"))
    func openSSLAcceptsTheAddressesAndRefusesOthers() throws {
        try inDirectory { directory in
            let authority = try DevelopmentCA.open(directory: directory)
            for address in ["127.0.0.1", "::1"] {
                let verified = try openSSL([
                    "verify", "-x509_strict", "-verify_ip", address, "-CAfile", authority.authorityFile,
                    authority.certificateFile,
                ])
                #expect(verified.end == .exited(status: 0), "\(verified.output)")
            }
            let other = try openSSL([
                "verify", "-verify_hostname", "www.salesforce.com", "-CAfile", authority.authorityFile,
                authority.certificateFile,
            ])
            #expect(other.end != .exited(status: 0))
        }
    }

    /// Its key lies on disk: whoever has it must not be able to stand in for a bank.
    @Test(.enabled(if: hasOpenSSL, "openssl is not installed"))
    func authorityCannotVouchForOtherNames() throws {
        try inDirectory { directory in
            let authority = try DevelopmentCA.open(directory: directory)
            func file(_ name: String) -> String { directory + "/" + name }
            let request = try openSSL([
                "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                file("evil-key.pem"),
                "-subj", "/CN=bank.example", "-addext", "subjectAltName=DNS:bank.example", "-out", file("evil.csr"),
            ])
            #expect(request.end == .exited(status: 0), "\(request.output)")
            let signed = try openSSL([
                "x509", "-req", "-in", file("evil.csr"), "-CA", authority.authorityFile, "-CAkey", file("ca-key.pem"),
                "-copy_extensions", "copy", "-days", "1", "-out", file("evil.pem"),
            ])
            #expect(signed.end == .exited(status: 0), "\(signed.output)")
            let verified = try openSSL(["verify", "-CAfile", authority.authorityFile, file("evil.pem")])
            #expect(verified.end != .exited(status: 0))
            #expect(verified.output.contains("permitted subtree violation"), "\(verified.output)")
        }
    }
}
