import ChangeEvents
import Foundation
import TestSupport
import Testing

@testable import Doors

/// A hub whose clients come and go at random while events flow, beside an oracle that judges each event for each client by
/// itself, in plain Swift: nobody is shown what is not theirs, and nobody misses or doubles anything over all its connections.
/// `MILLRACE_MODEL_STEPS` makes it longer, `MILLRACE_SEED` repeats a run.
@Suite(.timeLimit(.minutes(5)), .onAllSockets)
struct HubOracleTests {
    /// What a kind of client may see and asks for, as the hub is told it and as the oracle judges it.
    private struct View: Sendable {
        var allowed: String?
        var asked: String?
        var isWhole = false
        var shows: @Sendable (Record) -> Bool
    }

    private struct Record: Hashable {
        var status: String
        var contact: String
        var priority: String
    }

    private struct Shown: Hashable {
        var replay: UInt64
        var record: String
        var type: String
        /// What it must say of the record; nil: it was not changed, or is not shown.
        var status: String?
    }

    private final class Listener {
        let view: View
        var client: RawClient?
        var expected: [Shown] = []
        var shown: [Shown] = []
        /// The newest place that it was told.
        var place: UInt64?

        init(_ view: View) {
            self.view = view
        }

        func take(_ message: Message) {
            if message.type == "checkpoint" {
                place = message["replayId"].flatMap { UInt64($0) }
                return
            }
            let replay = message.replay ?? 0
            shown.append(
                Shown(
                    replay: replay, record: message.recordID ?? "", type: message.type, status: message.field("Status"))
            )
            place = replay
        }
    }

    private static let views = [
        View(shows: { _ in true }),
        View(allowed: "ContactId = '\(PushFixture.contact)'", shows: { $0.contact == PushFixture.contact }),
        View(
            allowed: "ContactId = '\(PushFixture.otherContact)'", asked: "Status != 'Closed'", isWhole: true,
            shows: { $0.contact == PushFixture.otherContact && $0.status != "Closed" }),
        View(
            asked: "Status IN ('New', 'Working') OR Priority = 'High'", isWhole: true,
            shows: { ["New", "Working"].contains($0.status) || $0.priority == "High" }),
        View(asked: "NOT Priority LIKE 'L%'", shows: { !$0.priority.hasPrefix("L") }),
    ]

    @Test(arguments: [(recent: 1024, queue: 64), (recent: 24, queue: 64), (recent: 1024, queue: 3)])
    func everybodyGetsExactlyWhatIsTheirs(recent: Int, queue: Int) async throws {
        var random = SeededRandom()
        let steps = ProcessInfo.processInfo.environment["MILLRACE_MODEL_STEPS"].flatMap { Int($0) } ?? 250
        print("HubOracleTests: MILLRACE_SEED=\(random.seed) MILLRACE_MODEL_STEPS=\(steps)")
        try await PushFixture.with({
            $0.loopCount = 1
            $0.recentEventsMax = recent
            $0.queueCountMax = queue
            $0.connectionsPerSubjectMax = .max
        }) { fixture in
            let listeners = (0..<15).map { Listener(Self.views[$0 % Self.views.count]) }
            var records: [Int: Record] = [:]
            for listener in listeners { try await come(listener, fixture) }
            for _ in 0..<steps {
                switch random.int(0..<100) {
                case ..<70:
                    for _ in 0..<random.int(1..<6) { try await change(&records, listeners, &random, fixture) }
                case ..<85:
                    let listener = random.pick(listeners)
                    try go(listener)
                default:
                    if let listener = listeners.filter({ $0.client == nil }).randomElement(using: &random) {
                        try await come(listener, fixture)
                    }
                }
            }
            for listener in listeners {
                if listener.client == nil { try await come(listener, fixture) }
                while listener.shown.count < listener.expected.count, let client = listener.client {
                    listener.take(try await client.message())
                }
            }
            try await fixture.settled()
            for (number, listener) in listeners.enumerated() {
                while let message = try listener.client?.messageIfAny() { listener.take(message) }
                #expect(listener.shown == listener.expected, "listener \(number), seed \(random.seed)")
            }
        }
    }

    /// Connects, from where it was.
    private func come(_ listener: Listener, _ fixture: PushFixture) async throws {
        var members = ""
        if let place = listener.place { members += #","replay":\#(place)"# }
        if let asked = listener.view.asked { members += #","where":"\#(asked)""# }
        if listener.view.isWhole { members += #","form":"record""# }
        let allow = TokenSigner.Allowance(channel: PushFixture.channel, where: listener.view.allowed)
        let client = try await fixture.open(token: try PushFixture.token(allow: [allow]))
        try client.send(text: #"{"type":"subscribe","id":1,"channel":"\#(PushFixture.channel)"\#(members)}"#)
        let answer = try await client.message()
        try #require(answer.type == "subscribed", "\(answer)")
        // A place to come back to, where it is shown nothing before it goes.
        if listener.place == nil { listener.place = answer["replayId"].flatMap { UInt64($0) } }
        listener.client = client
    }

    /// Reads what has come, and is gone without a word.
    private func go(_ listener: Listener) throws {
        while let message = try listener.client?.messageIfAny() { listener.take(message) }
        guard listener.place != nil else { return }
        listener.client = nil
    }

    private func change(
        _ records: inout [Int: Record], _ listeners: [Listener], _ random: inout SeededRandom, _ fixture: PushFixture
    ) async throws {
        let number = random.int(1..<7)
        let before = records[number]
        let new = Record(
            status: random.pick(["New", "Working", "Closed"]),
            contact: random.pick([PushFixture.contact, PushFixture.otherContact]),
            priority: random.pick(["High", "Low"]))
        var after = before
        var values: [String: FieldValue] = [:]
        let type: ChangeType
        if var record = before {
            if random.chance(0.15) {
                type = .delete
                after = nil
            } else {
                type = .update
                if random.chance(0.6) {
                    record.status = new.status
                    values["Status"] = .string(new.status)
                }
                if random.chance(0.3) {
                    record.contact = new.contact
                    values["ContactId"] = .string(new.contact)
                }
                if values.isEmpty || random.chance(0.2) {
                    record.priority = new.priority
                    values["Priority"] = .string(new.priority)
                }
                after = record
            }
        } else {
            type = .create
            after = new
            values = [
                "Status": .string(new.status), "ContactId": .string(new.contact), "Priority": .string(new.priority),
            ]
        }
        records[number] = after
        let replay = try await fixture.ingest(type, cases: [number], values)
        let id = RecordID.test("500", number).string
        for listener in listeners {
            let saw = before.map(listener.view.shows) ?? false
            let sees = after.map(listener.view.shows) ?? false
            guard saw || sees else { continue }
            guard sees || type == .delete else {
                listener.expected.append(Shown(replay: replay, record: id, type: "left", status: nil))
                continue
            }
            let isWhole = type == .update && (!saw || listener.view.isWhole)
            listener.expected.append(
                Shown(
                    replay: replay, record: id, type: "event",
                    status: type == .delete ? nil : isWhole || values["Status"] != nil ? after?.status : nil))
        }
    }
}
