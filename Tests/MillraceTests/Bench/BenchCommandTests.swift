import ArgumentParser
import Foundation
import Testing

@testable import millrace

struct BenchCommandTests {
    private let url = "ws://127.0.0.1:8080/push"

    private func plan(
        tokens: [String] = ["t"], conditions: [String] = [], channels: [String] = ["/data/CaseChangeEvent"]
    )
        throws -> BenchPlan
    {
        BenchPlan(
            address: try PushAddress(url), numericHost: "127.0.0.1", connectionCount: 10, connectionsPerSecond: 1,
            answerTimeout: .seconds(1), channels: channels, conditions: conditions, tokens: tokens,
            grants: tokens.map(BenchPlan.grant))
    }

    @Test(arguments: [
        (["--connections", "0"], "--connections"), (["--connections", "1000001"], "--connections"),
        (["--threads", "0"], "--threads"), (["--connect-rate", "fast"], "fast"), (["--connect-rate", "0/s"], "0/s"),
        (["--duration", "60"], "60"), (["--duration", "0s"], "0s"), (["--settle", "1.5s"], "1.5s"),
        (["--publish", "5/s"], "--session-env"), (["--publish", "5"], "5"),
        (["--publish", "5/s", "--org", "https://a.example"], "--session-env"),
        (["--connection", "c.json"], "--publish"), (["--ca-file", "ca.pem"], "wss://"),
        (["--channel", "/a", "--channel", "/a"], "twice"), (["--form", "whole"], "whole"),
        (["--token", "a", "--allow", "[]"], "--allow"), (["--source", "eth0"], "--source is eth0"),
    ])
    func wrongArgumentsAreRefusedWithTheirName(arguments: [String], text: String) {
        #expect {
            try BenchCommand.parse([url] + arguments)
        } throws: {
            BenchCommand.message(for: $0).contains(text)
        }
    }

    @Test func theDefaultsAreThoseOfTheHelp() throws {
        let command = try BenchCommand.parse([url])
        #expect(command.connections == 100 && command.duration == .seconds(60) && command.threads == 1)
        #expect(command.channels == ["/data/ChangeEvents"])
        let other = try BenchCommand.parse([url, "--duration", "500ms", "--channel", "/a", "--channel", "/b"])
        #expect(other.duration == .milliseconds(500) && other.channels == ["/a", "/b"])
    }

    @Test func tokensComeFromArgumentsAndAFile() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("tokens-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("b.b.b\n\n  c.c.c \r\n".utf8).write(to: file)
        let command = try BenchCommand.parse([url, "--token", "a.a.a", "--token-file", file.path])
        #expect(try command.tokens() == ["a.a.a", "b.b.b", "c.c.c"])
        try Data("\n".utf8).write(to: file)
        #expect(throws: ValidationError.self) { try BenchCommand.parse([url, "--token-file", file.path]).tokens() }
        #expect(throws: ValidationError.self) { try BenchCommand.parse([url, "--token", "a b"]).tokens() }
        #expect(throws: ValidationError.self) { try BenchCommand.parse([url, "--token", "a\r\nX: y"]).tokens() }
        #expect(throws: ValidationError.self) { try BenchCommand.parse([url]).tokens() }
    }

    @Test func eachConnectionHasASignedTokenOfItsOwn() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("secret-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("a secret of thirty-two bytes or more".utf8).write(to: file)
        let arguments = [url, "--connections", "3", "--secret-file", file.path, "--issuer", "i", "--audience", "a"]
        let tokens = try BenchCommand.parse(arguments).tokens()
        #expect(Set(tokens).count == 3 && Set(tokens.map(BenchPlan.grant)).count == 1)
        let allow = #"[{"channel":"/data/CaseChangeEvent","where":"Subject = 'n{n}'"}]"#
        let own = try BenchCommand.parse(arguments + ["--allow", allow]).tokens()
        #expect(Set(own.map(BenchPlan.grant)).count == 3)
        #expect(BenchPlan.grant(of: own[1]).contains("Subject = 'n2'"))
        #expect(throws: ValidationError.self) { try BenchCommand.parse(arguments + ["--allow", "{}"]).tokens() }
    }

    @Test func conditionsAndTokensGoRound() throws {
        let plan = try plan(tokens: ["a", "b", "c"], conditions: ["Subject = '{n}'", "Status = 'New'"])
        #expect(
            (1...4).map { plan.condition($0) } == [
                "Subject = '1'", "Status = 'New'", "Subject = '3'", "Status = 'New'",
            ])
        #expect((1...4).map { plan.token($0) } == ["a", "b", "c", "a"])
        #expect(plan.terms(2) != plan.terms(4), "other tokens may see other events")
        #expect(plan.terms(2) == plan.terms(8))
        #expect(try self.plan().condition(5) == nil)
    }

    @Test func aSubscriptionIsAskedForAsTheProtocolHasIt() throws {
        var plan = try plan(conditions: [#"Subject = 'a"b'"#], channels: ["/a", "/b"])
        plan.form = "record"
        #expect(
            plan.subscribeMessages(1) == [
                #"{"channel":"/a","form":"record","id":0,"type":"subscribe","where":"Subject = 'a\"b'"}"#,
                #"{"channel":"/b","form":"record","id":1,"type":"subscribe","where":"Subject = 'a\"b'"}"#,
            ])
        #expect(
            try self.plan().subscribeMessages(1) == [#"{"channel":"/data/CaseChangeEvent","id":0,"type":"subscribe"}"#])
    }

    @Test func whatATokenAllowsIsReadOutOfIt() {
        func token(_ claims: String) -> String {
            "h." + Data(claims.utf8).base64EncodedString().replacing("=", with: "").replacing("/", with: "_") + ".s"
        }
        let one = token(#"{"sub":"a","allow":[{"channel":"/b"},{"channel":"/a","where":"X = 1"}]}"#)
        let same = token(#"{"sub":"b","allow":[{"where":"X = 1","channel":"/a"},{"channel":"/b"}]}"#)
        #expect(BenchPlan.grant(of: one) == BenchPlan.grant(of: same))
        for text in ["", "a", "a.b.c", "a.e30.c", token("[]")] { #expect(BenchPlan.grant(of: text) == text) }
    }

    @Test func aLoopbackTargetIsReachedFromSeveralAddresses() {
        func sources(_ count: Int, host: String = "127.0.0.1") -> [String] {
            BenchPlan.loopbackSources(host: host, connectionCount: count)
        }
        #expect(sources(20_000) == [] && sources(20_001) == ["127.0.0.1", "127.0.0.2"])
        #expect(sources(1_000_000).count == 50 && sources(1_000_000, host: "10.0.0.1") == [])
    }

    @Test func messagesOfTheServerAreRead() {
        func text(_ json: String) -> ServerText? { Array(json.utf8).withUnsafeBytes { ServerText($0) } }
        #expect(text(#"{"type":"welcome","heartbeat":25,"more":[]}"#)?.heartbeat == 25)
        #expect(text(#"{"type":"subscribed","id":1,"channel":"/a","replayId":7}"#)?.place == .number(7))
        #expect(text(#"{"type":"subscribed","id":1,"replayId":"18446744073709551615"}"#)?.place == .number(.max))
        #expect(text(#"{"type":"subscribed","id":1,"replayId":-2}"#)?.place == EventKey.Place.none)
        #expect(text(#"{"type":"error","id":"x","code":"invalid_where"}"#)?.code == "invalid_where")
        #expect(text(#"{"type":"later"}"#)?.kind == .other)
        for json in ["", "[]", "{}", #"{"type":1}"#, "welcome"] { #expect(text(json) == nil) }
    }

    /// The microseconds of a long heartbeat were more than 64 bits hold, which ended the program; one of none ended connections.
    @Test(
        arguments: [
            ("25", 62_500_000), ("86400", 216_000_000_000), ("86401", 216_000_000_000),
            ("9223372036854775807", 216_000_000_000), ("0", nil), ("-1", nil), ("null", nil),
        ] as [(String, Int64?)])
    func silenceIsBoundedByThePromisedHeartbeat(heartbeat: String, microseconds: Int64?) throws {
        let json = #"{"type":"welcome","heartbeat":\#(heartbeat)}"#
        let welcome = try #require(Array(json.utf8).withUnsafeBytes { ServerText($0) })
        #expect(welcome.silenceMax == microseconds)
    }
}
