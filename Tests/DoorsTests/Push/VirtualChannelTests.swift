import ChangeEvents
import SOQL
import Store
import TestSupport
import Testing
import Twin

@testable import Doors

/// Channels of the gateway's own configuration, on every door.
@Suite(.timeLimit(.minutes(5)), .onAllSockets)
struct VirtualChannelTests {
    private static let escalated = "/data/EscalatedCases__chn"

    private func with(_ body: (PushFixture) async throws -> Void) async throws {
        let filter = try Condition("Status = 'Escalated' AND Priority != 'Low'")
        try await PushFixture.with({
            $0.virtualChannels = VirtualChannels([
                Self.escalated: [
                    .init(selectedEntity: "CaseChangeEvent", filterExpression: filter),
                    .init(selectedEntity: "ContactChangeEvent"),
                ]
            ])
        }) { try await body($0) }
    }

    private func subscribed(
        _ fixture: PushFixture, allow: [TokenSigner.Allowance] = [.init(channel: escalated)], _ members: String = ""
    ) async throws -> RawClient {
        let client = try await fixture.open(token: try PushFixture.token(allow: allow))
        try client.send(text: #"{"type":"subscribe","id":1,"channel":"\#(Self.escalated)"\#(members)}"#)
        #expect(try await client.message().type == "subscribed")
        return client
    }

    @Test func recordsComeAndLeaveByTheFilter() async throws {
        try await with { fixture in
            let client = try await subscribed(fixture)
            try await fixture.ingest(.create, cases: [1], ["Status": .string("New"), "Priority": .string("High")])
            try await fixture.ingest(.create, cases: [2], ["Status": .string("Escalated"), "Priority": .string("Low")])
            let entered = try await fixture.ingest(.update, cases: [1], ["Status": .string("Escalated")])
            let left = try await fixture.ingest(.update, cases: [1], ["Priority": .string("Low")])
            let event = try await client.message()
            #expect(event.type == "event" && event["channel"] == Self.escalated && event.replay == entered)
            let leaving = try await client.message()
            #expect(leaving.type == "left" && leaving["channel"] == Self.escalated && leaving.replay == left)
            // The same from the log.
            let again = try await subscribed(fixture, #","replay":-2"#)
            #expect(try await again.message().replay == entered)
            #expect(try await again.message().replay == left)
        }
    }

    @Test func theTokensConditionAndFieldsHoldHereToo() async throws {
        try await with { fixture in
            let allow = TokenSigner.Allowance(
                channel: Self.escalated, where: "ContactId = '\(PushFixture.contact)'", fields: ["Status", "ContactId"])
            let client = try await subscribed(fixture, allow: [allow])
            for (number, contact) in [(1, PushFixture.otherContact), (2, PushFixture.contact)] {
                try await fixture.ingest(
                    .create, cases: [number],
                    ["Status": .string("Escalated"), "ContactId": .string(contact), "Subject": .string("hidden")])
            }
            let event = try await client.event()
            #expect(event.recordID == RecordID.test("500", 2).string)
            #expect(event.field("Status") == "Escalated" && event.field("Subject") == nil)
        }
    }

    /// As on any channel, a misspelt field is told and not waited for in vain.
    @Test func aFieldThatNoMemberHasIsRefused() async throws {
        try await PushFixture.with({
            $0.virtualChannels = VirtualChannels(["/data/Cases__chn": [.init(selectedEntity: "CaseChangeEvent")]])
        }) { fixture in
            try await fixture.ingest(.create, cases: [1], ["Status": .string("New")])
            try await fixture.settled()
            let client = try await fixture.open(
                token: try PushFixture.token(allow: [.init(channel: "/data/Cases__chn")]))
            try client.send(
                text: #"{"type":"subscribe","id":1,"channel":"/data/Cases__chn","where":"Stauts = 'New'"}"#)
            #expect(try await client.message()["code"] == "unjudgeable_condition")
        }
    }

    @Test func anEntryForOneChannelOpensNoOther() async throws {
        try await with { fixture in
            let client = try await fixture.open(token: try PushFixture.token())
            for channel in [Self.escalated, "/data/Unknown__chn"] {
                try client.send(text: #"{"type":"subscribe","id":1,"channel":"\#(channel)"}"#)
                let answer = try await client.message()
                let code = channel == Self.escalated ? "forbidden_channel" : "unknown_channel"
                #expect(answer.type == "error" && answer["code"] == code, "\(answer)")
            }
            let narrow = try await fixture.open(
                token: try PushFixture.token(allow: [.init(channel: Self.escalated)]))
            try narrow.send(text: #"{"type":"subscribe","id":1,"channel":"\#(PushFixture.channel)"}"#)
            #expect(try await narrow.message()["code"] == "forbidden_channel")
        }
    }

    /// A loss of one member's events is a loss of the channel's. Of two that were declared at one place the second was once
    /// told to nobody.
    @Test func lossesOfAMemberAreTold() async throws {
        try await with { fixture in
            let client = try await subscribed(fixture)
            try await fixture.twin.declareGap(topic: "/data/AccountChangeEvent", reason: "expired")
            try await fixture.twin.declareGap(topic: "/data/ContactChangeEvent", reason: "expired")
            let gap = try await client.message()
            #expect(gap.type == "gap" && gap["channel"] == Self.escalated)
            try await fixture.ingest(.create, cases: [3], ["Status": .string("Escalated")])
            #expect(try await client.message().type == "event", "one loss was told, not two")
        }
    }

    @Test func salesforcesDoorsServeThemToo() async throws {
        try await with { fixture in
            let bus = fixture.hub.bus
            let caller = try await bus.authorize(
                accessToken: try PushFixture.token(allow: [.init(channel: Self.escalated)]), instanceURL: nil,
                tenantID: nil)
            try await fixture.ingest(.create, cases: [1], ["Status": .string("New")])
            let seen = try await fixture.ingest(.create, cases: [2], ["Status": .string("Escalated")])
            try await fixture.settled()
            let topic = try await bus.topic(Self.escalated, caller: caller)
            #expect(topic.schemaID.isEmpty)
            #expect(try await bus.schemaJSON(fixture.schema.id.string, caller: caller) == fixture.schema.json)
            let place = try await bus.start(topic: Self.escalated, from: .earliest, caller: caller)
            let read = try await bus.read(topic: Self.escalated, after: place, limit: 10, caller: caller)
            #expect(read.events.map(\.event.replayID.counter) == [seen])
        }
    }
}
