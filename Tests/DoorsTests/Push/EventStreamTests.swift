import ChangeEvents
import TestSupport
import Testing

@testable import Doors

/// What event streams have of their own: they say with messages and lines what WebSockets say with frames and codes.
@Suite(.timeLimit(.minutes(5)), .onAllSockets)
struct EventStreamTests {
    private func stream(_ fixture: PushFixture, _ parameters: String = "") throws -> RawClient {
        let stream = try fixture.connect(
            "/events?channel=\(PushFixture.channel)\(parameters)",
            headers: [("Authorization", "Bearer \(try PushFixture.token())")])
        stream.setReceiveBuffer(PushFixture.smallBuffer)
        return stream
    }

    /// Past what a stream begins with.
    private func subscribed(_ stream: RawClient) async throws {
        _ = try await stream.text(until: "event: subscribed\n")
        _ = try await stream.text(until: "\n\n")
    }

    /// A stream has no close frame: its last message says the same, and the statistics count the same code.
    @Test func anEventStreamThatIsNotReadIsEnded() async throws {
        try await PushFixture.with({
            $0.stallTimeout = .milliseconds(500)
            $0.closeTimeout = .seconds(20)
            $0.queueCountMax = 40
        }) { fixture in
            let deaf = try stream(fixture)
            try await subscribed(deaf)
            let reader = try await fixture.subscribed()
            let text = String(repeating: "x", count: 20_000)
            var number = 0
            try await poll("4408") {
                number += 1
                try await fixture.ingest(
                    .create, cases: [number], ["Status": .string("New"), "Subject": .string(text)])
                #expect(try await reader.event().recordID == RecordID.test("500", number).string)
                return fixture.hub.statistics().closes[4408] != nil
            }
            let end = String(try await deaf.rest().suffix(200))
            #expect(end.contains("\n\nevent: close\ndata: {\"type\":\"close\",\"code\":4408,"), "\(end)")
            deaf.shut()
            try await poll("it is gone") { fixture.hub.statistics().eventSources == 0 }
            #expect(fixture.hub.statistics().closes == [4408: 1])
            #expect(fixture.hub.statistics().connections == 1)
        }
    }

    @Test func aSlowEventStreamConflates() async throws {
        try await PushFixture.with({
            $0.queueCountMax = 40
            $0.recentEventsMax = 16
        }) { fixture in
            let slow = try stream(fixture, "&slow=conflate")
            try await subscribed(slow)
            try await fixture.changeThreeCasesOften()
            var newest: [String: Int] = [:]
            var (count, place) = (0, UInt64(0))
            while newest.values.count(where: { $0 == 200 }) < 3 {
                let lines = try await slow.text(until: "\n\n").split(separator: "\n")
                // A sign of life.
                if lines == [":"] { continue }
                try #require(lines.count == 3)
                #expect(lines[1] == "event: event")
                let event = try #require(Message(String(lines[2].dropFirst("data: ".count))))
                let replay = try #require(event.replay)
                // What is skipped moves the place on, and never back.
                #expect(lines[0] == "id: \(replay)" && replay > place)
                place = replay
                let id = try #require(event.recordID)
                let round = try #require(event.field("Status").flatMap { Int($0) })
                #expect(round > newest[id] ?? -1, "never back")
                newest[id] = round
                count += 1
            }
            #expect(count < 603 && fixture.hub.statistics().conflated > 0)
        }
    }

    /// Its `id` is what a browser comes back with, so that it need not read the same again.
    @Test func aQuietEventStreamIsToldItsPlace() async throws {
        try await PushFixture.with({ $0.heartbeat = .milliseconds(300) }) { fixture in
            let quiet = try stream(fixture, "&where=" + FormEncoding.encoded("Status = 'Never'"))
            try await subscribed(quiet)
            var last: UInt64 = 0
            for number in 1...5 {
                last = try await fixture.ingest(.create, cases: [number], ["Status": .string("New")])
            }
            // A heartbeat may come between the events: then its checkpoint is an earlier place.
            var told: UInt64 = 0
            while told < last {
                let lines = try await quiet.text(until: "\n\n").split(separator: "\n")
                if lines == [":"] { continue }
                try #require(lines.count == 3)
                #expect(lines[1] == "event: checkpoint")
                let checkpoint = try #require(Message(String(lines[2].dropFirst("data: ".count))))
                let place = try #require(checkpoint["replayId"].flatMap { UInt64($0) })
                #expect(lines[0] == "id: \(place)" && checkpoint["channel"] == PushFixture.channel)
                #expect(place > told)
                told = place
            }
            #expect(told == last)
        }
    }

    @Test(arguments: [("Status =", "9"), ("Status = 'New' AND", "19")])
    func aBadConditionIsExplainedInTheBody(condition: String, position: String) async throws {
        try await PushFixture.with { fixture in
            let client = try stream(fixture, "&where=" + FormEncoding.encoded(condition))
            let head = try await client.head()
            #expect(head.hasPrefix("HTTP/1.1 400 ") && head.contains("\r\nContent-Type: application/json\r\n"))
            let body = try #require(Message(try await client.rest()))
            #expect(body.type == "error" && body["code"] == "invalid_where", "\(body)")
            #expect(body["position"] == position && body["message"]?.isEmpty == false, "\(body)")
        }
    }
}
