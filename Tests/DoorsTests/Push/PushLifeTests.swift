import ChangeEvents
import Foundation
import Logging
import NIOCore
import Store
import TestSupport
import Testing
import Twin

@testable import Doors

/// The life of a connection: limits, expiry, revocation, goodbye; and event streams.
@Suite(.timeLimit(.minutes(5)), .onAllSockets)
struct PushLifeTests {
    @Test func aMessageOfTwoMegabytesIsRefusedAndTheCodeArrives() async throws {
        // Past it the connection is cut, and a code that has not been read by then is lost.
        try await PushFixture.with({ $0.closeTimeout = .seconds(60) }) { fixture in
            let client = try await fixture.open(token: try PushFixture.token())
            try await client.send(RawClient.frame(opcode: 1, [UInt8](repeating: 0x61, count: 2 * 1024 * 1024)))
            #expect(try await client.frame().closeCode == 1009)
            let edge = try await fixture.open(token: try PushFixture.token())
            let padding = String(repeating: " ", count: 64 * 1024 - 15)
            try await edge.send(RawClient.frame(opcode: 1, Array((#"{"type":"ping"}"# + padding).utf8)))
            #expect(try await edge.message().type == "pong")
            try await edge.send(RawClient.frame(opcode: 1, Array((#"{"type":"ping"} "# + padding).utf8)))
            #expect(try await edge.frame().closeCode == 1009)
        }
    }

    @Test func halfAFrameWaitsForItsOtherHalf() async throws {
        try await PushFixture.with { fixture in
            let client = try await fixture.open(token: try PushFixture.token())
            let frame = RawClient.frame(opcode: 1, Array(#"{"type":"ping"}"#.utf8))
            try await client.send(Array(frame.prefix(9)))
            try await poll("it was read") { fixture.hub.statistics().connections == 1 }
            #expect(client.isQuiet)
            try await client.send(Array(frame.dropFirst(9)))
            #expect(try await client.message().type == "pong")
        }
    }

    @Test func controlFramesAreAnswered() async throws {
        try await PushFixture.with { fixture in
            let client = try await fixture.open(token: try PushFixture.token())
            try await client.send(RawClient.frame(opcode: 9, [1, 2, 3]))
            #expect(try await client.frame() == .pong([1, 2, 3]))
            try await client.send(RawClient.frame(opcode: 8, [0x0F, 0xA0]))
            #expect(try await client.frame().closeCode == 4000)
            #expect(try await client.frame() == .end)
            let rude = try await fixture.open(token: try PushFixture.token())
            try await rude.send(RawClient.frame(opcode: 1, [0x61], masked: false))
            #expect(try await rude.frame().closeCode == 1002)
            try await poll("the rows are free") { fixture.hub.statistics().connections <= 1 }
        }
    }

    @Test func aPeerThatDoesNotAnswerPingsIsGone() async throws {
        try await PushFixture.with({
            $0.heartbeat = .milliseconds(300)
            $0.pongTimeout = .milliseconds(300)
        }) { fixture in
            let silent = try await fixture.open(token: try PushFixture.token())
            silent.answersPings = false
            #expect(try await silent.frame() == .ping)
            #expect(try await silent.frame() == .end)
            // The numbers come out at the end of the turn that closed it.
            try await poll("it is counted") { fixture.hub.statistics().closes[1006] == 1 }
        }
    }

    @Test func tooManyMessagesCloseWith4429() async throws {
        try await PushFixture.with({
            $0.messagesPerSecondMax = 20
            $0.closeTimeout = .seconds(60)
        }) { fixture in
            let client = try await fixture.open(token: try PushFixture.token())
            for _ in 0..<60 { try await client.send(RawClient.frame(opcode: 1, Array(#"{"type":"ping"}"#.utf8))) }
            var code: UInt16?
            while code == nil { code = try await client.frame().closeCode }
            #expect(code == 4429)
        }
    }

    @Test func limitsOfConnectionsAndSubscriptions() async throws {
        try await PushFixture.with({
            $0.connectionsMax = 3
            $0.connectionsPerSubjectMax = 2
            $0.subscriptionsPerConnectionMax = 1
        }) { fixture in
            let token = try PushFixture.token(allow: [
                .init(channel: PushFixture.channel), .init(channel: "/data/ChangeEvents"),
            ])
            let first = try await fixture.open(token: token)
            let second = try await fixture.open(token: token)
            let third = try await fixture.open(token: nil)
            try third.send(text: #"{"type":"authenticate","token":"\#(token)"}"#)
            #expect(try await third.frame().closeCode == 4429)
            _ = try await third.frame()
            let fourth = try fixture.connect(headers: PushFixture.upgradeHeaders)
            let fifth = try fixture.connect(headers: PushFixture.upgradeHeaders)
            let heads = [try await fourth.head(), try await fifth.head()]
            #expect(heads.contains { $0.hasPrefix("HTTP/1.1 503") && $0.contains("Retry-After: ") })
            try first.send(text: #"{"type":"subscribe","id":1,"channel":"/data/CaseChangeEvent"}"#)
            #expect(try await first.message().type == "subscribed")
            try first.send(text: #"{"type":"subscribe","id":2,"channel":"/data/ChangeEvents"}"#)
            #expect(try await first.message()["code"] == "too_many_subscriptions")
            _ = second
        }
    }

    @Test func anAddressHasItsNumberOfConnections() async throws {
        try await PushFixture.with({ $0.connectionsPerAddressMax = 2 }) { fixture in
            func status(_ peer: String) async throws -> (RawClient, Substring) {
                let client = try fixture.connect(headers: PushFixture.upgradeHeaders, peer: peer)
                return (client, try await client.head().split(separator: " ")[1])
            }
            var first: RawClient?
            let opened: Substring
            (first, opened) = try await status("192.0.2.1")
            let (second, openedToo) = try await status("192.0.2.1")
            #expect(first != nil && opened == "101" && openedToo == "101")
            #expect(try await status("192.0.2.1").1 == "429")
            #expect(try await status("192.0.2.2").1 == "101")
            first = nil
            let next = try await pollValue("the place is free") {
                let (client, status) = try await status("192.0.2.1")
                return status == "101" ? client : nil
            }
            #expect(try await status("192.0.2.1").1 == "429", "what was refused has taken no place")
            _ = (second, next)
        }
    }

    @Test(arguments: [
        ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "20:1:d:b8:0:1:0:2::/64"),
        ("2001:db8:1:2::1", "20:1:d:b8:0:1:0:2::/64"), ("2001:db8:1:3::1", "20:1:d:b8:0:1:0:3::/64"),
    ])
    func aPeerIsAnAddressOrANetwork(address: String, name: String) throws {
        #expect(try SocketAddress(ipAddress: address, port: 4711).peerName == name)
    }

    @Test func aTokensEndClosesUnlessAFreshOneCame() async throws {
        try await PushFixture.with { fixture in
            // Long enough for a busy machine to do all that comes before its end.
            let short = try PushFixture.token(lifetime: .seconds(6))
            let ending = try await fixture.open(token: short)
            let renewed = try await fixture.open(token: short)
            try renewed.send(
                text: #"{"type":"authenticate","id":7,"token":"\#(try PushFixture.token(subject: "mallory"))"}"#)
            #expect(try await renewed.message()["code"] == "unauthorized")
            try renewed.send(text: #"{"type":"authenticate","id":8,"token":"\#(try PushFixture.token())"}"#)
            #expect(try await renewed.message().type == "authenticated")
            #expect(try await ending.frame().closeCode == 4401)
            try renewed.send(text: #"{"type":"ping"}"#)
            #expect(try await renewed.message().type == "pong")
        }
    }

    @Test func aNarrowerTokenTakesBackWhatWaits() async throws {
        try await PushFixture.with({ $0.queueCountMax = 40 }) { fixture in
            let client = try await fixture.subscribed(
                allow: [.init(channel: PushFixture.channel), .init(channel: "/data/ChangeEvents")], "",
                receiveBytes: PushFixture.smallBuffer)
            let text = String(repeating: "x", count: 20_000)
            // Enough to fill the sockets and the queue; only cases of one contact after the first ones.
            for number in 1...400 {
                let contact = number % 2 == 0 ? PushFixture.contact : PushFixture.otherContact
                try await fixture.ingest(
                    .create, cases: [number],
                    ["ContactId": .string(contact), "Subject": .string(text), "Priority": .string("High")])
            }
            try await poll("it is parked") { fixture.hub.statistics().parked > 0 }
            let narrow = try PushFixture.token(allow: [
                .init(channel: PushFixture.channel, where: "ContactId = '\(PushFixture.contact)'", fields: ["Subject"])
            ])
            try client.send(text: #"{"type":"authenticate","id":2,"token":"\#(narrow)"}"#)
            try await poll("it was read") { fixture.hub.statistics().messagesReceived >= 2 }
            var sawAnswer = false
            var last = 0
            while last < 400 {
                let message = try await client.event()
                if message.type == "authenticated" {
                    sawAnswer = true
                    continue
                }
                let number = try #require((1...400).first { RecordID.test("500", $0).string == message.recordID })
                last = max(last, number)
                guard sawAnswer else { continue }
                #expect(number % 2 == 0 && message.payload["Priority"] == nil && message.payload["ContactId"] == nil)
            }
            #expect(sawAnswer)
        }
    }

    @Test func revocationEndsASubjectAtOnceAndForItsOldTokens() async throws {
        try await PushFixture.with { fixture in
            let token = try PushFixture.token(subject: "bob")
            let bob = try await fixture.open(token: token)
            let alice = try await fixture.subscribed()
            try await fixture.hub.revoke(.subject("bob", issuedUpTo: Int64(Date().timeIntervalSince1970)))
            #expect(try await bob.frame().closeCode == 4401)
            let again = try fixture.connect(
                headers: PushFixture.upgradeHeaders + [("Authorization", "Bearer \(token)")])
            #expect(try await again.head().hasPrefix("HTTP/1.1 401"))
            let later = try PushFixture.token(subject: "bob", issuedAt: Int64(Date().timeIntervalSince1970) + 2)
            _ = try await fixture.open(token: later)
            try alice.send(text: #"{"type":"ping"}"#)
            #expect(try await alice.message().type == "pong")
        }
    }

    @Test func aRevokedTokenEndsItsConnectionsOnly() async throws {
        try await PushFixture.with { fixture in
            let first = try await fixture.open(token: try PushFixture.token(id: "t-1"))
            let second = try await fixture.open(token: try PushFixture.token(id: "t-2"))
            try await fixture.hub.revoke(.tokenID("t-1"))
            #expect(try await first.frame().closeCode == 4401)
            try second.send(text: #"{"type":"ping"}"#)
            #expect(try await second.message().type == "pong")
            try await fixture.hub.revoke(.everything(issuedUpTo: Int64(Date().timeIntervalSince1970)))
            #expect(try await second.frame().closeCode == 4401)
        }
    }

    /// The token that counts is the one that the connection has now.
    @Test func aTokenThatWasReplacedIsRevokedInVain() async throws {
        try await PushFixture.with { fixture in
            let client = try await fixture.open(token: try PushFixture.token(id: "t-1"))
            try client.send(
                text: #"{"type":"authenticate","id":1,"token":"\#(try PushFixture.token(id: "t-2"))"}"#)
            #expect(try await client.message().type == "authenticated")
            try await fixture.hub.revoke(.tokenID("t-1"))
            try client.send(text: #"{"type":"ping"}"#)
            #expect(try await client.message().type == "pong")
            try await fixture.hub.revoke(.tokenID("t-2"))
            #expect(try await client.frame().closeCode == 4401)
        }
    }

    @Test func drainingSaysWhenToComeBack() async throws {
        try await PushFixture.with { fixture in
            let client = try await fixture.subscribed()
            let stream = try fixture.connect(
                "/events?channel=/data/CaseChangeEvent",
                headers: [("Authorization", "Bearer \(try PushFixture.token())")])
            _ = try await stream.text(until: "event: subscribed")
            fixture.hub.drain()
            let close = try await client.frame()
            #expect(close.closeCode == 1001 && "\(close)".contains("retry-after-ms="))
            #expect(try await stream.rest().contains("\nretry: "))
            try await poll("everybody has gone") { fixture.hub.statistics().connections == 0 }
        }
    }

    @Test func anEventStreamCarriesTheSameMessages() async throws {
        try await PushFixture.with { fixture in
            let token = try PushFixture.token(allow: [
                .init(channel: PushFixture.channel), .init(channel: "/data/ChangeEvents"),
            ])
            let bearer = [("Authorization", "Bearer \(token)")]
            let uri = "/events?channel=%2Fdata%2FCaseChangeEvent&channel=/data/ChangeEvents&where=Status+%3D+%27New%27"
            let stream = try fixture.connect(uri, headers: bearer)
            #expect(try await stream.head().contains("Content-Type: text/event-stream\r\n"))
            // The first of them tells where to resume: the log holds nothing yet.
            for begin in ["event: welcome\n", "id: -2\nevent: subscribed\n", "event: subscribed\n"] {
                #expect(try await stream.text(until: "\n\n").hasPrefix(begin + "data: {"))
            }
            try await fixture.ingest(.create, cases: [1], ["Status": .string("Closed")])
            let replay = try await fixture.ingest(.create, cases: [2], ["Status": .string("New")])
            for channel in [PushFixture.channel, "/data/ChangeEvents"] {
                let block = try await stream.text(until: "\n\n")
                #expect(
                    block.hasPrefix("id: \(replay)\nevent: event\ndata: {")
                        && block.contains("\"channel\":\"\(channel)\""))
            }
            let next = try await fixture.ingest(.create, cases: [3], ["Status": .string("New")])
            let resumed = try fixture.connect(uri + "&replay=-1", headers: bearer + [("Last-Event-ID", "\(replay)")])
            _ = try await resumed.head()
            #expect(try await resumed.text(until: "id: \(next)\n").contains("event: subscribed"))
        }
    }

    @Test(arguments: [
        ("/events?channel=/data/CaseChangeEvent", false, "401"), ("/events", true, "400"),
        ("/events?channel=/data/Nonsense", true, "404"), ("/events?channel=/data/AccountChangeEvent", true, "403"),
        ("/events?channel=/data/CaseChangeEvent&where=Status%20%3D", true, "400"),
        ("/events?channel=/data/CaseChangeEvent&replay=x", true, "400"),
        ("/events?channel=/data/CaseChangeEvent&channel=/data/CaseChangeEvent", true, "400"),
        ("/events?channel=/data/CaseChangeEvent&access_token=x", false, "401"), ("/push?access_token=x", false, "400"),
        // A condition that cannot be read was once passed over, and everything delivered.
        ("/events?channel=/data/CaseChangeEvent&where=%zz", true, "400"), ("/push?%zz", false, "400"),
    ])
    func badRequestsAreHTTPErrors(uri: String, hasToken: Bool, status: String) async throws {
        try await PushFixture.with { fixture in
            let token = try PushFixture.token()
            let headers =
                (uri.hasPrefix("/push") ? PushFixture.upgradeHeaders : [])
                + (hasToken ? [("Authorization", "Bearer \(token)")] : [])
            let client = try fixture.connect(uri, headers: headers)
            #expect(try await client.head().hasPrefix("HTTP/1.1 \(status)"))
            #expect(try await client.rest().contains("\"type\":\"error\""))
        }
    }

    /// Without the header a page sees no status, only that the request failed.
    @Test func aPageMayReadWhyItsStreamIsRefused() async throws {
        let origin = "https://app.example.com"
        try await PushFixture.with({ $0.allowedOrigins = [origin] }) { fixture in
            let expired = try PushFixture.token(lifetime: .seconds(60), issuedAt: 1_000_000)
            for (token, channel, status) in [
                (expired, PushFixture.channel, "401"), (try PushFixture.token(), "/data/AccountChangeEvent", "403"),
            ] {
                let client = try fixture.connect(
                    "/events?channel=\(channel)", headers: [("Authorization", "Bearer \(token)"), ("Origin", origin)])
                let head = try await client.head()
                #expect(
                    head.hasPrefix("HTTP/1.1 \(status)") && head.contains("Access-Control-Allow-Origin: \(origin)\r\n"))
            }
        }
    }

    @Test func aHubThatIsDrainedBeforeItRunsEndsAtOnce() async throws {
        let twin = try await Twin(
            store: try SQLiteStore.temporary(), configuration: .init(), logger: Logger(label: "push-tests"))
        let verifier = try TokenVerifier(
            algorithm: .hs256, key: PushFixture.secret, issuer: PushFixture.issuer, audience: PushFixture.audience)
        let hub = try PushHub(
            configuration: PushConfiguration(), twin: twin, verifier: verifier, logger: Logger(label: "push-tests"))
        hub.drain()
        try await hub.run()
        await #expect(throws: PushHubError.self) { try await hub.run() }
    }

    @Test func aTokenInTheAddressWorksWhereItIsAllowed() async throws {
        try await PushFixture.with({ $0.allowsTokenInQuery = true }) { fixture in
            let stream = try fixture.connect(
                "/events?channel=/data/CaseChangeEvent&access_token=\(try PushFixture.token())", headers: [])
            #expect(try await stream.head().hasPrefix("HTTP/1.1 200"))
        }
    }
}
