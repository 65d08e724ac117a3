import AsyncHTTPClient
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Sandbox
import Synchronization
import Testing

@testable import Doors

/// The door behind its own TLS, with the certificates of the sandbox.
@Suite struct HTTPDoorTLSTests {
    @Test func servesTLSAndHandsOver() async throws {
        let directory = FileManager.default.temporaryDirectory.path + "/millrace-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let authority = try DevelopmentCA.open(directory: directory)
        var configuration = HTTPDoor.Configuration()
        configuration.tls = DoorTLS(
            certificateChainFile: authority.certificateFile, privateKeyFile: authority.privateKeyFile)
        let taker = FakeTaker()
        try await withHTTPDoor(configuration, routes: [FakeRoutes()], takeovers: [taker]) { running in
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(authority.authorityFile)
            let client = HTTPClient(
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: .init(tlsConfiguration: tls))
            let answers = await self.result {
                let plain = try await TestResponse(
                    client.execute(
                        HTTPClientRequest(url: "https://localhost:\(running.port)/plain"), timeout: .seconds(45)))
                let taken = try await TestResponse(
                    client.execute(
                        HTTPClientRequest(url: "https://127.0.0.1:\(running.port)/push"), timeout: .seconds(45)))
                return (plain, taken)
            }
            try await client.shutdown()
            let (plain, taken) = try answers.get()
            #expect(plain.body == "plain")
            #expect(taken.status == 200)
            #expect(taken.body == "taken:")

            // Plaintext at the TLS port, and nothing at all: no answer, no harm.
            let answer = try? await RawConnection.exchange(port: running.port, "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(answer?.contains("plain") != true)
        }
        #expect(taker.taken.withLock { $0.map(\.request.isEncrypted) } == [true])
    }

    private func result<Answer>(_ body: () async throws -> Answer) async -> Result<Answer, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }

    /// One who says nothing at all to a port that speaks TLS, and one who stops in the handshake.
    @Test(arguments: ["", "\u{16}\u{3}\u{1}"])
    func handshakeThatNeverEndsIsCutOff(_ beginning: String) async throws {
        let directory = FileManager.default.temporaryDirectory.path + "/millrace-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let authority = try DevelopmentCA.open(directory: directory)
        var configuration = HTTPDoor.Configuration()
        configuration.tls = DoorTLS(
            certificateChainFile: authority.certificateFile, privateKeyFile: authority.privateKeyFile)
        configuration.limits.idleTimeout = .milliseconds(500)
        try await withHTTPDoor(configuration, routes: [FakeRoutes()]) { running in
            let answer = try await RawConnection.exchange(port: running.port, beginning)
            #expect(answer.isEmpty)
        }
    }

    @Test func missingCertificateIsNamed() async {
        var configuration = HTTPDoor.Configuration()
        configuration.tls = DoorTLS(certificateChainFile: "/nowhere/server.pem", privateKeyFile: "/nowhere/key.pem")
        let door = HTTPDoor(
            configuration: configuration, routes: [], metrics: MetricsRegistry(),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: testLogger)
        let error = await #expect(throws: DoorError.self) { try await door.run() }
        #expect(error?.code == .certificate)
        #expect(error?.description.contains("/nowhere/server.pem") == true)
    }
}
