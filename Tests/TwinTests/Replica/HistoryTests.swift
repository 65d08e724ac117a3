import ChangeEvents
import Foundation
import Logging
import Store
import TestSupport
import Testing
@testable import Twin

extension ReplicaBench {
    func history(_ id: RecordID) async throws -> [FormerVersion] {
        try await bench.twin.history(of: "Case", id: id, limit: .max).reversed()
    }

    /// Each version, with what it says has changed, is the one behind it; the last one leads to the row.
    func expectHistory(_ comment: String = "") async throws {
        let rows = try await rows()
        for id in Set(rows.keys).union(org.records.keys) {
            let versions = try await history(id)
            for (index, version) in versions.enumerated() {
                let what = "\(comment) \(id) version \(index + 1) of \(versions.count): \(version)"
                #expect(version.validFrom <= version.validTo, "\(what)")
                if version.change == FormerVersion.gone { continue }
                let (next, isDeleted): ([String: NSObject], Bool)
                if index + 1 < versions.count {
                    (next, isDeleted) = (try Self.json(versions[index + 1].record), versions[index + 1].isDeleted)
                } else {
                    guard let row = rows[id] else {
                        Issue.record("no row, and no version says so: \(what)")
                        continue
                    }
                    (next, isDeleted) = (try Self.json(row), row.isDeleted)
                }
                let changes = try Self.json(version.changes)
                for (name, old) in try Self.json(version.record) where name != "SystemModstamp" {
                    var expected: NSObject? = old
                    if let change = changes[name] as? [String: NSObject] {
                        #expect(change["old"] == old, "\(what) \(name)")
                        expected = change["new"]
                    }
                    // The value of a text that came as a difference to another is not known until it is read.
                    guard let expected else { continue }
                    // What a deleted record was may come to be known later.
                    if isDeleted, expected == NSNull() { continue }
                    #expect(next[name] ?? NSNull() == expected, "\(what) \(name)")
                }
            }
        }
    }

    private static func json(_ text: String) throws -> [String: NSObject] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: NSObject])
    }

    private static func json(_ row: StoredRecord) throws -> [String: NSObject] {
        guard let version = Succession(former: row, record: nil).version(.absence, now: 0) else { return [:] }
        return try json(version.record)
    }
}

/// What records were (`docs/twin.md`, "History").
@Suite(.timeLimit(.minutes(5))) struct HistoryTests {
    private let id = RecordID.test("500", 1)

    private func after(
        _ happens: @escaping @Sendable (ReplicaBench, Replica) async throws -> Void
    ) async throws -> ReplicaBench {
        let world = try await ReplicaBench()
        world.org.found(5)
        world.org.with { $0.records[.test("500", 1)]?.fields["Status"] = .string("New") }
        try await world.begin()
        let replica = world.replica()
        try await world.running(replica) {
            try await world.settled(replica)
            try await happens(world, replica)
            try await world.settled(replica)
        }
        try await world.expectHistory()
        return world
    }

    @Test func aFirstLoadMakesNoVersions() async throws {
        let world = try await after { _, _ in }
        for id in world.org.records.keys { #expect(try await world.history(id).isEmpty) }
    }

    @Test func everyChangeIsAVersionWithItsEventAndItsUser() async throws {
        let world = try await after { world, _ in
            for status in ["Working", "Closed"] {
                try world.org.commit(.update, [.test("500", 1)], ["Status": .string(status)])
            }
            // In one transaction: each event has its version all the same.
            try await world.org.deliver(to: world.bench.twin)
        }
        let versions = try await world.history(id)
        #expect(versions.map(\.change) == ["UPDATE", "UPDATE"])
        #expect(versions.map(\.position) == [Position(rawValue: 1), Position(rawValue: 2)])
        #expect(versions[0].validTo == versions[1].validFrom)
        #expect(versions.allSatisfy { $0.commitUser != nil && $0.isComplete && !$0.isDeleted })
        #expect(versions[0].changes == #"{"Status":{"old":"New","new":"Working"}}"#)
        #expect(versions[1].changes == #"{"Status":{"old":"Working","new":"Closed"}}"#)
        #expect(versions[0].record.contains(#""Status":"New""#))
    }

    @Test func aRedeliveredEventMakesNoSecondVersion() async throws {
        let world = try await after { world, _ in
            try world.org.commit(.update, [.test("500", 1)], ["Status": .string("Closed")])
            let events = world.org.with { $0.outbox }
            for _ in 0..<2 {
                try await world.bench.twin.ingest(
                    ReceivedBatch(topic: CaseEvents.topic, events: events, latestReplayID: nil))
            }
            world.org.with { $0.outbox = [] }
        }
        #expect(try await world.history(id).count == 1)
    }

    @Test func anEventThatChangesNothingMakesNone() async throws {
        let world = try await after { world, _ in
            try world.org.commit(.update, [.test("500", 1)], ["Status": .string("New")])
            try await world.org.deliver(to: world.bench.twin)
        }
        #expect(try await world.history(id).isEmpty)
    }

    @Test func deletedAndBack() async throws {
        let world = try await after { world, _ in
            try world.org.commit(.delete, [.test("500", 1)])
            try world.org.commit(.undelete, [.test("500", 1)])
            try await world.org.deliver(to: world.bench.twin)
        }
        let versions = try await world.history(id)
        #expect(versions.map(\.change) == ["DELETE", "UNDELETE"])
        #expect(versions.map(\.isDeleted) == [false, true])
    }

    @Test func whatIsFoundByReadingSaysSo() async throws {
        let world = try await after { world, replica in
            // Nothing tells of it.
            world.org.with { $0.records[.test("500", 1)]?.fields["Status"] = .string("Silent") }
            world.org.with { $0.records[.test("500", 2)] = nil }
            let number = try await replica.requestSnapshot(of: "Case")
            try await poll("the snapshot is done") {
                try await replica.status().snapshots.contains { $0.id == number && $0.isEnded }
            }
        }
        let versions = try await world.history(id)
        #expect(versions.map(\.change) == ["READ"])
        #expect(versions.first?.changes == #"{"Status":{"old":"New","new":"Silent"}}"#)
        #expect(versions.first?.position == nil && versions.first?.commitUser == nil)
        #expect(try await world.history(.test("500", 2)).map(\.change) == ["GONE"])
        // The others were as they were.
        for number in 3...5 { #expect(try await world.history(.test("500", number)).isEmpty) }
    }

    /// What fills a new column is no change of the records.
    @Test func aNewFieldMakesNoVersions() async throws {
        let world = try await after { world, replica in
            world.org.addUnheard("Depth__c")
            replica.descriptions.ask(for: "Case")
            try await poll("the column is filled") {
                try await world.rows()[.test("500", 1)]?.image.fields["Depth__c"] == .string("Depth__c 0")
            }
        }
        for id in world.org.records.keys { #expect(try await world.history(id).isEmpty) }
    }

    @Test func versionsGoWhenTheirTimeIsOver() async throws {
        let world = try await after { world, _ in
            try world.org.commit(.update, [.test("500", 1)], ["Status": .string("Closed")])
            try await world.org.deliver(to: world.bench.twin)
        }
        let store = world.bench.twin.store
        let ended = try #require(try await world.history(id).first?.validTo)
        var configuration = Twin.Configuration()
        configuration.history = ["Case": .kept(.seconds(3_600))]
        configuration.now = { ended + 3_600_000 }
        let logger = Logger(label: "test")
        var twin = try await Twin(store: store, configuration: configuration, logger: logger)
        #expect(try await twin.trimHistory() == 0)
        configuration.now = { ended + 3_600_001 }
        twin = try await Twin(store: store, configuration: configuration, logger: logger)
        #expect(try await twin.trimHistory() == 1)
        #expect(try await world.history(id).isEmpty)
    }

    @Test func anObjectWithoutAHistoryHasNone() async throws {
        let world = try await ReplicaBench()
        await #expect(throws: ReplicaError.self) {
            _ = try await world.bench.twin.history(of: "Account", id: id, limit: 1)
        }
    }
}
