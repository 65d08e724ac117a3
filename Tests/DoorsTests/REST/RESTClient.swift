@testable import Doors

/// Calls of the REST API on an org of the test's, with a session.
struct RESTClient: Sendable {
    static let root = "/services/data/v66.0"

    let running: RunningDoor
    let org: FakeOrg

    func get(_ path: String, headers: [(String, String)] = []) async throws -> TestResponse {
        try await running.get(Self.root + path, headers: Self.authorized + headers)
    }

    func send(
        _ method: String, _ path: String, _ body: String? = nil, headers: [(String, String)] = []
    ) async throws -> TestResponse {
        let type = body == nil ? [] : [("Content-Type", "application/json")]
        return try await running.send(method, Self.root + path, headers: Self.authorized + type + headers, body: body)
    }

    private static let authorized = [("Authorization", "Bearer good!token")]

    /// Opens a door for the time of a test.
    static func use(_ body: @escaping @Sendable (RESTClient) async throws -> Void) async throws {
        let org = FakeOrg()
        try await withHTTPDoor(routes: [RESTDoor(org: org)]) { running in
            try await body(RESTClient(running: running, org: org))
        }
    }
}
