import ChangeEvents
import NIOCore
import Store
import TestSupport
import Testing

extension StoreCheck {
    static let logChecks: [StoreCheck] = [
        StoreCheck(name: "a new log is empty and begins at the start") { store in
            let (head, oldest) = try await store.read { (try $0.head(), try $0.oldest()) }
            #expect(head == .start)
            #expect(oldest == nil)
            #expect(try await store.everything().isEmpty)
        },
        StoreCheck(name: "events come back exactly, with positions from 1 without a hole") { store in
            let events = [
                NewEvent.test(1),
                NewEvent(
                    event: ReceivedEvent(
                        topic: "/event/Low_Ink__e", replayID: ReplayID(bytes: [1, 2, 3]), eventID: "",
                        schemaID: SchemaID(""),
                        payload: ByteBuffer()),
                    eventName: "", routing: nil, transitions: [], receivedAt: -5),
                NewEvent(
                    event: .test(counter: .max), eventName: "Ünicode\u{0}__e",
                    routing: EventRouting(
                        header: ChangeEventHeader(
                            entityName: "", recordIDs: ["001*", ""], changeType: .gapOverflow, changeOrigin: "o",
                            transactionKey: "",
                            sequenceNumber: .min, commitTimestamp: .min, commitNumber: .max, commitUser: "u",
                            nulledFields: ["0x01"], diffFields: ["0x02", "6-0x03"], changedFields: []),
                        changedFields: ["A.B"]),
                    transitions: [
                        RecordTransition(id: .test("001", 1), before: nil, after: nil),
                        RecordTransition(
                            id: .test("001", 2),
                            before: RecordImage(entity: "Account", id: .test("001", 2), fields: [:], isComplete: false),
                            after: nil),
                    ], receivedAt: .max),
            ]
            let logged = try await store.write { writer in try events.map { try writer.append($0) } }
            #expect(logged.map(\.position.rawValue) == [1, 2, 3])
            let expected = zip(1..., events).map { LoggedEvent(position: Position(rawValue: $0), content: $1).parts }
            #expect(try await store.everything().map(\.parts) == expected)
            #expect(try await store.read { try $0.head() } == Position(rawValue: 3))
            #expect(try await store.read { try $0.oldest() } == Position(rawValue: 1))
        },
        StoreCheck(name: "a read stops at its limit and at its bytes, but gives at least one event") { store in
            try await store.write { writer in
                for number in 1...10 { _ = try writer.append(.test(number, payloadBytes: 1_000)) }
            }
            func positions(after: Int64, limit: Int, bytesMax: Int) async throws -> [Int64] {
                try await store.read {
                    try $0.events(after: Position(rawValue: after), selection: .all, limit: limit, bytesMax: bytesMax)
                        .map(\.position.rawValue)
                }
            }
            #expect(try await positions(after: 0, limit: 3, bytesMax: .max) == [1, 2, 3])
            #expect(try await positions(after: 8, limit: 3, bytesMax: .max) == [9, 10])
            #expect(try await positions(after: 10, limit: 3, bytesMax: .max) == [])
            #expect(try await positions(after: 11, limit: 3, bytesMax: .max) == [])
            #expect(try await positions(after: 0, limit: 0, bytesMax: .max) == [])
            #expect(try await positions(after: 4, limit: 9, bytesMax: 0) == [5])
            let some = try await positions(after: 0, limit: 10, bytesMax: 4_000)
            #expect((2...3).contains(some.count))
        },
        StoreCheck(name: "a selection by topic or event name gives those events only, in order") { store in
            try await store.write { writer in
                for number in 1...30 {
                    _ = try writer.append(.test(number, topic: "/data/T\(number % 3)", eventName: "E\(number % 5)"))
                }
            }
            func numbers(_ selection: EventSelection, after: Int64 = 0) async throws -> [Int64] {
                try await store.read {
                    try $0.events(after: Position(rawValue: after), selection: selection, limit: 100, bytesMax: .max)
                        .map(\.position.rawValue)
                }
            }
            #expect(try await numbers(.topics(["/data/T1"])) == (1...30).filter { $0 % 3 == 1 })
            #expect(try await numbers(.topics(["/data/T1", "/data/T2"]), after: 9) == (10...30).filter { $0 % 3 != 0 })
            #expect(try await numbers(.eventNames(["E4"]), after: 4) == (5...30).filter { $0 % 5 == 4 })
            #expect(
                try await numbers(.eventNames(["E4", "E0", "nobody"])) == (1...30).filter { $0 % 5 == 4 || $0 % 5 == 0 }
            )
            #expect(try await numbers(.topics([])) == [])
            #expect(try await numbers(.eventNames([])) == [])
            #expect(try await numbers(.topics(["/data/t1"])) == [])
        },
        StoreCheck(name: "a transaction whose body throws has not happened, and its positions are given again") {
            store in
            try await store.append(1...2)
            await #expect(throws: Deliberate()) {
                try await store.write { writer in
                    _ = try writer.append(.test(3))
                    try writer.put(.test(1))
                    try writer.setCursor(topic: "t", to: ReplayID(counter: 3))
                    try writer.setState("k", to: [1])
                    try writer.declare(Gap(topic: "t", position: .start, reason: "r", declaredAt: 1))
                    try writer.saveSchema(SchemaID("s"), json: "{}")
                    throw Deliberate()
                }
            }
            let nothing = try await store.read { reader in
                try reader.head() == Position(rawValue: 2) && reader.record(entity: "Case", id: .test("500", 1)) == nil
                    && reader.cursor(topic: "t") == nil && reader.state("k") == nil
                    && reader.gaps(in: Position.start...Position(rawValue: .max)).isEmpty
                    && reader.schemaJSON(SchemaID("s")) == nil
                    && reader.place(of: ReplayID(counter: 3), topic: nil) == .unknown
            }
            #expect(nothing)
            let next = try await store.write { try $0.append(.test(4)).position }
            #expect(next == Position(rawValue: 3))
        },
        StoreCheck(name: "a transaction sees what it has written itself") { store in
            let seen = try await store.write { writer in
                _ = try writer.append(.test(1))
                try writer.put(.test(1))
                try writer.setCursor(topic: "t", to: ReplayID(counter: 1))
                return (
                    try writer.head(), try writer.oldest(),
                    try writer.events(after: .start, selection: .all, limit: 10, bytesMax: .max).count,
                    try writer.record(entity: "Case", id: .test("500", 1)), try writer.cursor(topic: "t")
                )
            }
            #expect(seen.0 == Position(rawValue: 1))
            #expect(seen.1 == Position(rawValue: 1))
            #expect(seen.2 == 1)
            #expect(seen.3 == .test(1))
            #expect(seen.4 == ReplayID(counter: 1))
        },
        StoreCheck(name: "concurrent writers: every event once, in one order") { store in
            try await withThrowingTaskGroup { group in
                for writer in 0..<8 {
                    group.addTask { for number in 0..<25 { try await store.append([writer * 100 + number + 1]) } }
                }
                try await group.waitForAll()
            }
            let events = try await store.everything()
            #expect(events.map(\.position.rawValue) == Array(1...200))
            #expect(Set(events.map(\.content.event.replayID)).count == 200)
        },
        StoreCheck(name: "after closing, every call says that the store is closed") { store in
            try await store.append([1])
            try await store.close()
            try await store.close()
            await #expect { try await store.append([2]) } throws: { ($0 as? StoreError)?.code == .closed }
            await #expect { try await store.everything() } throws: { ($0 as? StoreError)?.code == .closed }
        },
        StoreCheck(name: "a cancelled task does not begin a transaction") { store in
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                try await store.append([1])
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            let events = try await store.everything()
            #expect(events.isEmpty)
        },
    ]
}
