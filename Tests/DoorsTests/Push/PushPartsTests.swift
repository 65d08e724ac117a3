import ChangeEvents
import Foundation
import NIOCore
import SOQL
import Store
import TestSupport
import Testing

@testable import Doors

/// The pure parts of the hub, by calls.
struct PushPartsTests {
    // Tokens

    private let now: Int64 = 1_800_000_000

    private func verifier() throws -> TokenVerifier {
        try TokenVerifier(
            algorithm: .hs256, key: PushFixture.secret, issuer: PushFixture.issuer, audience: PushFixture.audience)
    }

    private func refusal(_ token: String, at time: Int64? = nil) throws -> TokenError.Code? {
        let verifier = try verifier()
        do {
            _ = try verifier.verify(token, now: time ?? now)
            return nil
        } catch {
            #expect(!error.message.contains(token) || token.isEmpty)
            return error.code
        }
    }

    /// A token of any header and claims, signed with the right secret.
    private func forged(_ header: String, _ claims: String) throws -> String {
        let signed = Base64URL.encode(Data(header.utf8)) + "." + Base64URL.encode(Data(claims.utf8))
        let key = try SigningKey(algorithm: .hs256, key: PushFixture.secret)
        return signed + "." + Base64URL.encode(try key.signature(of: Data(signed.utf8)))
    }

    private func claims(_ changes: [String: String?] = [:]) -> String {
        var members: [String: String] = [
            "iss": "\"\(PushFixture.issuer)\"", "aud": "\"\(PushFixture.audience)\"", "sub": "\"alice\"",
            "exp": "\(now + 60)",
            "allow": #"[{"channel":"/data/CaseChangeEvent","where":"Status = 'New'","fields":["Status"]}]"#,
        ]
        for (name, value) in changes { members[name] = value }
        return "{" + members.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
    }

    private static let header = #"{"alg":"HS256","typ":"JWT"}"#

    @Test func aGoodTokenIsAGrant() throws {
        let grant = try verifier().verify(
            try forged(Self.header, claims(["aud": #"["x","millrace"]"#, "iat": "5.5"])), now: now)
        #expect(grant.publish.isEmpty)
        let publisher = try verifier().verify(
            try forged(Self.header, claims(["allow": "[]", "publish": #"["/event/A__e","/event/B__e"]"#])), now: now)
        #expect(publisher.publish == ["/event/A__e", "/event/B__e"] && publisher.allow.isEmpty)
        #expect(grant.subject == "alice" && grant.expiresAt == now + 60 && grant.issuedAt == 5)
        #expect(
            grant.allow.first?.fields == ["Status"]
                && grant.allow.first?.condition == (try? Condition("Status = 'New'")))
    }

    @Test func timesHaveALittleTolerance() throws {
        let token = try forged(Self.header, claims(["nbf": "\(now)"]))
        #expect(try refusal(token, at: now + 60 + TokenVerifier.skewSeconds - 1) == nil)
        #expect(try refusal(token, at: now + 60 + TokenVerifier.skewSeconds) == .expired)
        #expect(try refusal(token, at: now - TokenVerifier.skewSeconds) == nil)
        #expect(try refusal(token, at: now - TokenVerifier.skewSeconds - 1) == .notYetValid)
    }

    @Test func badTokensAreRefusedWhole() throws {
        let good = try forged(Self.header, claims())
        #expect(try refusal("") == .malformed && refusal("a.b") == .malformed && refusal(good + ".x") == .malformed)
        #expect(try refusal(good + "=") == .malformed && refusal(good.dropLast() + "!") == .malformed)
        #expect(try refusal(String(repeating: "a", count: TokenVerifier.tokenBytesMax + 1)) == .malformed)
        let parts = good.split(separator: ".")
        let other = Base64URL.encode(Data(claims(["sub": "\"mallory\""]).utf8))
        #expect(try refusal("\(parts[0]).\(other).\(parts[2])") == .signature)
        for algorithm in ["none", "None", "RS256", "HS512", "hs256"] {
            #expect(try refusal(try forged(#"{"alg":"\#(algorithm)"}"#, claims())) == .algorithm)
        }
        #expect(try refusal(try forged(#"{"alg":"HS256","crit":["x"]}"#, claims())) == .malformed)
        #expect(try refusal(try forged(Self.header, claims(["iss": "\"x\""]))) == .issuer)
        #expect(try refusal(try forged(Self.header, claims(["aud": "\"x\""]))) == .audience)
        let bad: [[String: String?]] = [
            ["iss": nil], ["aud": nil], ["sub": nil], ["exp": nil], ["allow": nil], ["sub": "\"\""],
            ["exp": "\"soon\""],
            ["exp": "1e300"], ["exp": "-1"], ["allow": "{}"], ["allow": #"[{"where":"A = 1"}]"#],
            ["allow": #"[{"channel":"/x"}]"#],
            ["allow": #"[{"channel":"/data/CaseChangeEvent","where":"Status ="}]"#],
            ["allow": #"[{"channel":"/data/CaseChangeEvent"},{"channel":"/data/CaseChangeEvent"}]"#],
            ["nbf": "1e300"], ["publish": #""/event/A__e""#], ["publish": #"["/data/CaseChangeEvent"]"#],
            ["publish": #"["/event/"]"#], ["publish": "[1]"],
        ]
        for changes in bad { #expect(try refusal(try forged(Self.header, claims(changes))) == .claim, "\(changes)") }
    }

    @Test func shortSecretsAndKeysThatAreNoneAreMistakesOfConfiguration() {
        #expect(throws: TokenError.self) {
            try TokenVerifier(algorithm: .hs256, key: "short", issuer: "i", audience: "a")
        }
        #expect(throws: TokenError.self) {
            try TokenVerifier(algorithm: .rs256, key: "no PEM", issuer: "i", audience: "a")
        }
        #expect(throws: TokenError.self) {
            try TokenSigner(algorithm: .es256, key: PushFixture.secret, issuer: "i", audience: "a")
        }
    }

    // Session

    @Test func theSessionServesByItsState() {
        let subscribe = ClientMessage.subscribe(
            id: .integer(1), SubscribeRequest(channel: "c", condition: nil, replay: .new, form: .changes, slow: .park))
        var session = PushSession(state: .awaitingToken)
        guard case .answer(.integer(1)?, let error) = session.messageReceived(.success(subscribe)) else {
            return _ = Issue.record("served")
        }
        #expect(error.code == .unauthorized)
        #expect(session.messageReceived(.success(.ping)) == .pong)
        #expect(session.messageReceived(.success(.authenticate(id: nil, token: "t"))) == .verify(id: nil, token: "t"))
        #expect(session.tokenAccepted() && session.state == .open && !session.tokenAccepted())
        guard case .subscribe = session.messageReceived(.success(subscribe)) else {
            return _ = Issue.record("not served")
        }
        guard case .answer = session.tokenRefused(TokenError(code: .expired, message: "m")) else {
            return _ = Issue.record("closed")
        }
        #expect(session.state == .open)
        let malformed = ClientMessage.Malformed(id: nil, error: RequestError(.badRequest, "m"))
        for _ in 1..<PushSession.malformedCountMax {
            guard case .answer = session.messageReceived(.failure(malformed)) else {
                return _ = Issue.record("closed early")
            }
        }
        guard case .close(1008, _) = session.messageReceived(.failure(malformed)) else {
            return _ = Issue.record("not closed")
        }
        #expect(session.messageReceived(.success(.ping)) == .none)
        var refused = PushSession(state: .awaitingToken)
        var early = PushSession(state: .awaitingToken)
        guard case .comeBack = early.tokenRefused(TokenError(code: .notReady, message: "m")) else {
            return _ = Issue.record("a token that may be good ends the client")
        }
        #expect(early.state == .closing)
        guard case .close(4401, "m") = refused.tokenRefused(TokenError(code: .expired, message: "m")) else {
            return _ = Issue.record("stays")
        }
    }

    @Test func messagesAreReadOrRefusedWithTheirID() throws {
        func read(_ text: String) throws(ClientMessage.Malformed) -> ClientMessage {
            try ClientMessage(json: Array(text.utf8))
        }
        #expect(
            try read(
                #"{"type":"subscribe","id":"a","channel":"c","where":"w","replay":5,"form":"record","slow":"conflate"}"#
            )
                == .subscribe(
                    id: .string("a"),
                    SubscribeRequest(
                        channel: "c", condition: "w", replay: .after(ReplayID(counter: 5)), form: .record,
                        slow: .conflate)))
        #expect(
            try read(#"{"type":"unsubscribe","id":1.5,"channel":"c"}"#) == .unsubscribe(id: .double(1.5), channel: "c"))
        for text in [
            "", "[]", "7", "null", "{}", "{\"type\":", #"{"type":"subscribe"}"#, #"{"type":null}"#,
            #"{"type":"authenticate"}"#,
        ] {
            #expect(throws: ClientMessage.Malformed.self) { try read(text) }
        }
        do {
            _ = try read(#"{"type":"subscribe","id":9,"channel":"c","replay":{}}"#)
            Issue.record("accepted")
        } catch {
            #expect(error.id == .integer(9) && error.error.code == .invalidReplay)
        }
    }

    @Test func channelsFollowTheGrammarOfTopics() {
        #expect(PushChannel("/data/Employee__ChangeEvent")?.kind == .changeEvents(entity: "Employee__c"))
        #expect(PushChannel("/data/CaseChangeEvent")?.eventName == "CaseChangeEvent")
        #expect(PushChannel("/event/Low_Ink__e")?.kind == .platformEvent)
        for name in [
            "", "/data/", "/data/ChangeEvent", "/data/9ChangeEvent", "/data/../ChangeEvent", "/event/__e", "/topic/X",
            "/data/Case",
        ] {
            #expect(PushChannel(name) == nil, "\(name)")
        }
        #expect(
            PushChannel.names(topic: "/data/ChangeEvents", eventName: "CaseChangeEvent") == [
                "/data/ChangeEvents", "/data/CaseChangeEvent",
            ])
        #expect(
            PushChannel.names(topic: "/data/CaseChangeEvent", eventName: "CaseChangeEvent") == [
                "/data/CaseChangeEvent", "/data/ChangeEvents",
            ])
        #expect(PushChannel.names(topic: "/event/A__e", eventName: "A__e") == ["/event/A__e"])
    }

    // Tables

    @Test func theWheelFiresEachEntryOnceNotBeforeItsTimeOrTheHorizon() {
        var random = SeededRandom()
        var wheel = TimerWheel(bucketCount: 16)
        var model: [UInt32: UInt32] = [:]
        for _ in 0..<3000 {
            let entry = UInt32(random.int(0..<50))
            switch random.int(0..<4) {
            case 0:
                wheel.remove(entry)
                model[entry] = nil
            case 1:
                let tick = wheel.now + UInt32(random.int(1..<16))
                wheel.set(entry, at: tick)
                model[entry] = tick
            default:
                let target = wheel.now + UInt32(random.int(0..<6))
                var fired: [UInt32] = []
                wheel.advance(to: target, into: &fired)
                let due = model.filter { $0.value <= target }.keys
                #expect(fired.sorted() == due.sorted(), "seed \(random.seed)")
                for entry in fired { model[entry] = nil }
            }
            for (entry, tick) in model { #expect(wheel.tick(of: entry) == tick) }
        }
        // Further than the wheel is round: fires early, for the loop to set again.
        wheel.set(7, at: wheel.now + 1000)
        #expect(wheel.tick(of: 7) == wheel.now + 15)
    }

    @Test func framesLiveWhileTheRingOrAQueueHoldsThem() {
        let ring = FrameRing(countMax: 2, bytesMax: 1000)
        func key(_ place: Int64) -> FrameKey {
            FrameKey(place: LogPlace(rawValue: place), record: 0, kind: .event, classSerial: 1)
        }
        let first = ring.insert(key(1), FrameParts(bytes: [1, 1, 1]))
        ring.retain(first)
        _ = ring.insert(key(2), FrameParts(bytes: [2]))
        _ = ring.insert(key(3), FrameParts(bytes: [3]))
        #expect(ring.find(key(1)) == nil && ring.find(key(3)) != nil && ring.count == 3)
        #expect(Array(ring.bytes(first)) == [1, 1, 1])
        ring.release(first)
        #expect(ring.count == 2)
        _ = ring.insert(key(4), FrameParts(bytes: [UInt8](repeating: 4, count: 999)))
        #expect(ring.find(key(2)) == nil && ring.find(key(3)) != nil)
        _ = ring.insert(key(5), FrameParts(bytes: [UInt8](repeating: 5, count: 2000)))
        #expect(ring.count == 1 && ring.find(key(5)) != nil)
    }

    @Test func internedValuesAreKeptOnceAndGoWithTheirLastUser() {
        var table = InternTable<String>()
        let a = table.acquire("a")
        #expect(table.acquire("a") == a && table.acquire("b") != a && table.count == 2)
        #expect(!table.release(a) && table.release(a) && table.count == 1 && table.index(of: "a") == nil)
        #expect(table.acquire("c") == a && table[a] == "c")
    }

    @Test func theRecentLogKnowsWhatItHolds() {
        func item(_ number: Int) -> LogItem {
            LogItem(
                event: LoggedEvent(position: Position(rawValue: Int64(number)), content: .test(number)), schema: nil)
        }
        var log = RecentLog(countMax: 4, bytesMax: 1 << 20, head: LogPlace(event: Position(rawValue: 10)))
        #expect(log.items(after: LogPlace(event: Position(rawValue: 9)), limit: 9) == nil)
        #expect(log.items(after: log.head, limit: 9)?.isEmpty == true)
        for number in 11...16 { log.append(item(number)) }
        #expect(log.items(after: LogPlace(event: Position(rawValue: 11)), limit: 9) == nil)
        #expect(
            log.items(after: LogPlace(event: Position(rawValue: 12)), limit: 2)?.map(\.place.position.rawValue) == [
                13, 14,
            ])
        #expect(log.item(of: ReplayID(counter: 13), family: "/data/")?.place.position.rawValue == 13)
        #expect(
            log.item(of: ReplayID(counter: 12), family: "/data/") == nil
                && log.item(of: ReplayID(counter: 13), family: "/event/X__e") == nil)
        log.skip(to: LogPlace(event: Position(rawValue: 20)))
        #expect(log.items(after: LogPlace(event: Position(rawValue: 19)), limit: 1) == nil && log.count == 0)
        #expect(log.newestReplayID(channel: "/data/CaseChangeEvent").replayID == ReplayID(counter: 16))
    }

    @Test func conflationJudgesFromTheFirstBeforeToTheLastAfter() throws {
        func item(_ number: Int, _ before: String?, _ after: String?) -> LogItem {
            let id = RecordID.test("500", 1)
            func image(_ status: String?) -> RecordImage? {
                status.map { RecordImage(entity: "Case", id: id, fields: ["Status": .string($0)], isComplete: true) }
            }
            var content = NewEvent.test(number)
            content.transitions = [RecordTransition(id: id, before: image(before), after: image(after))]
            return LogItem(
                event: LoggedEvent(position: Position(rawValue: Int64(number)), content: content), schema: nil)
        }
        var conflation = Conflation()
        let skipped = [item(1, "a", "b"), item(2, "b", "c"), item(3, "c", "d")].map { conflation.add($0, slot: 0) }
        #expect(skipped == [0, 1, 1] && conflation.states.count == 1)
        let state = try #require(conflation.states.first)
        #expect(
            state.transition.before?.fields["Status"] == .string("a")
                && state.transition.after?.fields["Status"] == .string("d"))
        #expect(state.isMerged && state.item.place.position.rawValue == 3)
    }

    // JSON

    @Test func valuesLookAsCometDShowsThem() {
        func json(_ value: FieldValue) -> String {
            var buffer = ByteBuffer()
            buffer.writeJSON(value: value)
            return String(buffer: buffer)
        }
        #expect(json(.string("a\"\\\n\u{1}ü")) == #""a\"\\\n\u0001ü""#)
        #expect(
            json(.double(3)) == "3.0" && json(.double(0.25)) == "0.25" && json(.boolean(true)) == "true"
                && json(.null) == "null")
        #expect(json(.dateTime(milliseconds: 1_527_768_000_123)) == #""2018-05-31T12:00:00.123Z""#)
        #expect(json(.dateTime(milliseconds: -1)) == #""1969-12-31T23:59:59.999Z""#)
        #expect(json(.date(milliseconds: 1_582_934_400_000)) == #""2020-02-29""#)
        #expect(json(.time(milliseconds: 30_600_000)) == #""08:30:00.000Z""#)
        var buffer = ByteBuffer()
        buffer.writeJSON(replayID: ReplayID(counter: (1 << 53) + 1))
        buffer.writeJSON(replayID: ReplayID(counter: 5))
        buffer.writeJSON(replayID: nil)
        #expect(String(buffer: buffer) == "\"9007199254740993\"5-2")
    }
}
