import ChangeEvents
import Doors
import Testing

@testable import Sandbox

@Suite("The control door") struct ControlTests {
    private func control(_ org: TestOrg) -> SandboxControl {
        SandboxControl(sandbox: org.sandbox, clock: OrgClock(machine: { org.clock.now }))
    }

    private func json(_ text: String) throws -> JSONValue { try JSONParser.parse(text.utf8) }

    @Test(
        arguments: [
            ("[]", nil), ("{}", "kind"), (#"{"kind": "explode"}"#, "kind"), (#"{"kind": 3}"#, "kind"),
            (#"{"kind": "cut"}"#, "path"), (#"{"kind": "cut", "path": ""}"#, "path"),
            (#"{"kind": "cut", "path": "/x", "rpc": "Subscribe"}"#, "rpc"),
            (#"{"kind": "cut", "path": "/x", "topic": "/data/X"}"#, "topic"),
            (#"{"kind": "cut", "path": "/x", "object": "Case"}"#, "object"),
            (#"{"kind": "cut", "rpc": "Fetch"}"#, "rpc"),
            (#"{"kind": "cut", "rpc": "Subscribe", "method": "GET"}"#, "method"),
            (#"{"kind": "cut", "rpc": "Subscribe", "during": "lunch"}"#, "during"),
            (#"{"kind": "cut", "topic": "/data/X", "during": "call"}"#, "rpc"),
            (#"{"kind": "cut", "rpc": "Subscribe", "topic": "/data/X", "during": "call"}"#, "topic"),
            (#"{"kind": "lost-answer", "topic": "/data/X"}"#, "rpc"),
            (#"{"kind": "cut", "path": "/x", "probabilty": 0.5}"#, "probabilty"),
            (#"{"kind": "cut", "path": "/x", "probability": 1.5}"#, "probability"),
            (#"{"kind": "cut", "path": "/x", "seed": 7}"#, "seed"),
            (#"{"kind": "cut", "path": "/x", "nth": 0}"#, "nth"),
            (#"{"kind": "cut", "path": "/x", "nth": 1.5}"#, "nth"),
            (#"{"kind": "cut", "path": "/x", "times": -1}"#, "times"),
            (#"{"kind": "cut", "path": "/x", "seconds": 2}"#, "seconds"),
            (#"{"kind": "stall", "path": "/x", "seconds": -2}"#, "seconds"),
            (#"{"kind": "unavailable", "path": "/x", "status": 200}"#, "status"),
            (#"{"kind": "unavailable", "rpc": "Publish", "status": 503}"#, "status"),
            (#"{"kind": "row-lock", "object": "Spaceship"}"#, "object"),
            (#"{"kind": "row-lock", "path": "/x"}"#, "path"),
            (#"{"kind": "schema", "topic": "/data/X"}"#, "topic"),
        ] as [(String, String?)])
    func aFaultIsRefused(_ text: String, field: String?) async throws {
        let org = try await TestOrg.open()
        let control = control(org)
        let document = try json(text)
        let error = #expect(throws: ControlError.self) { try control.setFault(document) }
        #expect(error?.field == field)
        #expect(error?.reason.isEmpty == false)
        #expect(org.sandbox.faults.standing.isEmpty)
    }

    @Test func aFaultIsSetReadAndDeleted() async throws {
        let org = try await TestOrg.open()
        let control = control(org)
        let set = try control.setFault(
            try json(
                #"{"kind": "stall", "path": "/services/**", "method": "post", "nth": 2, "seconds": 0.5, "seed": null}"#)
        )
        let expected: [String: JSONValue] = [
            "id": .string("f1"), "kind": .string("stall"), "path": .string("/services/**"), "method": .string("POST"),
            "nth": .number("2"), "times": .number("1"), "seconds": .number("0.5"), "seen": .number("0"),
            "fired": .number("0"), "active": .boolean(true),
        ]
        #expect(set.dictionary == expected)
        #expect(try control.faultDocument(id: "f1") == set)
        #expect(control.faultsDocument().dictionary["faults"]?.elements == [set])
        #expect(control.faultsDocument().dictionary["kinds"]?.elements.count == FaultKind.allCases.count)
        try control.removeFault(id: "f1")
        #expect(throws: ControlError.self) { try control.faultDocument(id: "f1") }
        #expect(throws: ControlError.self) { try control.removeFault(id: "f1") }
    }

    @Test func callsAndStrikesAreTold() async throws {
        let org = try await TestOrg.open()
        let control = control(org)
        _ = try control.setFault(try json(#"{"kind": "replay-expired"}"#))
        let topic = "/data/ChangeEvents"
        await #expect(throws: EventBusError.self) {
            _ = try await org.sandbox.start(topic: topic, from: .after(.init(counter: 258)), caller: org.caller)
        }
        let calls = try control.callsDocument(after: nil, limit: nil).dictionary
        let call = try #require(calls["calls"]?.elements.first).dictionary
        #expect(call["place"] == .string("subscription"))
        #expect(call["topic"] == .string(topic))
        #expect(calls["next"] == .number("1"))
        let fired = try control.strikesDocument(after: nil, limit: nil).dictionary["fired"]?.elements.first?.dictionary
        #expect(fired?["fault"] == .string("f1"))
        #expect(fired?["kind"] == .string("replay-expired"))
        for (after, limit) in [("x", nil), ("-1", nil), (nil, "0"), (nil, "1001"), (nil, "")] as [(String?, String?)] {
            #expect(throws: ControlError.self) { try control.callsDocument(after: after, limit: limit) }
        }
    }

    @Test(
        arguments: [
            ("{}", nil), (#"{"set": 5}"#, "set"), (#"{"set": "tomorrow"}"#, "set"),
            (#"{"set": "1999-12-31T00:00:00Z"}"#, "set"),
            (#"{"advance": "72h"}"#, "advance"), (#"{"advance": 1e300}"#, "advance"), (#"{"frozen": 1}"#, "frozen"),
            (#"{"ahead": 5}"#, "ahead"), (#"{"advance": -3000000000}"#, "advance"),
            (#"{"set": "2001-01-01T00:00:00Z", "advance": -86400000}"#, "advance"),
        ] as [(String, String?)])
    func aClockIsRefused(_ text: String, field: String?) async throws {
        let org = try await TestOrg.open()
        let control = control(org)
        let before = control.clock.now
        let document = try json(text)
        let error = await #expect(throws: ControlError.self) { try await control.moveClock(document) }
        #expect(error?.field == field)
        #expect(control.clock.now == before)
    }

    @Test func retentionAndSessionsFollowTheClock() async throws {
        let machine = HandClock()
        let clock = OrgClock(machine: { machine.now })
        let org = try await TestOrg.open(clock: machine) { $0.clock = { clock.now } }
        let control = SandboxControl(sandbox: org.sandbox, clock: clock)
        _ = try await org.create("Case", [])
        #expect(try await org.received().count == 1)
        let answer = try await control.moveClock(try json(#"{"advance": 259300, "frozen": true}"#)).dictionary
        #expect(answer["frozen"] == .boolean(true))
        #expect(try await org.received().isEmpty)
        await #expect(throws: OrgError.self) {
            _ = try await org.sandbox.session(accessToken: org.context.session.accessToken)
        }
    }

    @Test func theTruthCountsAndDigests() async throws {
        let org = try await TestOrg.open()
        let control = control(org)
        let first = try await org.create("Account", [("Name", .string("Voltus"))])
        let second = try await org.create("Account", [("Name", .string("Ampera"))])
        let third = try await org.create("Account", [("Name", .string("Ohm"))])
        try await org.delete("Account", third)
        let before = try await control.truthDocument(object: "account", fields: "Id,Name", after: nil, limit: nil)
            .dictionary
        #expect(before["count"] == .number("2"))
        #expect(before["deleted"] == .number("1"))
        let expected = [first, second].sorted { $0.string < $1.string }.map { id in
            JSONValue.object([
                .init(name: "Id", value: .string(id.string)),
                .init(name: "Name", value: .string(id == first ? "Voltus" : "Ampera")),
            ])
        }
        #expect(before["records"]?.elements == expected)
        #expect(before["next"] == .null)
        try await org.update("Account", first, [("Name", .string("Voltus Ltd"))])
        let after = try await control.truthDocument(object: "Account", fields: "Id,Name", after: nil, limit: "0")
            .dictionary
        #expect(after["digest"] != before["digest"])
        let all = try await control.truthDocument(fields: nil).dictionary
        #expect(all["objects"]?.elements.contains { $0.dictionary["object"] == .string("Account") } == true)
        #expect(all["log"]?.dictionary["head"] == .number("5"))
    }

    @Test func theTruthComesInPages() async throws {
        let org = try await TestOrg.open()
        let control = control(org)
        var made: Set<String> = []
        for index in 0..<7 { made.insert(try await org.create("Account", [("Name", .string("A\(index)"))]).string) }
        var seen: [String] = []
        var after: String?
        repeat {
            let page = try await control.truthDocument(object: "Account", fields: "Id", after: after, limit: "3")
                .dictionary
            for record in page["records"]?.elements ?? [] {
                if case .string(let id) = record.dictionary["Id"] ?? .null { seen.append(id) }
            }
            if case .string(let next) = page["next"] ?? .null { after = next } else { after = nil }
        } while after != nil
        #expect(seen.count == 7)
        #expect(Set(seen) == made)
    }

    @Test(
        arguments: [
            ("Spaceship", nil, nil, nil, "object"), ("Account", "Nope", nil, nil, "fields"),
            ("Contact", "Name", nil, nil, "fields"), ("Account", nil, "xyz", nil, "after"),
            ("Account", nil, nil, "2001", "limit"),
        ] as [(String, String?, String?, String?, String)])
    func aTruthIsRefused(
        object: String, fields: String?, after: String?, limit: String?, field: String
    ) async throws {
        let control = control(try await TestOrg.open())
        let error = await #expect(throws: ControlError.self) {
            try await control.truthDocument(object: object, fields: fields, after: after, limit: limit)
        }
        #expect(error?.field == field)
    }

    @Test func gapsAndHeldSlotsOnCommand() async throws {
        let org = try await TestOrg.open()
        let control = control(org)
        let id = try await org.create("Case", [])
        func gap(_ members: [(String, JSONValue)]) async throws {
            _ = try await control.publishGap(.object(members.map { .init(name: $0.0, value: $0.1) }))
        }
        for kind in ["GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE"] {
            try await gap([
                ("kind", .string(kind)), ("object", .string("Case")), ("ids", .array([.string(id.string)])),
            ])
        }
        try await gap([("kind", .string("GAP_OVERFLOW")), ("object", .string("Case"))])
        try await gap([("kind", .string("conversion")), ("object", .string("Account"))])
        let headers = try await org.events().dropFirst().map(\.header)
        #expect(
            headers.map(\.changeType) == [.gapCreate, .gapUpdate, .gapDelete, .gapUndelete, .gapOverflow, .update])
        #expect(
            headers.map(\.recordIDs) == Array(repeating: [id.string], count: 4) + [["000000000000000AAA"], ["001*"]])
        let refused: [(String, [(String, JSONValue)])] = [
            ("kind", [("object", .string("Case"))]), ("kind", [("kind", .string("GAP")), ("object", .string("Case"))]),
            ("object", [("kind", .string("GAP_OVERFLOW"))]),
            ("object", [("kind", .string("GAP_OVERFLOW")), ("object", .string("Nothing__c"))]),
            ("ids", [("kind", .string("GAP_UPDATE")), ("object", .string("Case"))]),
            ("ids", [("kind", .string("GAP_UPDATE")), ("object", .string("Case")), ("ids", .array([.string("x")]))]),
            ("ids", [("kind", .string("conversion")), ("object", .string("Case")), ("ids", .array([]))]),
        ]
        for (field, members) in refused {
            let error = await #expect(throws: ControlError.self) { try await gap(members) }
            #expect(error?.field == field, "\(members)")
        }
        #expect(try await org.events().count == 7)
        let none = #expect(throws: ControlError.self) {
            try control.holdManagedSubscription(.object([.init(name: "subscription", value: .string("None"))]))
        }
        #expect(none?.status == 404)
    }

    @Test func listenersAreListed() async throws {
        let org = try await TestOrg.open()
        let control = control(org)
        let stream = BusStream(
            id: "r1", rpc: "Subscribe", topic: "/data/ChangeEvents", caller: org.caller, peer: "ipv4:127.0.0.1:5")
        org.sandbox.streamOpened(stream)
        org.sandbox.streamDelivered("r1", count: 3)
        org.sandbox.streamDelivered("unknown", count: 9)
        let rows = try #require(control.subscribersDocument().dictionary["subscribers"]?.elements)
        #expect(rows.count == 1)
        let row = try #require(rows.first).dictionary
        #expect(row["kind"] == .string("Subscribe"))
        #expect(row["delivered"] == .number("3"))
        #expect(row["username"] == .string(org.sandbox.usernames[0]))
        #expect(row["since"] == .string("2026-02-17T04:03:15.250+0000"))
        org.sandbox.streamClosed("r1")
        #expect(control.subscribersDocument().dictionary["subscribers"]?.elements.isEmpty == true)
    }

    @Test func eventsForThePage() async throws {
        let org = try await TestOrg.open()
        let control = control(org)
        let start = try await control.eventsDocument(after: nil, limit: nil, seconds: nil).dictionary
        #expect(start["events"]?.elements == [])
        let id = try await org.create("Account", [("Name", .string("Voltus"))])
        guard case .number(let place) = start["next"] ?? .null else {
            Issue.record("there is no place")
            return
        }
        let page = try await control.eventsDocument(after: place, limit: nil, seconds: "30").dictionary
        let event = try #require(page["events"]?.elements.first).dictionary
        #expect(event["change"] == .string("CREATE"))
        #expect(event["records"] == .array([.string(id.string)]))
        #expect(event["fields"]?.dictionary["Name"] == .string("Voltus"))
        await #expect(throws: ControlError.self) {
            try await control.eventsDocument(after: nil, limit: nil, seconds: "31")
        }
    }

    @Test func aSessionWithoutALogin() async throws {
        let org = try await TestOrg.open()
        let control = control(org)
        let answer = try await control.openSession(.object([])).dictionary
        guard case .string(let token) = answer["access_token"] ?? .null else {
            Issue.record("there is no token")
            return
        }
        #expect(try await org.sandbox.session(accessToken: token).username == org.sandbox.usernames[0])
        let unknown = JSONValue.object([.init(name: "username", value: .string("nobody@example.com"))])
        await #expect(throws: ControlError.self) { try await control.openSession(unknown) }
    }
}
