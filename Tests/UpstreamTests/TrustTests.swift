import Crypto
import Foundation
import GRPCNIOTransportHTTP2
import NIOSSL
import SwiftASN1
import TestSupport
import Testing
import X509

@testable import Upstream

/// TLS to both hosts, with the roots of a file.
@Suite(.timeLimit(.minutes(5)))
struct TrustTests {
    /// A certificate authority and a server certificate for 127.0.0.1, made for one test.
    private struct Certificates {
        let authority: String
        let server: String
        let key: String

        init() throws {
            let rootKey = P256.Signing.PrivateKey()
            let key = P256.Signing.PrivateKey()
            let root = try Self.certificate(
                "Test CA", key: .init(rootKey), issuer: "Test CA", issuerKey: .init(rootKey),
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                    KeyUsage(keyCertSign: true)
                })
            let leaf = try Self.certificate(
                "localhost", key: .init(key), issuer: "Test CA", issuerKey: .init(rootKey),
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    SubjectAlternativeNames([
                        .dnsName("localhost"), .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                    ])
                })
            authority = try root.serializeAsPEM().pemString
            server = try leaf.serializeAsPEM().pemString
            self.key = key.pemRepresentation
        }

        private static func certificate(
            _ name: String, key: Certificate.PrivateKey, issuer: String, issuerKey: Certificate.PrivateKey,
            extensions: Certificate.Extensions
        ) throws -> Certificate {
            try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
                notValidBefore: Date(timeIntervalSinceNow: -3600), notValidAfter: Date(timeIntervalSinceNow: 3600),
                issuer: DistinguishedName { CommonName(issuer) }, subject: DistinguishedName { CommonName(name) },
                signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions, issuerPrivateKey: issuerKey)
        }
    }

    private func withOrg(_ body: (FakeEventBus, FakeLoginHost, OrgConnection) async throws -> Void) async throws {
        let certificates = try Certificates()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "millrace-trust-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("ca.pem")
        try certificates.authority.write(to: file, atomically: true, encoding: .utf8)
        let tls = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: NIOSSLCertificate.fromPEMBytes(Array(certificates.server.utf8)).map {
                    .certificate($0)
                },
                privateKey: .privateKey(NIOSSLPrivateKey(bytes: Array(certificates.key.utf8), format: .pem))))
        try await FakeEventBus.with(
            security: .tls(
                certificateChain: [.bytes(Array(certificates.server.utf8), format: .pem)],
                privateKey: .bytes(Array(certificates.key.utf8), format: .pem))
        ) { bus, busPort in
            try await FakeLoginHost.with(tls: tls) { host, hostPort in
                var org = Harness.org(login: hostPort, pubSub: busPort)
                org.login.url = "https://127.0.0.1:\(hostPort)"
                org.usesPlaintext = false
                org.trustRoots = .file(path: file.path)
                try await body(bus, host, org)
            }
        }
    }

    @Test(arguments: ["127.0.0.1", "localhost"])
    func theRootsOfAFileAreTrusted(name: String) async throws {
        try await withOrg { bus, _, org in
            bus.publish(1, to: "/event/A__e")
            var org = org
            org.pubSubHost = name
            org.login.url = org.login.url.replacingOccurrences(of: "127.0.0.1", with: name)
            try await PubSubClient.withClient(of: org, timing: Harness.fast, logger: LogRecorder().logger()) { client in
                let topic = try await client.topic("/event/A__e")
                #expect(topic.name == "/event/A__e")
            }
        }
    }

    @Test func otherRootsAreNot() async throws {
        try await withOrg { bus, host, org in
            var org = org
            org.trustRoots = .system
            try await PubSubClient.withClient(of: org, timing: Harness.fast, logger: LogRecorder().logger()) { client in
                do {
                    _ = try await client.topic("/event/A__e")
                    Issue.record("trusted a stranger")
                } catch let error as UpstreamError {
                    #expect(error.code == .loginFailed)
                }
            }
            #expect(host.requests.isEmpty)
        }
    }
}
