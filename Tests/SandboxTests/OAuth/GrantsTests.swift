import Testing

@testable import Sandbox

struct GrantsTests {
    @Test func sixthRefreshTokenOfAUserForAnAppEndsTheOldest() {
        var grants = Grants()
        var tokens: [String] = []
        for number in 0..<6 {
            let issued = grants.issue(
                userID: "005", clientID: "app", scopes: ["api"], now: Int64(number))
            tokens.append(issued.token)
            #expect(issued.ended.count == (number == 5 ? 1 : 0))
        }
        let other = grants.issue(userID: "005", clientID: "other", scopes: [], now: 9)
        #expect(other.ended.isEmpty)
        #expect(grants.grant(ofToken: tokens[0]) == nil)
        for token in tokens.dropFirst() { #expect(grants.grant(ofToken: token) != nil) }
    }

    @Test func loginGateOpensAgainAndForgetsAfterASuccess() {
        var gate = LoginGate()
        for _ in 0..<(LoginGate.attemptsMax - 1) { gate.failed("a@b", now: 0) }
        #expect(!gate.isLocked("A@B", now: 0))
        gate.succeeded("a@b")
        for _ in 0..<LoginGate.attemptsMax { gate.failed("a@b", now: 5) }
        #expect(gate.isLocked("a@b", now: 5))
        #expect(gate.isLocked("a@b", now: 4 + LoginGate.lockoutMilliseconds))
        #expect(!gate.isLocked("a@b", now: 5 + LoginGate.lockoutMilliseconds))
        gate.failed("a@b", now: 5 + LoginGate.lockoutMilliseconds)
        #expect(!gate.isLocked("a@b", now: 5 + LoginGate.lockoutMilliseconds))
    }

    @Test func manyStrangersDoNotEndALockout() {
        var gate = LoginGate()
        for _ in 0..<LoginGate.attemptsMax { gate.failed("victim", now: 0) }
        for number in 0..<(2 * LoginGate.namesMax) { gate.failed("stranger\(number)", now: 1) }
        #expect(gate.isLocked("victim", now: 1))
    }

    @Test(arguments: [
        ("http://localhost:1717/OauthRedirect", true), ("http://localhost", true), ("http://127.0.0.1:80?x", true),
        ("http://[::1]:9/x", true), ("https://app.example/back", true), ("https://app.example/back2", false),
        ("http://localhost.example/", false), ("http://localhost:80@example/", false), ("http://localhost/#x", false),
        ("javascript:alert(1)", false), ("", false),
    ])
    func callbackMustBeNamedOrOfThisMachine(address: String, isTaken: Bool) {
        var app = ConnectedApp(name: "a", clientID: "b", clientSecret: "c")
        app.callbackURLs = ["https://app.example/back"]
        app.takesLoopbackCallbacks = true
        #expect(app.takes(callback: address) == isTaken)
    }
}
