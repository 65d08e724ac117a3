import ChangeEvents
import Foundation
import TestSupport
import Testing

@testable import Doors

/// The hub on real sockets with a real twin: what the protocol promises.
@Suite(.timeLimit(.minutes(5)), .onAllSockets)
struct PushHubTests {
    @Test func anEventArrivesInTheShapeOfEmpApi() async throws {
        try await PushFixture.with { fixture in
            let client = try await fixture.subscribed()
            let replay = try await fixture.ingest(
                .create, ["Status": .string("New"), "Subject": .string("A \"noise\"\n")])
            let event = try await client.event()
            #expect(event.type == "event" && event["channel"] == PushFixture.channel)
            #expect(event.replay == replay && event.recordID == RecordID.test("500", 1).string)
            #expect(event.field("Status") == "New" && event.field("Subject") == "A \"noise\"\n")
            #expect(event.header["changeType"] as? String == "CREATE")
        }
    }

    @Test func tokenComesAsHeaderSubprotocolOrFirstMessage() async throws {
        try await PushFixture.with { fixture in
            let token = try PushFixture.token()
            _ = try await fixture.subscribed()
            var headers = PushFixture.upgradeHeaders.filter { $0.0 != "Sec-WebSocket-Protocol" }
            headers.append(("Sec-WebSocket-Protocol", "millrace.v1, bearer.\(token)"))
            let browser = try fixture.connect(headers: headers)
            let head = try await browser.head()
            #expect(
                head.contains("Sec-WebSocket-Protocol: millrace.v1\r\n")
                    && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
            #expect(try await browser.message().type == "welcome")
            try browser.send(text: #"{"type":"subscribe","id":"x","channel":"/data/CaseChangeEvent"}"#)
            #expect(try await browser.message()["id"] == "x")
            let late = try await fixture.open(token: nil)
            try late.send(text: #"{"type":"subscribe","id":1,"channel":"/data/CaseChangeEvent"}"#)
            #expect(try await late.message()["code"] == "unauthorized")
            try late.send(text: #"{"type":"authenticate","token":"\#(token)"}"#)
            try late.send(text: #"{"type":"subscribe","id":2,"channel":"/data/CaseChangeEvent"}"#)
            #expect(try await late.message().type == "subscribed")
            try late.send(text: #"{"type":"ping"}"#)
            #expect(try await late.message().type == "pong")
        }
    }

    @Test func wrongTokensAreRefused() async throws {
        try await PushFixture.with { fixture in
            let bad = [
                try PushFixture.token(audience: "another"),
                try PushFixture.token(secret: String(repeating: "x", count: 32)),
                try PushFixture.token(lifetime: .seconds(60), issuedAt: 1_000_000), "not a token",
            ]
            for token in bad {
                let header = try fixture.connect(
                    headers: PushFixture.upgradeHeaders + [("Authorization", "Bearer \(token)")])
                #expect(try await header.head().hasPrefix("HTTP/1.1 401"))
                #expect(try await header.rest().contains(#""code":"unauthorized""#))
                let message = try await fixture.open(token: nil)
                try message.send(text: #"{"type":"authenticate","id":1,"token":"\#(token)"}"#)
                #expect(try await message.message()["code"] == "unauthorized")
                #expect(try await message.frame().closeCode == 4401)
            }
            let browser = try fixture.connect(
                headers: PushFixture.upgradeHeaders.dropLast() + [
                    ("Sec-WebSocket-Protocol", "millrace.v1, bearer.\(bad[0])")
                ])
            #expect(try await browser.head().hasPrefix("HTTP/1.1 101"))
            let close = try await browser.frame()
            #expect(close.closeCode == 4401 && "\(close)".contains("audience"))
        }
    }

    @Test func aTokenThatAllowsNothingIsForbiddenAndOneThatNeverComesTimesOut() async throws {
        try await PushFixture.with({ $0.authenticationTimeout = .milliseconds(200) }) { fixture in
            let nothing = try await fixture.open(token: try PushFixture.token(allow: []))
            #expect(try await nothing.frame().closeCode == 4403)
            let silent = try await fixture.open(token: nil)
            #expect(try await silent.frame().closeCode == 4401)
            #expect(try await silent.frame() == .end)
        }
    }

    @Test(arguments: [
        "https://evil.example", "null", "https://app.example.com.evil.example", "https://app.example.com:444",
        "HTTPS://APP.EXAMPLE.COM",
    ])
    func foreignOriginsAreRefused(origin: String) async throws {
        try await PushFixture.with({ $0.allowedOrigins = ["https://app.example.com"] }) { fixture in
            let token = try PushFixture.token()
            for uri in ["/push", "/events?channel=/data/CaseChangeEvent"] {
                let client = try fixture.connect(
                    uri,
                    headers: PushFixture.upgradeHeaders + [("Authorization", "Bearer \(token)"), ("Origin", origin)])
                #expect(try await client.head().hasPrefix("HTTP/1.1 403"))
            }
            let home = try fixture.connect(
                headers: PushFixture.upgradeHeaders + [("Origin", "https://app.example.com")])
            #expect(try await home.head().hasPrefix("HTTP/1.1 101"))
        }
    }

    /// A field that is not kept is absent from every record, and an absent field is null: `!= 'x'` would let everything through.
    @Test func conditionsOnFieldsThatAreNotKeptAreRefused() async throws {
        try await PushFixture.with({ $0.keptFields = ["Case": ["Status"]] }) { fixture in
            let token = try PushFixture.token(allow: [
                .init(channel: PushFixture.channel), .init(channel: "/data/ContactChangeEvent"),
                .init(channel: "/data/ChangeEvents", where: "Priority != 'High'"),
            ])
            let client = try await fixture.open(token: token)
            for (request, code) in [
                (#""channel":"/data/CaseChangeEvent","where":"Priority != 'High'""#, "unjudgeable_condition"),
                (#""channel":"/data/ChangeEvents""#, "unjudgeable_condition"),
                (#""channel":"/data/CaseChangeEvent","where":"status = 'New' AND Id != null""#, nil),
                (#""channel":"/data/ContactChangeEvent","where":"Email = null""#, nil),
            ] {
                try client.send(text: #"{"type":"subscribe","id":1,\#(request)}"#)
                #expect(try await client.message()["code"] == code, "\(request)")
            }
        }
    }

    @Test func badRequestsAreAnsweredAndTheConnectionStays() async throws {
        try await PushFixture.with(tracked: ["Case"]) { fixture in
            let client = try await fixture.open(
                token: try PushFixture.token(allow: [
                    .init(channel: PushFixture.channel, fields: ["Status"]), .init(channel: "/data/AccountChangeEvent"),
                ]))
            let refusals: [(String, String)] = [
                (#"{"type":"subscribe","id":1,"channel":"/data/Nonsense"}"#, "unknown_channel"),
                (#"{"type":"subscribe","id":1,"channel":"/data/ContactChangeEvent"}"#, "forbidden_channel"),
                (
                    #"{"type":"subscribe","id":1,"channel":"/data/CaseChangeEvent","where":"Status = "}"#,
                    "invalid_where"
                ),
                (
                    #"{"type":"subscribe","id":1,"channel":"/data/CaseChangeEvent","where":"Priority = 'High'"}"#,
                    "forbidden_field"
                ),
                (
                    #"{"type":"subscribe","id":1,"channel":"/data/AccountChangeEvent","where":"Industry = 'x'"}"#,
                    "unjudgeable_condition"
                ),
                (
                    #"{"type":"subscribe","id":1,"channel":"/data/CaseChangeEvent","replay":"yesterday"}"#,
                    "invalid_replay"
                ),
                (#"{"type":"subscribe","id":1,"channel":"/data/CaseChangeEvent","form":"xml"}"#, "bad_request"),
                (#"{"type":"unsubscribe","id":1,"channel":"/data/CaseChangeEvent"}"#, "not_subscribed"),
                (#"{"type":"shout","id":1}"#, "bad_request"),
                (#"{"type":"subscribe","id":1,"channel":7}"#, "bad_request"),
            ]
            for (request, code) in refusals {
                try client.send(text: request)
                let answer = try await client.message()
                #expect(
                    answer.type == "error" && answer["code"] == code && answer["id"] == "1", "\(request): \(answer)")
                if code == "invalid_where" { #expect(answer["position"] == "10", "\(answer)") }
            }
            try client.send(text: "no JSON")
            #expect(try await client.message()["code"] == "bad_request")
            try client.send(
                text: #"{"type":"subscribe","id":1,"channel":"/data/CaseChangeEvent","where":"Status != 'Closed'"}"#)
            #expect(try await client.message().type == "subscribed")
        }
    }

    @Test func eachSeesOnlyTheirOwnAndOnlyTheirFields() async throws {
        try await PushFixture.with { fixture in
            let mine = try await fixture.subscribed(allow: [
                .init(
                    channel: PushFixture.channel, where: "ContactId = '\(PushFixture.contact)'",
                    fields: ["Status", "Subject"])
            ])
            let other = try await fixture.subscribed(allow: [
                .init(channel: PushFixture.channel, where: "ContactId = '\(PushFixture.otherContact)'")
            ])
            try await fixture.ingest(
                .create,
                ["ContactId": .string(PushFixture.contact), "Status": .string("New"), "Priority": .string("High")])
            let created = try await mine.event()
            #expect(
                created.field("Status") == "New" && created.payload["Priority"] == nil
                    && created.payload["ContactId"] == nil)
            // An unchanged field decides: the update does not carry ContactId.
            try await fixture.ingest(.update, ["Status": .string("Working"), "Priority": .string("Low")])
            let updated = try await mine.event()
            #expect(updated.field("Status") == "Working" && updated.header["changedFields"] as? [String] == ["Status"])
            // The case moves: one sees it leave, without values, the other sees it arrive, whole.
            try await fixture.ingest(.update, ["ContactId": .string(PushFixture.otherContact)])
            let left = try await mine.event()
            #expect(left.type == "left" && left.recordID == RecordID.test("500", 1).string)
            #expect(left.payload.count == 1 && (left.header["changedFields"] as? [String])?.isEmpty == true)
            let entered = try await other.event()
            #expect(
                entered.type == "event" && entered.field("Status") == "Working" && entered.field("Priority") == "Low")
            try await fixture.ingest(.delete)
            #expect(try await other.event().header["changeType"] as? String == "DELETE")
            #expect(mine.isQuiet)
        }
    }

    @Test func theFormRecordHoldsTheWholeRecord() async throws {
        try await PushFixture.with { fixture in
            let client = try await fixture.subscribed(#","form":"record""#)
            try await fixture.ingest(
                .create, ["Status": .string("New"), "Subject": .string("S"), "Priority": .string("High")])
            _ = try await client.event()
            try await fixture.ingest(.update, ["Status": .string("Working")])
            let event = try await client.event()
            #expect(
                event.field("Status") == "Working" && event.field("Subject") == "S"
                    && event.payload["CaseNumber"] is NSNull)
            #expect(event.header["changedFields"] as? [String] == ["Status"])
        }
    }

    /// An update of a record that was there before the first event: what is missing is unknown, and the client is told so.
    @Test func aPartialRecordSaysThatItIsIncomplete() async throws {
        try await PushFixture.with { fixture in
            let whole = try await fixture.subscribed(#","form":"record""#)
            let entering = try await fixture.subscribed(#","where":"Status = 'Working'""#)
            try await fixture.ingest(.update, cases: [7], ["Status": .string("Working")])
            for client in [whole, entering] {
                let event = try await client.event()
                #expect(event.data["incomplete"] as? Bool == true)
                #expect(event.field("Status") == "Working" && event.payload["Subject"] == nil)
            }
            try await fixture.ingest(.create, cases: [8], ["Status": .string("New")])
            let known = try await whole.event()
            #expect(known.data["incomplete"] == nil && known.payload["Subject"] is NSNull)
        }
    }

    /// A frame is composed once for all that see the same, and every delivery is counted beside what it would have cost at
    /// the org.
    @Test func framesAreMadeOncePerClass() async throws {
        try await PushFixture.with({ $0.loopCount = 1 }) { fixture in
            var clients: [RawClient] = []
            for number in 0..<20 {
                let fields = number.isMultiple(of: 2) ? nil : ["Status"]
                clients.append(
                    try await fixture.subscribed(allow: [.init(channel: PushFixture.channel, fields: fields)]))
            }
            clients.append(try await fixture.subscribed(#","where":"Status = 'Closed'""#))
            for _ in 0..<3 { try await fixture.ingest(.create, cases: [1], ["Status": .string("New")]) }
            for client in clients.dropLast() {
                for _ in 0..<3 { _ = try await client.event() }
            }
            try await poll("all is counted") { fixture.hub.statistics().deliveries == 60 }
            let statistics = fixture.hub.statistics()
            // Two masks and three events.
            #expect(statistics.framesMade == 6)
            #expect(statistics.directDeliveries == 63)
        }
    }

    @Test func aMergedEventComesRecordByRecord() async throws {
        try await PushFixture.with { fixture in
            let client = try await fixture.subscribed()
            let replay = try await fixture.ingest(.create, cases: [1, 2, 3], ["Status": .string("New")])
            for number in 1...3 {
                let event = try await client.event()
                #expect(event.recordID == RecordID.test("500", number).string && event.replay == replay)
            }
            // One who saw a part of it gets all of it again.
            let resumed = try await fixture.subscribed(#","replay":\#(replay)"#)
            #expect(try await resumed.event().recordID == RecordID.test("500", 1).string)
        }
    }

    @Test func unsubscribingEndsDeliveryAndASecondSubscriptionReplacesTheFirst() async throws {
        try await PushFixture.with { fixture in
            let client = try await fixture.subscribed()
            try client.send(
                text: #"{"type":"subscribe","id":2,"channel":"/data/CaseChangeEvent","where":"Status = 'New'"}"#)
            #expect(try await client.message()["id"] == "2")
            try await fixture.ingest(.create, cases: [1], ["Status": .string("Closed")])
            try await fixture.ingest(.create, cases: [2], ["Status": .string("New")])
            #expect(try await client.event().recordID == RecordID.test("500", 2).string)
            #expect(fixture.hub.statistics().subscriptions == 1)
            try client.send(text: #"{"type":"unsubscribe","id":3,"channel":"/data/CaseChangeEvent"}"#)
            #expect(try await client.message().type == "unsubscribed")
            try await fixture.ingest(.create, cases: [3], ["Status": .string("New")])
            try client.send(text: #"{"type":"ping"}"#)
            #expect(try await client.message().type == "pong")
        }
    }
}
