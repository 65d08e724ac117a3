import ChangeEvents
import Store
import TestSupport
import Testing

extension FormerVersion {
    static func test(_ number: Int, from: Int64 = 1_000, until: Int64 = 2_000) -> FormerVersion {
        FormerVersion(
            id: .test("500", number), validFrom: from, validTo: until, isDeleted: false, isComplete: true,
            change: "UPDATE", commitUser: "005000000000001AAA", position: Position(rawValue: 7),
            changes: #"{"Status": {"new": "Closed é", "old": "New"}}"#, record: #"{"Status": "New", "Size__c": 1.5}"#)
    }
}

extension StoreCheck {
    static let historyChecks: [StoreCheck] = [
        StoreCheck(name: "versions come back, newest first, of one record") { store in
            var bare = FormerVersion.test(1, from: 2_000, until: 3_500)
            (bare.isDeleted, bare.isComplete, bare.commitUser, bare.position) = (true, false, nil, nil)
            (bare.change, bare.changes) = (FormerVersion.gone, "{}")
            let versions = [FormerVersion.test(1), .test(2), bare]
            try await store.write { writer in
                try writer.defineHistory(entity: "Case")
                try writer.keep(versions, entity: "Case")
                // It is there already, and what it has stays.
                try writer.defineHistory(entity: "Case")
            }
            let (found, newest, none) = try await store.read { reader in
                (
                    try reader.history(entity: "Case", id: .test("500", 1), limit: 10),
                    try reader.history(entity: "Case", id: .test("500", 1), limit: 1),
                    try reader.history(entity: "Case", id: .test("500", 3), limit: 10)
                )
            }
            #expect(found.map { $0.plain } == [bare.plain, versions[0].plain])
            #expect(newest.map { $0.plain } == [bare.plain])
            #expect(none.isEmpty)
            #expect(found.last?.changes.contains("Closed é") ?? false)
            #expect(found.last?.record.contains("1.5") ?? false)
        },
        StoreCheck(name: "objects have histories of their own; a transaction that fails leaves none") { store in
            let name = "A_name_of_forty_characters_as_many_as_go__c"
            try await store.write { writer in
                for entity in ["Case", name] { try writer.defineHistory(entity: entity) }
                try writer.keep([.test(1)], entity: name)
            }
            await #expect(throws: Deliberate.self) {
                try await store.write { writer in
                    try writer.keep([.test(1)], entity: "Case")
                    throw Deliberate()
                }
            }
            let counts = try await store.read { reader in
                try ["Case", name].map { try reader.history(entity: $0, id: .test("500", 1), limit: 10).count }
            }
            #expect(counts == [0, 1])
            await #expect(throws: StoreError.self) {
                try await store.write { try $0.defineHistory(entity: "Case; DROP TABLE log") }
            }
        },
        StoreCheck(name: "versions that ended before a time are dropped") { store in
            try await store.write { writer in
                try writer.defineHistory(entity: "Case")
                try writer.keep((1...5).map { .test($0, until: Int64($0) * 1_000) }, entity: "Case")
            }
            #expect(try await store.write { try $0.trimHistory(entity: "Case", endedBefore: 3_000) } == 2)
            #expect(try await store.write { try $0.trimHistory(entity: "Case", endedBefore: 3_000) } == 0)
            let left = try await store.read { reader in
                try (1...5).filter { try !reader.history(entity: "Case", id: .test("500", $0), limit: 1).isEmpty }
            }
            #expect(left == [3, 4, 5])
        },
        StoreCheck(name: "versions of a record do not overlap") { store in
            try await store.write { writer in
                try writer.defineHistory(entity: "Case")
                // The second is of a change from before the reading that ended the first.
                try writer.keep(
                    [.test(1, from: 1_000, until: 5_000), .test(1, from: 2_000, until: 3_000)], entity: "Case")
                try writer.keep([.test(1, from: 4_000, until: 9_000), .test(2, from: 500, until: 700)], entity: "Case")
            }
            let (one, other) = try await store.read { reader in
                (
                    try reader.history(entity: "Case", id: .test("500", 1), limit: 10),
                    try reader.history(entity: "Case", id: .test("500", 2), limit: 10)
                )
            }
            #expect(
                one.reversed().map { [$0.validFrom, $0.validTo] } == [
                    [1_000, 5_000], [5_000, 5_000], [5_000, 9_000],
                ])
            #expect(other.map { [$0.validFrom, $0.validTo] } == [[500, 700]])
        },
        StoreCheck(name: "times that no calendar has are brought into it") { store in
            let odd = FormerVersion.test(1, from: .min, until: .max)
            try await store.write { writer in
                try writer.defineHistory(entity: "Case")
                try writer.keep([odd], entity: "Case")
            }
            let found = try await store.read { try $0.history(entity: "Case", id: .test("500", 1), limit: 1) }
            #expect(found.first?.validFrom == 0 && found.first?.validTo == 253_402_300_799_999)
        },
    ]
}

extension FormerVersion {
    /// PostgreSQL lays JSON out anew.
    fileprivate var plain: FormerVersion {
        var plain = self
        plain.changes = plain.changes == "{}" ? "{}" : "{…}"
        plain.record = "{…}"
        return plain
    }
}
