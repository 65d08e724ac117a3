import ChangeEvents
import Doors
import Foundation
import TestSupport
import Testing

@testable import Sandbox

struct RestartTests {
    @Test func everythingIsThereAgain() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Case", [("Subject", .string("S"))])
        let connection = org.sandbox.connection
        let events = try await org.received()
        let key = try Data(contentsOf: URL(fileURLWithPath: connection.privateKeyFile))

        let again = try await org.reopened()
        #expect(again.sandbox.connection == connection)
        #expect(try Data(contentsOf: URL(fileURLWithPath: connection.privateKeyFile)) == key)
        #expect(try await again.retrieve("Case", id)["Subject"] == .string("S"))
        #expect(try await again.received() == events)
        let next = try await again.create("Case", [])
        #expect(next != id)
        #expect(try await again.retrieve("Case", next)["CaseNumber"] == .string("00001001"))
        let all = try await again.received()
        let last = try #require(all.last?.replayID.counter)
        #expect(last > events[0].replayID.counter ?? .max)
        let headers = try await again.events().map(\.header)
        #expect(headers[1].commitNumber > headers[0].commitNumber)
    }

    @Test func privateKeyIsPrivate() async throws {
        let org = try await TestOrg.open(in: TemporaryDirectory())
        let attributes = try FileManager.default.attributesOfItem(atPath: org.sandbox.connection.privateKeyFile)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(org.sandbox.connection.privateKeyFile.hasSuffix("/private-key.pem"))
    }

    @Test func damagedKeyIsNotOverwritten() async throws {
        let directory = try TemporaryDirectory()
        try Data("not a key".utf8).write(to: directory.url("private-key.pem"))
        await #expect(throws: SandboxError.self) { _ = try await TestOrg.open(in: directory) }
        #expect(try String(contentsOf: directory.url("private-key.pem"), encoding: .utf8) == "not a key")
    }

    @Test func connectionHasTheKeysOfItsFile() async throws {
        let org = try await TestOrg.open()
        let object =
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(org.sandbox.connection)) as? [String: String]
        #expect(
            Set(try #require(object).keys) == [
                "login_url", "instance_url", "http_url", "https_url", "grpc_address", "grpc_plaintext_address",
                "org_id",
                "client_id", "client_secret", "username", "password", "security_token", "private_key_file", "ca_file",
            ])
    }
}
