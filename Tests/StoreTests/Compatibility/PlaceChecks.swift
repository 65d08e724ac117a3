import ChangeEvents
import Store
import TestSupport
import Testing

extension StoreCheck {
    static let placeChecks: [StoreCheck] = [
        StoreCheck(name: "the place of an event is after it, with and without its topic, in both forms of a counter") {
            store in
            try await store.append(1...5)
            func place(_ id: ReplayID, _ topic: String?) async throws -> ReplayPlace {
                try await store.read { try $0.place(of: id, topic: topic) }
            }
            let short = ReplayID(bytes: ReplayID(counter: 3).bytes.prefix(8))
            #expect(try await place(ReplayID(counter: 3), nil) == .after(Position(rawValue: 3)))
            #expect(try await place(ReplayID(counter: 3), "/data/CaseChangeEvent") == .after(Position(rawValue: 3)))
            #expect(try await place(short, nil) == .after(Position(rawValue: 3)))
            #expect(try await place(short, "/data/AccountChangeEvent") == .unknown)
            #expect(try await place(ReplayID(counter: 6), nil) == .unknown)
            #expect(try await place(ReplayID(bytes: []), nil) == .unknown)
            #expect(try await place(ReplayID(bytes: ReplayID(counter: 3).bytes + [0]), nil) == .unknown)
            #expect(try await place(ReplayID(bytes: ReplayID(counter: 3).bytes.prefix(8) + [0, 1]), nil) == .unknown)
        },
        StoreCheck(
            name: "a keepalive's replay id is a place where the head was, also after later events and when repeated"
        ) { store in
            try await store.append(1...2)
            let keepalive = ReplayID(counter: 77)
            try await store.write { try $0.setCursor(topic: "/data/A", to: keepalive) }
            try await store.append(3...4)
            try await store.write { try $0.setCursor(topic: "/data/A", to: keepalive) }
            let (place, other, cursor) = try await store.read {
                (
                    try $0.place(of: keepalive, topic: "/data/A"), try $0.place(of: keepalive, topic: "/data/B"),
                    try $0.cursor(topic: "/data/A")
                )
            }
            #expect(place == .after(Position(rawValue: 2)))
            #expect(other == .unknown)
            #expect(cursor == keepalive)
        },
        StoreCheck(name: "a cursor keeps its bytes as they came, and each topic has its own") { store in
            let short = ReplayID(bytes: ReplayID(counter: 9).bytes.prefix(8))
            try await store.write { writer in
                try writer.setCursor(topic: "/data/A", to: ReplayID(counter: 9))
                try writer.setCursor(topic: "/data/B", to: short)
            }
            let cursors = try await store.read { try ["/data/A", "/data/B", "/data/C"].map($0.cursor(topic:)) }
            #expect(cursors == [ReplayID(counter: 9), short, nil])
        },
        StoreCheck(name: "events of one transaction that share a replay id are one place, before the second of them") {
            store in
            @Sendable func split(_ number: Int, transaction: String) -> NewEvent {
                var event = NewEvent.test(number)
                event.event.replayID = ReplayID(counter: 500)
                event.routing?.header.transactionKey = transaction
                return event
            }
            try await store.write { writer in
                _ = try writer.append(split(1, transaction: "old"))
                _ = try writer.append(.test(2))
                for number in 3...5 { _ = try writer.append(split(number, transaction: "new")) }
                _ = try writer.append(.test(6))
            }
            let (place, same) = try await store.read {
                (
                    try $0.place(of: ReplayID(counter: 500), topic: nil),
                    try $0.events(
                        withReplayIDs: [
                            ReplayID(bytes: ReplayID(counter: 500).bytes.prefix(8)), ReplayID(counter: 499),
                        ],
                        topic: "/data/CaseChangeEvent")
                )
            }
            #expect(place == .after(Position(rawValue: 3)))
            #expect(same.map(\.position.rawValue) == [1, 3, 4, 5])
        },
        StoreCheck(name: "gaps are told to readers that have not passed them") { store in
            try await store.append(1...4)
            let gaps = [
                Gap(topic: "/data/A", position: .start, reason: "expired", declaredAt: 1),
                Gap(topic: "/data/A", position: Position(rawValue: 2), reason: "overflow", declaredAt: 2),
                Gap(topic: "/data/B", position: Position(rawValue: 4), reason: "upstream", declaredAt: 3),
                Gap(topic: "/data/C", position: Position(rawValue: 4), reason: "upstream", declaredAt: 3, ordinal: 1),
            ]
            let declared = try await store.write { writer in
                try gaps.map {
                    try writer.declare(
                        Gap(topic: $0.topic, position: $0.position, reason: $0.reason, declaredAt: $0.declaredAt))
                }
            }
            #expect(declared == gaps)
            let found = try await store.read { reader in
                try (0...5).map { try reader.gaps(in: Position(rawValue: $0)...Position(rawValue: .max)).map(\.reason) }
            }
            #expect(try await store.read { try $0.gaps(in: Position.start...Position(rawValue: .max)) } == gaps)
            #expect(
                found == [
                    ["expired", "overflow", "upstream", "upstream"], ["overflow", "upstream", "upstream"],
                    ["overflow", "upstream", "upstream"], ["upstream", "upstream"], ["upstream", "upstream"], [],
                ])
        },
    ]
}
