import ChangeEvents
import Store
import TestSupport
import Testing

extension EventStore {
    /// Trims until nothing more goes; answers how many went.
    func trimAll(olderThan: Int64? = nil, bytesMax: Int? = nil) async throws -> Int {
        var total = 0
        while true {
            let dropped = try await write { try $0.trim(olderThan: olderThan, bytesMax: bytesMax) }
            if dropped == 0 { return total }
            total += dropped
        }
    }
}

extension StoreCheck {
    static let retentionChecks: [StoreCheck] = [
        StoreCheck(name: "trimming by age drops what was received before, and only that") { store in
            try await store.write { writer in
                for number in 1...10 { _ = try writer.append(.test(number, receivedAt: Int64(number) * 100)) }
            }
            #expect(try await store.trimAll(olderThan: 100) == 0)
            #expect(try await store.trimAll(olderThan: 101) == 1)
            #expect(try await store.trimAll(olderThan: 400) == 2)
            #expect(try await store.read { try $0.oldest() } == Position(rawValue: 4))
            #expect(try await store.everything().map(\.position.rawValue) == Array(4...10))
        },
        StoreCheck(name: "an old event behind a newer one waits for it") { store in
            try await store.write { writer in
                for (number, time) in [(1, 100), (2, 300), (3, 50)] {
                    _ = try writer.append(.test(number, receivedAt: Int64(time)))
                }
            }
            #expect(try await store.trimAll(olderThan: 200) == 1)
            #expect(try await store.trimAll(olderThan: 301) == 2)
        },
        StoreCheck(name: "trimming by size keeps the newest events that fit") { store in
            try await store.write { writer in
                for number in 1...100 { _ = try writer.append(.test(number, payloadBytes: 1_000)) }
            }
            let dropped = try await store.trimAll(bytesMax: 50_000)
            let events = try await store.everything()
            #expect(dropped + events.count == 100)
            #expect((30..<50).contains(events.count))
            #expect(events.last?.position == Position(rawValue: 100))
            #expect(try await store.trimAll(bytesMax: 50_000) == 0)
            #expect(try await store.trimAll(bytesMax: 0) == events.count)
        },
        StoreCheck(name: "an emptied log keeps its head: no position is ever given twice") { store in
            try await store.append(1...3)
            #expect(try await store.trimAll(olderThan: .max) == 3)
            let (head, oldest) = try await store.read { (try $0.head(), try $0.oldest()) }
            #expect(head == Position(rawValue: 3))
            #expect(oldest == nil)
            #expect(try await store.everything().isEmpty)
            #expect(try await store.write { try $0.append(.test(4)).position } == Position(rawValue: 4))
        },
        StoreCheck(name: "places before the oldest event are unknown; the one exactly before it is known") { store in
            try await store.write { writer in
                for number in 1...10 {
                    _ = try writer.append(.test(number, receivedAt: Int64(number)))
                    try writer.setCursor(topic: "/data/K", to: ReplayID(counter: UInt64(number + 1_000)))
                }
                try writer.declare(Gap(topic: "t", position: Position(rawValue: 3), reason: "old", declaredAt: 1))
            }
            #expect(try await store.trimAll(olderThan: 6) == 5)
            func place(_ counter: UInt64) async throws -> ReplayPlace {
                try await store.read { try $0.place(of: ReplayID(counter: counter), topic: nil) }
            }
            #expect(try await place(4) == .unknown)
            #expect(try await place(5) == .after(Position(rawValue: 5)))
            #expect(try await place(6) == .after(Position(rawValue: 6)))
            #expect(try await place(1_004) == .unknown)
            #expect(try await place(1_005) == .after(Position(rawValue: 5)))
            #expect(try await place(1_010) == .after(Position(rawValue: 10)))
            #expect(try await store.read { try $0.gaps(in: Position.start...Position(rawValue: .max)) }.isEmpty)
        },
    ]
}
