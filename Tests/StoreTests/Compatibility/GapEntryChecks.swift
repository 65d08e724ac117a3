import ChangeEvents
import Store
import TestSupport
import Testing

extension GapEntry {
    /// Every field has a value.
    static func test(
        _ number: Int64, entity: String? = "Case", mend: Mend = .refetch, records: [RecordID] = [.test("500", 1)]
    ) -> GapEntry {
        GapEntry(
            topic: "/data/CaseChangeEvent", entity: entity, reason: "GAP_UPDATE", scope: .records,
            position: Position(rawValue: number), replayID: ReplayID(counter: UInt64(number)),
            missed: (number * 10, number * 10 + 1), records: records, mend: mend, declaredAt: number * 100)
    }
}

extension StoreCheck {
    static let gapEntryChecks: [StoreCheck] = [
        StoreCheck(name: "entries of the table of gaps come back exactly, newest first, with increasing numbers") {
            store in
            let many = (1...250).map { RecordID.test("500", $0) }
            let odd = GapEntry(
                topic: "", entity: nil, reason: "Ünicode\u{0} 'quoted'", scope: .topic, position: .start, replayID: nil,
                missed: (nil, nil), records: [], mend: .nobody, declaredAt: .min)
            let entered = try await store.write { writer in
                [
                    try writer.enter(.test(1)), try writer.enter(.test(2, records: many)),
                    try writer.enter(odd),
                ]
            }
            #expect(entered.map(\.id) == entered.map(\.id).sorted() && Set(entered.map(\.id)).count == 3)
            var numbered = odd
            numbered.id = entered[2].id
            #expect(entered[2] == numbered)
            #expect(entered[1].recordCount == 250 && entered[1].recordIDs.count == GapEntry.recordIDsMax)
            let (all, limited, one, none) = try await store.read { reader in
                (
                    try reader.gapEntries(.all, limit: 10), try reader.gapEntries(.all, limit: 2),
                    try reader.gapEntry(entered[0].id), try reader.gapEntry(99)
                )
            }
            #expect(all == entered.reversed())
            #expect(limited == all.prefix(2).map { $0 })
            #expect(one == entered[0])
            #expect(none == nil)
        },
        StoreCheck(name: "an entry is open until it is mended; nobody's is never") { store in
            let ids = try await store.write { writer in
                try [.test(1), .test(2), .test(3, mend: .nobody)].map { try writer.enter($0).id }
            }
            try await store.write { writer in
                var entry = try #require(try writer.gapEntry(ids[0]))
                entry.mendedAt = 7
                entry.mend = .snapshot
                entry.snapshots = [3, 12]
                try writer.change(entry)
                #expect(try writer.gapEntry(ids[0]) == entry)
            }
            let (open, closed, count) = try await store.read { reader in
                (
                    try reader.gapEntries(.open, limit: 10).map(\.id),
                    try reader.gapEntries(.closed, limit: 10).map(\.id),
                    try reader.openGapCount()
                )
            }
            #expect(open == [ids[1]] && count == 1)
            #expect(closed == [ids[2], ids[0]])
        },
        StoreCheck(name: "an entry is settled with the last record that was in doubt by it") { store in
            let (first, second) = try await store.write { writer in
                let first = try writer.enter(.test(1)).id
                let second = try writer.enter(.test(2)).id
                try writer.doubt(first, entity: "Case", ids: [.test("500", 1), .test("500", 2)])
                try writer.doubt(second, entity: "Case", ids: [.test("500", 2), .test("500", 2)])
                return (first, second)
            }
            let (doubts, entities) = try await store.read {
                (try $0.doubts(entity: "Case", id: .test("500", 2)), try $0.doubtfulEntities())
            }
            #expect(doubts == [first, second] && entities == ["Case"])
            func settle(_ entity: String, _ ids: [RecordID]) async throws -> [Int64] {
                try await store.write { try $0.settle(entity: entity, ids: ids) }
            }
            #expect(try await settle("Case", []) == [])
            #expect(try await settle("Case", [.test("500", 3)]) == [])
            #expect(try await settle("Account", [.test("500", 2)]) == [])
            #expect(try await settle("Case", [.test("500", 2), .test("500", 3)]) == [second])
            #expect(try await settle("Case", [.test("500", 2)]) == [])
            #expect(try await settle("Case", [.test("500", 1)]) == [first])
            #expect(try await store.read { try $0.doubtfulEntities() }.isEmpty)
        },
        StoreCheck(name: "an object in doubt as a whole is settled entry by entry, object by object") { store in
            let (first, second) = try await store.write { writer in
                let first = try writer.enter(.test(1, entity: nil)).id
                let second = try writer.enter(.test(2)).id
                for entity in ["Case", "Account"] { try writer.doubt(first, entity: entity, ids: nil) }
                try writer.doubt(second, entity: "Case", ids: nil)
                try writer.doubt(second, entity: "Case", ids: [.test("500", 1)])
                return (first, second)
            }
            let (whole, one) = try await store.read {
                (try $0.doubts(entity: "Case", id: nil), try $0.doubts(entity: "Case", id: .test("500", 1)))
            }
            #expect(whole == [first, second] && one == [second])
            #expect(try await store.write { try $0.settle(entity: "Case", entry: first) } == false)
            #expect(try await store.write { try $0.settle(entity: "Account", entry: first) } == true)
            #expect(try await store.write { try $0.settle(entity: "Case", entry: second) } == false)
            // All that is left of the object.
            #expect(try await store.write { try $0.settle(entity: "Case", ids: nil) } == [second])
        },
        StoreCheck(name: "closed entries go by age and by number, open ones stay") { store in
            try await store.write { writer in
                for number in 1...10 {
                    _ = try writer.enter(.test(Int64(number), mend: number % 2 == 0 ? .nobody : .refetch))
                }
            }
            func left() async throws -> [Int64] {
                try await store.read { try $0.gapEntries(.all, limit: 20).map(\.declaredAt) }
            }
            try await store.write { try $0.trimGapEntries(declaredBefore: 400, closedMax: 100) }
            #expect(try await left() == [1000, 900, 800, 700, 600, 500, 400, 300, 100])
            try await store.write { try $0.trimGapEntries(declaredBefore: 0, closedMax: 4) }
            #expect(try await left() == [1000, 900, 800, 700, 600, 500, 400, 300, 100])
            try await store.write { try $0.trimGapEntries(declaredBefore: 0, closedMax: 3) }
            #expect(try await left() == [1000, 900, 800, 700, 600, 500, 300, 100])
            // The number of one that has gone is not given again.
            let last = try await store.write { writer in
                let last = try writer.enter(.test(11, mend: .nobody)).id
                try writer.trimGapEntries(declaredBefore: .max, closedMax: 0)
                return (last, try writer.enter(.test(12)).id)
            }
            #expect(last.1 > last.0)
        },
        StoreCheck(name: "a part that is undone takes its entries and doubts with it") { store in
            try await store.write { writer in
                let entry = try writer.enter(.test(1))
                _ = try writer.part {
                    _ = try writer.enter(.test(2))
                    try writer.doubt(entry.id, entity: "Case", ids: nil)
                    throw Deliberate()
                }
            }
            let (count, entities) = try await store.read { (try $0.openGapCount(), try $0.doubtfulEntities()) }
            #expect(count == 1 && entities.isEmpty)
        },
    ]
}
