import ChangeEvents
import Foundation
import Store
import TestSupport
import Testing
import Twin

@testable import Doors

/// Places in the log: resuming, gaps, catching up, slow clients.
@Suite(.timeLimit(.minutes(5)), .onAllSockets)
struct PushReplayTests {
    private func fill(
        _ fixture: PushFixture, _ numbers: ClosedRange<Int>, status: String = "New"
    ) async throws -> [UInt64] {
        var replays: [UInt64] = []
        for number in numbers {
            replays.append(try await fixture.ingest(.create, cases: [number], ["Status": .string(status)]))
        }
        return replays
    }

    @Test(arguments: [1024, 4, 1], ["-2", "5", "\"19\"", "20"])
    func resumingBringsWhatWasMissedOnceAndInOrder(recentEvents: Int, place: String) async throws {
        try await PushFixture.with({ $0.recentEventsMax = recentEvents }) { fixture in
            let replays = try await fill(fixture, 1...20)
            let first = Int(place.trimmingCharacters(in: ["\""])) ?? 0
            // The place as it is sent: the replay id of the event with that number, a number or a string.
            let member = first > 0 ? place.replacing("\(first)", with: "\(replays[first - 1])") : place
            let client = try await fixture.subscribed(#","replay":\#(member)"#)
            for replay in replays.dropFirst(max(0, first)) { #expect(try await client.event().replay == replay) }
            let live = try await fixture.ingest(.create, cases: [100], ["Status": .string("New")])
            #expect(try await client.event().replay == live)
            #expect(client.isQuiet)
        }
    }

    @Test func replayMeetsLiveWithoutHoleOrDouble() async throws {
        try await PushFixture.with({ $0.recentEventsMax = 8 }) { fixture in
            _ = try await fill(fixture, 1...50)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await self.fill(fixture, 51...150) }
                for _ in 0..<4 {
                    group.addTask {
                        let client = try await fixture.subscribed(#","replay":-2"#)
                        for number in 1...150 {
                            let event = try await client.event()
                            #expect(event.recordID == RecordID.test("500", number).string)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func replayIsJudgedByTheTermsOfNow() async throws {
        try await PushFixture.with({ $0.recentEventsMax = 2 }) { fixture in
            for number in 1...10 {
                let contact = number % 2 == 0 ? PushFixture.contact : PushFixture.otherContact
                try await fixture.ingest(
                    .create, cases: [number], ["ContactId": .string(contact), "Status": .string("New")])
            }
            let client = try await fixture.subscribed(
                allow: [
                    .init(
                        channel: PushFixture.channel, where: "ContactId = '\(PushFixture.contact)'", fields: ["Status"])
                ],
                #","replay":-2"#)
            for number in [2, 4, 6, 8, 10] {
                let event = try await client.event()
                #expect(event.recordID == RecordID.test("500", number).string && event.payload["ContactId"] == nil)
            }
        }
    }

    @Test func anUnknownPlaceIsAGapAndThenLive() async throws {
        try await PushFixture.with { fixture in
            let replays = try await fill(fixture, 1...3)
            try await fixture.settled()
            let client = try await fixture.subscribed(#","replay":999999"#)
            let gap = try await client.message()
            #expect(gap.type == "gap" && gap["reason"] == "expired" && gap["replayId"] == String(replays[2]))
            let live = try await fixture.ingest(.create, cases: [9], ["Status": .string("New")])
            #expect(try await client.event().replay == live)
        }
    }

    /// The one `Last-Event-ID` of a stream must not pass over what another of its channels has still to send.
    @Test func aLossInOneChannelOfAnEventStreamMovesNoPlace() async throws {
        try await PushFixture.with { fixture in
            _ = try await fill(fixture, 1...3)
            try await fixture.settled()
            let channels = [PushFixture.channel, "/data/ChangeEvents"]
            let token = try PushFixture.token(allow: channels.map { .init(channel: $0) })
            func gap(of uri: String) async throws -> String {
                let bearer = [("Authorization", "Bearer \(token)"), ("Last-Event-ID", "999999")]
                let stream = try fixture.connect(uri, headers: bearer)
                _ = try await stream.text(until: "event: subscribed")
                return try await stream.text(until: "event: gap")
            }
            let one = "/events?channel=\(channels[0])"
            #expect(try await gap(of: one).contains("\nid: "))
            #expect(try await !gap(of: one + "&channel=\(channels[1])").contains("\nid: "))
        }
    }

    @Test func lossesAreToldLiveAndInReplay() async throws {
        try await PushFixture.with({ $0.recentEventsMax = 2 }) { fixture in
            let live = try await fixture.subscribed()
            let first = try await fixture.ingest(.create, cases: [1], ["Status": .string("New")])
            try await fixture.twin.declareGap(topic: PushFixture.channel, reason: "the replay id had expired")
            try await fixture.ingest(.create, cases: [2], ["Status": .string("New")])
            _ = try await fill(fixture, 3...8)
            let resumed = try await fixture.subscribed(#","replay":\#(first)"#)
            let all = try await fixture.subscribed(#","replay":-2"#)
            #expect(try await live.event().type == "event")
            #expect(try await all.event().type == "event")
            for client in [live, all, resumed] {
                let gap = try await client.event()
                #expect(gap.type == "gap" && gap["reason"] == "upstream" && gap["replayId"] == String(first), "\(gap)")
                #expect(try await client.event().recordID == RecordID.test("500", 2).string)
            }
        }
    }

    /// After a restart a loss once was not told to those whose place the loops' memory reached back to.
    @Test(arguments: [1024, 1]) func lossesFromBeforeTheStartAreTold(recentEvents: Int) async throws {
        try await PushFixture.with(
            { $0.recentEventsMax = recentEvents },
            before: { twin, schema in
                for number in 1...3 {
                    try await PushFixture.ingest(
                        .create, cases: [number], ["Status": .string("New")], replay: UInt64(number), twin: twin,
                        schema: schema)
                    guard number != 2 else { continue }
                    try await twin.declareGap(topic: PushFixture.channel, reason: "the replay id had expired")
                }
            }
        ) { fixture in
            let client = try await fixture.subscribed(#","replay":1"#)
            let last = try await fixture.subscribed(#","replay":3"#)
            for (client, replays) in [(client, [1, 2, 3, 3]), (last, [3])] as [(RawClient, [UInt64])] {
                for replay in replays {
                    let message = try await client.event()
                    #expect(message.replay == replay || message["replayId"] == String(replay), "\(message)")
                }
            }
            let live = try await fixture.ingest(.create, cases: [9], ["Status": .string("New")])
            for client in [client, last] { #expect(try await client.event().replay == live) }
        }
    }

    @Test func anOverflowIsAGap() async throws {
        try await PushFixture.with { fixture in
            let client = try await fixture.subscribed(allow: [
                .init(channel: PushFixture.channel, where: "Status = 'New'")
            ])
            let header = ChangeEventHeader.test(.gapOverflow, recordIDs: ["000000000000000AAA"])
            let payload = try fixture.schema.encode(header: header, values: [:])
            let event = ReceivedEvent(
                topic: PushFixture.channel, replayID: ReplayID(counter: 777), eventID: "x", schemaID: fixture.schema.id,
                payload: payload)
            try await fixture.twin.ingest(
                .init(topic: PushFixture.channel, events: [event], latestReplayID: event.replayID))
            let gap = try await client.event()
            #expect(gap.type == "gap" && gap["reason"] == "overflow" && gap["replayId"] == "777")
        }
    }

    @Test func aQuietSubscriptionIsToldItsPlace() async throws {
        try await PushFixture.with({ $0.heartbeat = .milliseconds(300) }) { fixture in
            let client = try await fixture.subscribed(#","where":"Status = 'Never'""#)
            let replays = try await fill(fixture, 1...5)
            // A heartbeat may come between the events: then its checkpoint is an earlier place.
            var told: UInt64 = 0
            while told < replays[4] {
                let checkpoint = try await client.message()
                #expect(checkpoint.type == "checkpoint", "\(checkpoint)")
                let place = try #require(checkpoint["replayId"].flatMap { UInt64($0) })
                #expect(place > told)
                told = place
            }
            #expect(told == replays[4])
        }
    }

    @Test func aSlowClientIsParkedAndGetsEverythingInOrder() async throws {
        try await PushFixture.with({
            $0.queueCountMax = 40
            $0.recentEventsMax = 16
        }) { fixture in
            let slow = try await fixture.subscribed("", receiveBytes: PushFixture.smallBuffer)
            let fast = try await fixture.subscribed()
            let text = String(repeating: "x", count: 20_000)
            for number in 1...400 {
                try await fixture.ingest(
                    .create, cases: [number], ["Status": .string("New"), "Subject": .string(text)])
                #expect(try await fast.event().recordID == RecordID.test("500", number).string)
            }
            #expect(fixture.hub.statistics().parked > 0)
            for number in 1...400 { #expect(try await slow.event().recordID == RecordID.test("500", number).string) }
            let live = try await fixture.ingest(.create, cases: [500], ["Status": .string("New")])
            #expect(try await slow.event().replay == live)
        }
    }

    @Test func aConflatingClientGetsTheNewestStateOfEachRecord() async throws {
        try await PushFixture.with({
            $0.queueCountMax = 40
            $0.recentEventsMax = 16
        }) { fixture in
            let slow = try await fixture.subscribed(#","slow":"conflate""#, receiveBytes: PushFixture.smallBuffer)
            try await fixture.changeThreeCasesOften()
            var newest: [String: Int] = [:]
            var count = 0
            while newest.values.count(where: { $0 == 200 }) < 3 {
                let event = try await slow.event()
                let id = try #require(event.recordID)
                let round = try #require(event.field("Status").flatMap { Int($0) })
                #expect(round > newest[id] ?? -1, "never back")
                newest[id] = round
                count += 1
            }
            #expect(count < 603 && fixture.hub.statistics().conflated > 0)
        }
    }

    @Test func aClientThatNeverReadsIsClosedAndDisturbsNobody() async throws {
        try await PushFixture.with({
            $0.stallTimeout = .milliseconds(500)
            $0.closeTimeout = .milliseconds(300)
            $0.queueCountMax = 40
        }) { fixture in
            let deaf = try await fixture.subscribed("", receiveBytes: 4096)
            let reader = try await fixture.subscribed()
            let text = String(repeating: "x", count: 20_000)
            var number = 0
            try await poll("4408") {
                number += 1
                try await fixture.ingest(
                    .create, cases: [number], ["Status": .string("New"), "Subject": .string(text)])
                #expect(try await reader.event().recordID == RecordID.test("500", number).string)
                return fixture.hub.statistics().closes[4408] == 1
            }
            try await poll("it is gone") { fixture.hub.statistics().connections == 1 }
            _ = deaf
        }
    }
}
