import ChangeEvents
import Store
import TestSupport
import Testing

extension StoreCheck {
    static let recordChecks: [StoreCheck] = [
        StoreCheck(name: "records are put, replaced, listed by id and removed") { store in
            try await store.write { writer in
                for number in [3, 1, 2] { try writer.put(.test(number)) }
                try writer.put(.test(9, entity: "Task"))
            }
            var changed = StoredRecord.test(2, status: "Closed")
            changed.isDeleted = true
            changed.needsRefetch = true
            changed.commitTimestamp = .max
            let replacement = changed
            try await store.write { writer in
                try writer.put(replacement)
                try writer.remove(entity: "Case", id: .test("500", 3))
                try writer.remove(entity: "Case", id: .test("500", 8))
            }
            let all = try await store.read { try $0.records(entity: "Case", after: nil, limit: 10) }
            #expect(all == [.test(1), replacement])
            let rest = try await store.read { try $0.records(entity: "Case", after: .test("500", 1), limit: 10) }
            #expect(rest == [replacement])
            #expect(try await store.read { try $0.records(entity: "Case", after: nil, limit: 1) } == [.test(1)])
            #expect(
                try await store.read { try $0.record(entity: "Task", id: .test("500", 9)) } == .test(9, entity: "Task"))
            #expect(try await store.read { try $0.record(entity: "case", id: .test("500", 1)) } == nil)
        },
        StoreCheck(name: "ids that differ in case only are different records") { store in
            let upper = try #require(RecordID("5000000000000aA"))
            let lower = try #require(RecordID("5000000000000aa"))
            @Sendable func record(_ id: RecordID) -> StoredRecord {
                StoredRecord(
                    image: RecordImage(
                        entity: "Case", id: id, fields: ["Id15": .string(String(id.short))], isComplete: true),
                    isDeleted: false, commitTimestamp: 0, needsRefetch: false)
            }
            try await store.write { writer in
                try writer.put(record(upper))
                try writer.put(record(lower))
            }
            let both = try await store.read {
                (try $0.record(entity: "Case", id: upper), try $0.record(entity: "Case", id: lower))
            }
            #expect(both.0 == record(upper))
            #expect(both.1 == record(lower))
        },
        StoreCheck(name: "a whole object is marked for refetch, other objects are not") { store in
            try await store.write { writer in
                for number in 1...3 { try writer.put(.test(number)) }
                try writer.put(.test(4, entity: "Task"))
            }
            let counts = try await store.write {
                (
                    try $0.markForRefetch(entity: "Case"), try $0.markForRefetch(entity: "Case"),
                    try $0.markForRefetch(entity: "None")
                )
            }
            #expect(counts == (3, 0, 0))
            let marks = try await store.read {
                try $0.records(entity: "Case", after: nil, limit: 10).map(\.needsRefetch)
                    + $0.records(entity: "Task", after: nil, limit: 10).map(\.needsRefetch)
            }
            #expect(marks == [true, true, true, false])
        },
        StoreCheck(name: "what is to be refetched is told in pages by id, and no longer when it has been") { store in
            try await store.write { writer in
                for number in 1...5 { try writer.put(.test(number)) }
                try writer.put(.test(6, entity: "Task"))
                _ = try writer.markForRefetch(entity: "Case")
                _ = try writer.markForRefetch(entity: "Task")
                try writer.put(.test(2))
                try writer.remove(entity: "Case", id: .test("500", 4))
            }
            @Sendable func due(_ entity: String, after: Int? = nil, limit: Int = 10) async throws -> [RecordID] {
                try await store.read { reader in
                    try reader.recordsToRefetch(entity: entity, after: after.map { .test("500", $0) }, limit: limit)
                        .map { record in
                            #expect(record.needsRefetch)
                            return record.image.id
                        }
                }
            }
            #expect(try await due("Case") == [1, 3, 5].map { .test("500", $0) })
            #expect(try await due("Case", limit: 2) == [1, 3].map { .test("500", $0) })
            #expect(try await due("Case", after: 3, limit: 2) == [.test("500", 5)])
            #expect(try await due("Case", limit: 0).isEmpty)
            #expect(try await due("Task").count == 1)
            #expect(try await due("None").isEmpty)
            try await store.write { writer in
                for number in [1, 3, 5] { try writer.put(.test(number)) }
            }
            #expect(try await due("Case").isEmpty)
        },
        StoreCheck(name: "schemas and state are kept, replaced and removed") { store in
            try await store.write { writer in
                try writer.saveSchema(SchemaID("one"), json: #"{"a":"ä"}"#)
                try writer.saveSchema(SchemaID("one"), json: #"{"a":"ä","doc":"new"}"#)
                try writer.setState("a", to: [1, 2])
                try writer.setState("a", to: [3])
                try writer.setState("empty", to: [])
                try writer.setState("gone", to: [1])
                try writer.setState("gone", to: nil)
            }
            let found = try await store.read { reader in
                (
                    try reader.schemaJSON(SchemaID("one")), try reader.schemaJSON(SchemaID("two")),
                    try reader.state("a"),
                    try reader.state("empty"), try reader.state("gone")
                )
            }
            #expect(found.0 == #"{"a":"ä","doc":"new"}"#)
            #expect(found.1 == nil)
            #expect(found.2 == [3])
            #expect(found.3 == [])
            #expect(found.4 == nil)
        },
    ]
}
