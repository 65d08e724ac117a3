import ChangeEvents
import Testing

@testable import Doors

@Suite struct BayeuxMessageTests {
    private func messages(_ text: String) throws -> [BayeuxMessage]? {
        BayeuxMessage.messages(in: try JSONParser.parse(text.utf8))
    }

    @Test func oneMessageNeedsNoArray() throws {
        let message = try #require(try messages(#"{"channel":"/meta/connect","id":7,"clientId":"c"}"#)?.first)
        #expect(message.channel == "/meta/connect")
        #expect(message.id == .number("7"))
        #expect(message.clientID == "c")
    }

    @Test(arguments: ["[1]", #""text""#, "[[]]", "null", "[{},2]"])
    func whatIsNoMessageIsRefused(text: String) throws {
        #expect(try messages(text) == nil)
    }

    @Test(
        arguments: [
            ("-1", .latest), ("-2", .earliest), (#""-2""#, .earliest), (#""-1""#, .latest),
            ("17", .after(ReplayID(counter: 17))), (#""17""#, .after(ReplayID(counter: 17))),
            ("0", .after(ReplayID(counter: 0))), ("null", .latest),
        ] as [(String, ReplayStart)])
    func replayIDsAreNumbersOrStrings(written: String, expected: ReplayStart) throws {
        let text = #"{"channel":"/meta/subscribe","ext":{"replay":{"/a/b":\#(written),"/c":3}}}"#
        let message = try #require(try messages(text)?.first)
        #expect(try message.start(of: "/a/b") == expected)
        #expect(try message.start(of: "/other") == .latest)
    }

    @Test(arguments: ["-3", "1.5", #""x""#, "99999999999999999999", "true", "{}", #""""#])
    func otherReplayIDsAreInvalid(written: String) throws {
        let message = try #require(try messages(#"{"ext":{"replay":{"/a/b":\#(written)}}}"#)?.first)
        let error = #expect(throws: BayeuxError.self) { try message.start(of: "/a/b") }
        #expect(error?.text.hasPrefix("400::The replayId {") == true)
    }

    @Test(arguments: [
        ("/cometd/66.0", 66), ("/cometd/37.0/connect", 37), ("/cometd/replay/40.0", 40), ("/cometd/45.0/", 45),
    ])
    func versionStandsInThePath(path: String, version: Int) throws {
        #expect(try BayeuxDoor.version(in: path) == version)
    }

    @Test(arguments: [
        ("/cometd", BayeuxError.versionMissing), ("/cometd/", .versionMissing), ("/cometd/connect", .versionMissing),
        ("/cometd/45", .versionMissing), ("/cometd/36.0", .versionTooOld), ("/cometd/replay/36.0", .versionTooOld),
        ("/cometd/999.0", .versionTooOld), ("/cometd/-5.0", .versionMissing), ("/cometd/45.0/a/b", .versionMissing),
    ])
    func otherPathsAreRefused(path: String, error: BayeuxError) {
        #expect(throws: error) { try BayeuxDoor.version(in: path) }
    }
}
