import Synchronization
import Testing

@testable import Doors

/// The REST API over HTTP, on an org of the test's.
@Suite struct RESTDoorTests {
    private static let authorized = ("Authorization", "Bearer good!token")
    private static let json = ("Content-Type", "application/json")
    private static let account = "/services/data/v66.0/sobjects/Account"

    private func withDoor(_ body: @escaping @Sendable (RunningDoor, FakeOrg) async throws -> Void) async throws {
        let org = FakeOrg()
        try await withHTTPDoor(routes: [RESTDoor(org: org)]) { try await body($0, org) }
    }

    @Test func versionsNeedNoSessionAndDoNotCount() async throws {
        try await withDoor { running, org in
            let answer = try await running.get("/services/data")
            #expect(answer.status == 200)
            #expect(answer.header("sforce-limit-info") == nil)
            #expect(answer.body.hasPrefix(#"[{"label":"Summer '14","url":"/services/data/v31.0","version":"31.0"}"#))
            #expect(answer.body.hasSuffix(#"{"label":"Summer '26","url":"/services/data/v67.0","version":"67.0"}]"#))
            #expect(answer.body.contains(#""label":"Winter '26","url":"/services/data/v65.0""#))
            #expect(org.state.withLock { $0.calls } == 0)
            let slash = try await running.get("/services/data/")
            #expect(slash.body == answer.body)
        }
    }

    @Test(arguments: [
        ("/services/data/v30.0/sobjects", 410, "UNSUPPORTED_API_VERSION"),
        ("/services/data/v68.0/sobjects", 404, "NOT_FOUND"),
        ("/services/data/v66.1/sobjects", 404, "NOT_FOUND"),
        ("/services/data/66.0/sobjects", 404, "NOT_FOUND"),
        ("/services/data/v066.0", 404, "NOT_FOUND"),
        ("/services/data/v66.0/nothing", 404, "NOT_FOUND"),
        ("/services/data/v66.0/sobjects/Account/1/2/3", 404, "NOT_FOUND"),
        ("/services/data/v66.0/sobjects/Account/1?fields=%FF", 400, "URL_NOT_DECODABLE"),
    ])
    func unknownResources(path: String, status: Int, code: String) async throws {
        try await withDoor { running, _ in
            let answer = try await running.get(path, headers: [Self.authorized])
            #expect(answer.status == status)
            #expect(answer.body.hasPrefix(#"[{"message":""#))
            #expect(answer.body.contains("\"errorCode\":\"\(code)\""))
        }
    }

    @Test(arguments: [nil, "good!token", "Basic good!token", "Bearer", "Bearer ", "Bearer bad"])
    func badSession(authorization: String?) async throws {
        try await withDoor { running, org in
            let answer = try await running.get(
                Self.account + "/describe", headers: authorization.map { [("Authorization", $0)] } ?? [])
            #expect(answer.status == 401)
            #expect(answer.body == #"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#)
            #expect(answer.header("sforce-limit-info") == nil)
            #expect(org.state.withLock { $0.calls } == 0)
        }
    }

    @Test func everyCallCountsAlsoFailedOnes() async throws {
        try await withDoor { running, _ in
            for number in 1...3 {
                let authorization = number == 2 ? ("Authorization", "OAuth good!token") : Self.authorized
                let path = number == 3 ? Self.account + "/001000000000009AAA" : Self.account + "/describe"
                let answer = try await running.get(path, headers: [authorization])
                #expect(answer.status == (number == 3 ? 404 : 200))
                #expect(answer.header("sforce-limit-info") == "api-usage=\(number)/15000")
            }
        }
    }

    @Test func recordsAreCreatedReadChangedAndDeleted() async throws {
        try await withDoor { running, org in
            let created = try await running.send(
                "POST", Self.account,
                headers: [Self.authorized, Self.json, ("Sforce-Call-Options", "defaultNamespace=x, client = My App ")],
                body: #"{"attributes":{"type":"Account"},"Name":"Müller","AnnualRevenue":1.10,"Phone":null}"#)
            #expect(created.status == 201)
            #expect(created.body == #"{"id":"001000000000001AAA","success":true,"errors":[]}"#)
            #expect(created.header("location") == Self.account + "/001000000000001AAA")
            let context = try #require(org.state.withLock { $0.contexts.last })
            #expect(context.apiVersion == "66.0")
            #expect(context.clientName == "My App")
            #expect(context.session.userID == "005000000000001AAA")

            let path = Self.account + "/001000000000001AAA"
            let read = try await running.get(path, headers: [Self.authorized])
            #expect(read.body == #"{"Name":"Müller","AnnualRevenue":1.10,"Phone":null}"#)
            let some = try await running.get(path + "?fields=Name,%20Phone", headers: [Self.authorized])
            #expect(some.body == #"{"Name":"Müller","Phone":null}"#)

            let changed = try await running.send(
                "PATCH", path, headers: [Self.authorized, ("Content-Type", "application/json; charset=UTF-8")],
                body: #"{"Name":"B"}"#)
            #expect(changed.status == 204)
            #expect(changed.body.isEmpty)
            #expect(
                org.state.withLock { $0.records["001000000000001AAA"] } == [.init(name: "Name", value: .string("B"))])

            let overridden = try await running.send(
                "POST", path + "?_HttpMethod=PATCH", headers: [Self.authorized, Self.json], body: #"{"Name":"C"}"#)
            #expect(overridden.status == 204)
            #expect(
                org.state.withLock { $0.records["001000000000001AAA"] } == [.init(name: "Name", value: .string("C"))])

            let deleted = try await running.send("DELETE", path, headers: [Self.authorized])
            #expect(deleted.status == 204)
            let again = try await running.send("DELETE", path, headers: [Self.authorized])
            #expect(again.status == 404)
            #expect(again.body == #"[{"message":"entity is deleted","errorCode":"ENTITY_IS_DELETED"}]"#)
        }
    }

    @Test func fieldsOfAnErrorAreNamed() async throws {
        try await withDoor { running, org in
            org.state.withLock {
                $0.failure = OrgError(
                    status: 400, errorCode: "REQUIRED_FIELD_MISSING", message: "Required fields are missing: [Name]",
                    fields: ["Name"])
            }
            let answer = try await running.send(
                "POST", Self.account, headers: [Self.authorized, Self.json], body: "{}")
            #expect(answer.status == 400)
            #expect(
                answer.body
                    == #"[{"message":"Required fields are missing: [Name]","errorCode":"REQUIRED_FIELD_MISSING","fields":["Name"]}]"#
            )
        }
    }

    @Test(arguments: [
        (
            "{x", 400, "JSON_PARSER_ERROR",
            "Unexpected character ('x' (code 120)): was expecting double-quote to start field name at [line:1, column:2]"
        ),
        ("", 400, "JSON_PARSER_ERROR", "No content to map to Object due to end of input at [line:1, column:1]"),
        ("[]", 400, "JSON_PARSER_ERROR", "must be an object"),
        (#"{"Name":"a","Name":"b"}"#, 400, "JSON_PARSER_ERROR", "Duplicate field 'Name' at [line:1, column:13]"),
        (
            #"{"Id":"001000000000001AAA"}"#, 400, "INVALID_FIELD",
            "The Id field should not be specified in the sobject data."
        ),
    ])
    func badBodyChangesNothing(body: String, status: Int, code: String, message: String) async throws {
        try await withDoor { running, org in
            let answer = try await running.send(
                "PATCH", Self.account + "/001000000000001AAA", headers: [Self.authorized, Self.json], body: body)
            #expect(answer.status == status)
            #expect(answer.body.contains(code))
            #expect(answer.body.contains(message))
            #expect(org.state.withLock { $0.records.isEmpty && $0.contexts.isEmpty })
        }
    }

    @Test(arguments: [
        nil, "text/plain", "application/x-www-form-urlencoded", "application/json;charset=latin1", "application/jsonx",
    ])
    func otherContentTypesAreRefused(type: String?) async throws {
        try await withDoor { running, org in
            let answer = try await running.send(
                "POST", Self.account, headers: [Self.authorized] + (type.map { [("Content-Type", $0)] } ?? []),
                body: "{}")
            #expect(answer.status == 415)
            #expect(answer.body.contains("UNSUPPORTED_MEDIA_TYPE"))
            #expect(org.state.withLock { $0.contexts.isEmpty })
        }
    }

    @Test(arguments: [
        ("PUT", "/services/data/v66.0/sobjects/Account", "GET,HEAD,POST"),
        ("DELETE", "/services/data/v66.0/sobjects/Account", "GET,HEAD,POST"),
        ("POST", "/services/data/v66.0/sobjects/Account/001000000000001AAA", "DELETE,GET,HEAD,PATCH"),
        ("POST", "/services/data/v66.0/sobjects/Account/describe", "GET,HEAD"),
        ("POST", "/services/data/v66.0/sobjects", "GET,HEAD"),
        ("POST", "/services/data/v66.0", "GET,HEAD"),
        ("POST", "/services/data", "GET,HEAD"),
    ])
    func wrongMethodIsTold(method: String, path: String, allowed: String) async throws {
        try await withDoor { running, _ in
            let answer = try await running.send(
                method, path, headers: [Self.authorized, Self.json], body: method == "DELETE" ? nil : "{}")
            #expect(answer.status == 405)
            #expect(
                answer.body
                    == "[{\"message\":\"HTTP Method '\(method)' not allowed. Allowed are \(allowed)\",\"errorCode\":\"METHOD_NOT_ALLOWED\"}]"
            )
        }
    }

    @Test func descriptions() async throws {
        try await withDoor { running, _ in
            let resources = try await running.get("/services/data/v66.0", headers: [Self.authorized])
            #expect(resources.body.hasPrefix(#"{"sobjects":"/services/data/v66.0/sobjects","#))
            for name in ["query", "queryAll", "search", "limits", "composite", "recent", "parameterizedSearch"] {
                #expect(resources.body.contains("\"\(name)\":\"/services/data/v66.0/\(name)\""))
            }
            #expect(resources.body.hasSuffix(#""identity":"https://login.salesforce.com/id/00D/005"}"#))
            let global = try await running.get("/services/data/v66.0/sobjects/", headers: [Self.authorized])
            #expect(global.body == #"{"encoding":"UTF-8"}"#)
            let full = try await running.get(Self.account + "/describe/", headers: [Self.authorized])
            #expect(full.body == #"{"name":"Account","fields":[{"name":"Id"}]}"#)
            let basic = try await running.get(Self.account, headers: [Self.authorized])
            #expect(basic.body == #"{"objectDescribe":{"name":"Account"},"recentItems":["Account 5"]}"#)
            let pretty = try await running.get(Self.account, headers: [Self.authorized, ("X-PrettyPrint", "1")])
            #expect(pretty.body.hasPrefix("{\n  \"objectDescribe\" : {\n"))
            let head = try await running.send("HEAD", Self.account, headers: [Self.authorized])
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
        }
    }

    @Test func bodyAboveTheLimitIsRefused() async throws {
        let org = FakeOrg()
        var configuration = HTTPDoor.Configuration()
        configuration.limits.bodyBytesMax = 100
        try await withHTTPDoor(configuration, routes: [RESTDoor(org: org)]) { running in
            let answer = try await running.send(
                "POST", Self.account, headers: [Self.authorized, Self.json],
                body: #"{"Name":""# + String(repeating: "a", count: 100) + "\"}")
            #expect(answer.status == 413)
            #expect(org.state.withLock { $0.records.isEmpty })
        }
    }
}
