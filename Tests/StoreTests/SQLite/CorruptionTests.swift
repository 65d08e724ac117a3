import ChangeEvents
import GRDB
@testable import Store
import TestSupport
import Testing

/// Damage is found when it is read, and named.
@Suite struct CorruptionTests {
    private func store(_ damage: String) async throws -> SQLiteStore {
        let store = try SQLiteStore.temporary()
        try await store.append(1...9)
        try await store.write {
            try $0.put(.test(1))
            try $0.saveSchema(SchemaID("kept"), json: #"{"type":"int"}"#)
            try $0.setCursor(topic: "/data/x", to: ReplayID(bytes: [7, 7]))
            try $0.declare(Gap(topic: "/data/x", position: Position(rawValue: 3), reason: "lost", declaredAt: 5))
            try $0.setState("counter", to: [1, 2, 3])
        }
        try await store.pool.write { try $0.execute(sql: damage) }
        return store
    }

    @Test(arguments: [
        "UPDATE log SET payload = CAST(substr(payload, 1, 3) || x'00' || substr(payload, 5) AS BLOB) WHERE position = 5",
        "UPDATE log SET payload = x'' WHERE position = 5",
        "UPDATE log SET payload = 'text' WHERE position = 5",
        "UPDATE log SET topic = topic || ' ' WHERE position = 5",
        "UPDATE log SET topic = 7 WHERE position = 5",
        "UPDATE log SET event_name = '' WHERE position = 5",
        "UPDATE log SET replay_id = x'01' WHERE position = 5",
        "UPDATE log SET event_id = substr(event_id, 2), schema_id = substr(event_id, 1, 1) || schema_id WHERE position = 5",
        "UPDATE log SET received_at = received_at + 1 WHERE position = 5",
        "UPDATE log SET entity = NULL WHERE position = 5",
        "UPDATE log SET change_type = 'CREATE' WHERE position = 5",
        "UPDATE log SET commit_number = commit_number + 1 WHERE position = 5",
        "UPDATE log SET sequence_number = 'x' WHERE position = 5",
        "UPDATE log SET header = NULL WHERE position = 5",
        "UPDATE log SET transitions = NULL WHERE position = 5",
        "UPDATE log SET transitions = substr(transitions, 1, 30) WHERE position = 5",
        "UPDATE log SET stored_bytes = 1 WHERE position = 5",
        "UPDATE log SET checksum = checksum + 1 WHERE position = 5",
        "UPDATE log SET checksum = 'x' WHERE position = 5",
        "DELETE FROM log WHERE position = 5",
    ])
    func damagedEventIsNamed(_ damage: String) async throws {
        let store = try await store(damage)
        for after in [0, 4] {
            await #expect {
                _ = try await store.read {
                    try $0.events(after: Position(rawValue: Int64(after)), selection: .all, limit: 100, bytesMax: .max)
                }
            } throws: { error in
                guard let error = error as? StoreError else { return false }
                return error.code == .corrupt && error.position == Position(rawValue: 5)
                    && error.message.contains("position 5")
            }
        }
        await #expect { try await store.verify() } throws: { ($0 as? StoreError)?.code == .corrupt }
        // What lies before and behind the damage can be read.
        let before = try await store.read {
            try $0.events(after: .start, selection: .all, limit: 4, bytesMax: .max).count
        }
        let behind = try await store.read {
            try $0.events(after: Position(rawValue: 5), selection: .all, limit: 9, bytesMax: .max).count
        }
        #expect(before == 4)
        #expect(behind == 4)
        try await store.close()
    }

    @Test(arguments: [
        ("UPDATE schemas SET json = replace(json, 'int', 'long')", "schema kept"),
        ("UPDATE schemas SET json = CAST(json AS BLOB)", "schema kept"),
        ("UPDATE schemas SET checksum = 'x'", "schema kept"),
        ("UPDATE cursors SET replay_id = x'0708'", "cursor of /data/x"),
        ("UPDATE cursors SET replay_id = 7", "cursor of /data/x"),
        ("UPDATE cursors SET checksum = checksum + 1", "cursor of /data/x"),
        ("UPDATE places SET position = 8", "place of replay id"),
        ("UPDATE gaps SET reason = 'lust'", "gap declared at position 3"),
        ("UPDATE gaps SET declared_at = 6", "gap declared at position 3"),
        ("UPDATE gaps SET topic = reason, reason = topic", "gap declared at position 3"),
        ("UPDATE state SET value = x'010204'", "state counter"),
        ("UPDATE state SET value = x''", "state counter"),
    ])
    func damageBesideTheLogIsNamed(_ damage: String, named: String) async throws {
        let whole = try await store("")
        try await Self.readBesideTheLog(whole)
        _ = try await whole.verify()
        try await whole.close()

        let store = try await store(damage)
        await #expect { try await Self.readBesideTheLog(store) } throws: { error in
            guard let error = error as? StoreError else { return false }
            return error.code == .corrupt && error.message.contains(named)
        }
        await #expect { try await store.verify() } throws: { ($0 as? StoreError)?.code == .corrupt }
        try await store.close()
    }

    private static func readBesideTheLog(_ store: SQLiteStore) async throws {
        try await store.read { (reader: any StoreReader) throws in
            #expect(try reader.schemaJSON(SchemaID("kept")) == #"{"type":"int"}"#)
            #expect(try reader.cursor(topic: "/data/x") == ReplayID(bytes: [7, 7]))
            #expect(
                try reader.place(of: ReplayID(bytes: [7, 7]), topic: "/data/x") == .after(Position(rawValue: 9)))
            let all = Position(rawValue: 0)...Position(rawValue: 9)
            #expect(try reader.gaps(in: all).map(\.reason) == ["lost"])
            #expect(try reader.state("counter") == [1, 2, 3])
        }
    }

    /// Two rows with swapped contents have valid bytes, but the checksum knows its position.
    @Test func swappedEventsAreNoticed() async throws {
        let store = try await store(
            """
            UPDATE log SET position = 100 WHERE position = 5; UPDATE log SET position = 5 WHERE position = 6;
            UPDATE log SET position = 6 WHERE position = 100
            """)
        await #expect { try await store.everything() } throws: {
            ($0 as? StoreError)?.position == Position(rawValue: 5)
        }
        try await store.close()
    }

    @Test(arguments: [
        "UPDATE records SET image = substr(image, 1, 20)", "UPDATE records SET is_deleted = 1",
        "UPDATE records SET commit_timestamp = 0", "UPDATE records SET checksum = 0",
    ])
    func damagedRecordIsNamed(_ damage: String) async throws {
        let store = try await store(damage)
        await #expect { _ = try await store.read { try $0.record(entity: "Case", id: .test("500", 1)) } } throws: {
            error in
            guard let error = error as? StoreError else { return false }
            return error.code == .corrupt && error.message.contains(RecordID.test("500", 1).string)
        }
        try await store.close()
    }

    @Test(arguments: ["DELETE FROM log WHERE position = 9", "DELETE FROM log WHERE position = 1", "DELETE FROM log"])
    func lostEndOfTheLogIsNoticedAtOpening(_ damage: String) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("s.sqlite")
        let first = try SQLiteStore(path: path)
        try await first.append(1...9)
        try await first.pool.write { try $0.execute(sql: damage) }
        await #expect { try await first.everything() } throws: { ($0 as? StoreError)?.code == .corrupt }
        try await first.close()
        #expect { try SQLiteStore(path: path) } throws: { ($0 as? StoreError)?.code == .corrupt }
    }
}
