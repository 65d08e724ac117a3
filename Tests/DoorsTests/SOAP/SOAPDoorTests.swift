import Testing

@testable import Doors

/// An org that knows one user, and the `FakeOrg`'s records.
struct FakeLogin: SOAPService, RecordService {
    var org = FakeOrg()

    static let user = SOAPUserInfo(
        organizationID: "00D000000000001AAA", organizationName: "Electric & <Motors>", profileID: "00e000000000001AAA",
        sessionSecondsValid: 7_200, email: "a@example.com", fullName: "A \"B\"", userID: "005000000000001AAA",
        username: "a@example.com")

    func login(
        username: String, password: String, apiVersion: Int, authority: String, clientName: String?
    ) async throws(SOAPFault) -> SOAPLogin {
        guard username == "a@example.com", password == "<p&'\">" else { throw .invalidLogin }
        return SOAPLogin(
            instanceURL: "https://\(authority)", sessionID: "00D!x&y", isSandbox: true, user: Self.user)
    }

    func soapSession(_ sessionID: String) async throws(SOAPFault) -> OrgSession {
        guard sessionID == "good" else { throw .invalidSession }
        return OrgSession(
            accessToken: sessionID, userID: Self.user.userID, username: Self.user.username,
            organizationID: Self.user.organizationID, clientID: "")
    }

    func logout(_ session: OrgSession) async throws(SOAPFault) {}
    func soapUserInfo(_ session: OrgSession) async throws(SOAPFault) -> SOAPUserInfo { Self.user }
    func serverTime() -> Int64 { 1_771_300_995_251 }
    func countCall(_ session: OrgSession, requestID: String) async throws(OrgError) -> String { "api-usage=1/15000" }
    func record(_ call: APICall) {}

    func reading<T: Sendable>(
        _ context: CallContext, _ body: @escaping @Sendable (any OrgWork) throws -> T
    ) async throws -> T {
        try await org.reading(context, body)
    }

    func writing<T: Sendable>(
        _ context: CallContext, _ body: @escaping @Sendable (any OrgWork) throws -> T
    ) async throws -> T {
        try await org.writing(context, body)
    }
}

@Suite struct SOAPDoorTests {
    private func call(
        _ body: String, path: String = "/services/Soap/u/59.0", header: String = "",
        _ check: @escaping @Sendable (TestResponse) throws -> Void
    ) async throws {
        let envelope = """
            <?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" \
            xmlns:urn="urn:partner.soap.sforce.com"><s:Header>\(header)</s:Header><s:Body>\(body)</s:Body></s:Envelope>
            """
        try await raw(envelope, path: path, check)
    }

    private func raw(
        _ body: String, path: String = "/services/Soap/u/59.0",
        _ check: @escaping @Sendable (TestResponse) throws -> Void
    ) async throws {
        try await withHTTPDoor(routes: [SOAPDoor(service: FakeLogin(), bodyBytesMax: Self.bodyBytesMax)]) { running in
            let answer = try await running.send(
                "POST", path, headers: [("Content-Type", "text/xml"), ("SOAPAction", "login")], body: body)
            try check(answer)
        }
    }

    private static let bodyBytesMax = 256 << 10

    private static let login =
        "<urn:login><urn:username>a@example.com</urn:username><urn:password>&lt;p&amp;'\"&gt;</urn:password></urn:login>"

    @Test func loginAnswersInTheOrderThatClientsCountBy() async throws {
        for path in ["/services/Soap/u/59.0", "/services/Soap/u/59.0/", "/services/Soap/c/64.0/00D000000000001"] {
            try await call(Self.login, path: path) { answer in
                #expect(answer.status == 200)
                let root = try XMLReader.parse(answer.body.utf8)
                let result = try #require(root.children.first?.children.first?.child("result"))
                #expect(
                    result.children.map(\.name) == [
                        "metadataServerUrl", "passwordExpired", "sandbox", "serverUrl", "sessionId", "userId",
                        "userInfo",
                    ])
                #expect(result.children[4].text == "00D!x&y")
                #expect(result.children[3].text.hasPrefix("https://127.0.0.1:"))
                let user = result.children[6]
                #expect(user.children[8] == XMLElement(name: "organizationId", text: "00D000000000001AAA"))
                #expect(user.children[10].text == "Electric & <Motors>")
                #expect(user.children[12].attributes == ["nil": "true"])
                #expect(user.children.count == 24)
            }
        }
    }

    @Test func wrongPasswordIsAFaultThatClientsRead() async throws {
        try await call("<urn:login><urn:username>a</urn:username></urn:login>") { answer in
            #expect(answer.status == 500)
            #expect(answer.header("content-type") == "text/xml;charset=UTF-8")
            #expect(answer.body.contains("<faultcode>sf:INVALID_LOGIN</faultcode>"))
            #expect(answer.body.contains("<sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode>"))
            #expect(
                answer.body.contains(
                    "<sf:exceptionMessage>Invalid username, password, security token; or user locked out."))
        }
    }

    @Test func sessionHeaderOpensTheOtherCalls() async throws {
        let header = "<urn:SessionHeader><urn:sessionId> good </urn:sessionId></urn:SessionHeader>"
        try await call("<urn:getServerTimestamp/>", header: header) {
            #expect($0.body.contains("<timestamp>2026-02-17T04:03:15.251Z</timestamp>"))
        }
        try await call("<urn:getUserInfo/>", header: header) {
            #expect($0.body.contains("<getUserInfoResponse><result><accessibilityMode>false</accessibilityMode>"))
        }
        try await call("<urn:logout/>", header: header) {
            #expect($0.body.contains("<logoutResponse></logoutResponse>"))
        }
        for operation in ["getServerTimestamp", "getUserInfo", "logout"] {
            try await call("<urn:\(operation)/>") { answer in
                #expect(answer.status == 500)
                #expect(answer.body.contains("<faultcode>sf:INVALID_SESSION_ID</faultcode>"))
            }
        }
    }

    @Test func otherOperationsAndVersionsAreFaults() async throws {
        try await call("<urn:fly/>") { #expect($0.body.contains("sf:INVALID_OPERATION")) }
        try await call(Self.login, path: "/services/Soap/u/99.0") {
            #expect($0.body.contains("<faultcode>sf:UNSUPPORTED_API_VERSION</faultcode>"))
        }
        try await call(Self.login, path: "/services/Soap/u/20.0") {
            #expect($0.body.contains("<faultcode>sf:UNSUPPORTED_API_VERSION</faultcode>"))
        }
        try await call(Self.login, path: "/services/Soap/x/59.0") { #expect($0.status == 404) }
    }

    @Test func whatIsNoEnvelopeIsAFault() async throws {
        for body in ["", "login", "<a/>", "<Envelope/>", "<Envelope><Body/></Envelope>"] {
            try await raw(body) { answer in
                #expect(answer.status == 500)
                #expect(answer.body.contains("Fault>"))
            }
        }
        try await raw("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>") {
            #expect($0.body.contains("<faultstring>DOCTYPE is disallowed (at byte 0)</faultstring>"))
        }
    }

    @Test func hugeBodyIsRefused() async throws {
        try await raw("<a>" + String(repeating: "x", count: Self.bodyBytesMax) + "</a>") { answer in
            #expect(answer.status == 413)
            #expect(answer.body.contains("sf:EXCEEDED_MAX_SIZE_REQUEST"))
        }
    }
}
