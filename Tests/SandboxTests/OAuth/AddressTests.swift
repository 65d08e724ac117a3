import Testing

@testable import Sandbox

struct AddressTests {
    private func sandbox() async throws -> Sandbox {
        let sandbox = try await TestOrg.open().sandbox
        sandbox.listening(
            at: SandboxAddresses(
                loginURL: "http://127.0.0.1:8180", instanceURL: "http://127.0.0.1:8180",
                httpURL: "http://127.0.0.1:8180", httpsURL: "https://127.0.0.1:8443", grpcAddress: "",
                grpcPlaintextAddress: "", caFile: ""))
        return sandbox
    }

    @Test(arguments: [
        ("127.0.0.1:8180", "http://127.0.0.1:8180"), ("localhost:8180", "http://localhost:8180"),
        ("localhost:8443", "https://localhost:8443"), ("[::1]:8443", "https://[::1]:8443"),
        ("localhost:9999", "http://127.0.0.1:8180"), ("login.salesforce.com", "https://127.0.0.1:8443"),
        ("x.my.salesforce.com", "https://x.my.salesforce.com"), ("gateway.example", "http://127.0.0.1:8180"),
        ("", "http://127.0.0.1:8180"),
    ])
    func instanceURLFollowsTheNameThatTheClientUsed(authority: String, url: String) async throws {
        let sandbox = try await sandbox()
        #expect(sandbox.instanceURL(for: authority) == url)
        #expect(sandbox.grantedInstanceURL(for: authority) == url)
        #expect(sandbox.isOwnURL(url))
        #expect(sandbox.isOwnURL(url + "/"))
    }

    @Test(arguments: [
        "", "http://localhost:8443", "https://localhost:8180", "https://evil.example", "http://x.my.salesforce.com",
        "https://x.my.salesforce.com/path", "localhost:8180", "https://my.salesforce.com",
        "https://other.my.salesforce.com",
    ])
    func otherURLsAreNotOurs(url: String) async throws {
        #expect(try await !sandbox().isOwnURL(url))
    }
}
