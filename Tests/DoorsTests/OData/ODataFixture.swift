import AsyncHTTPClient
import Foundation
import NIOCore
import Sandbox
import TestSupport
import Testing

@testable import Doors

/// A real org behind the OData door, shared by the tests; each keeps to records of its own.
struct ODataFixture: Sendable {
    let running: RunningDoor
    let sandbox: Sandbox
    let context: CallContext

    private static let org = Task {
        let directory = try TemporaryDirectory()
        var configuration = Sandbox.Configuration()
        configuration.loadsSampleData = false
        configuration.isDurable = false
        let sandbox = try await Sandbox(directory: directory.path, configuration: configuration, logger: testLogger)
        let session = try await sandbox.openSession(username: sandbox.usernames[0])
        return (sandbox, CallContext(session: session, apiVersion: "66.0", clientName: nil), directory)
    }

    static func use(_ body: @escaping @Sendable (ODataFixture) async throws -> Void) async throws {
        let (sandbox, context, _) = try await org.value
        try await withHTTPDoor(routes: [ODataDoor(org: sandbox, service: sandbox)]) { running in
            try await body(ODataFixture(running: running, sandbox: sandbox, context: context))
        }
    }

    @discardableResult
    func create(_ object: String, _ fields: (String, JSONValue)...) async throws -> String {
        try await sandbox.create(
            object: object, fields: fields.map { .init(name: $0.0, value: $0.1) }, context: context)
    }

    var authorization: (String, String) { ("Authorization", "Bearer \(context.session.accessToken)") }

    func send(_ method: String, _ path: String, headers: [(String, String)] = []) async throws -> TestResponse {
        try await running.send(method, path, headers: [authorization] + headers)
    }

    /// `path`: behind the root; options with their texts, which are escaped here.
    func get(
        _ path: String, _ options: [(String, String)] = [], headers: [(String, String)] = []
    ) async throws -> TestResponse {
        try await send("GET", "/odata/v4/\(path)\(Self.query(options))", headers: headers)
    }

    static func query(_ options: [(String, String)]) -> String {
        let allowed = CharacterSet.alphanumerics
        let parts = options.map { name, value in
            "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")"
        }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }

    /// The rows of an answer that must be one.
    func rows(
        _ path: String, _ options: [(String, String)] = [], headers: [(String, String)] = []
    ) async throws -> ODataPage {
        let answer = try await get(path, options, headers: headers)
        #expect(answer.status == 200, "\(answer.body)")
        return try ODataPage(answer)
    }

    /// The values of one property of what a filter finds.
    func values(_ property: String, of set: String, _ filter: String) async throws -> [String] {
        try await rows(set, [("$filter", filter), ("$select", property), ("$orderby", "Id")]).texts(property)
    }

    /// The error of an answer that must be one.
    func failure(
        _ path: String, _ options: [(String, String)] = []
    ) async throws -> (status: Int, code: String, message: String) {
        let answer = try await get(path, options)
        let document = try JSONParser.parse(answer.body.utf8)
        let error = try #require(JSONObject(JSONObject(document)?["error"]), "\(answer.body)")
        return (answer.status, error.text("code") ?? "", error.text("message") ?? "")
    }
}

struct ODataPage {
    let document: JSONObject
    let rows: [JSONObject]

    init(_ answer: TestResponse) throws {
        document = try #require(JSONObject(try JSONParser.parse(answer.body.utf8)))
        rows = try #require(document.array("value")).map { try #require(JSONObject($0)) }
    }

    var nextLink: String? { document.text("@odata.nextLink") }
    var count: JSONValue? { document["@odata.count"] }
    func texts(_ property: String) -> [String] { rows.map { $0.text(property) ?? "null" } }
}
