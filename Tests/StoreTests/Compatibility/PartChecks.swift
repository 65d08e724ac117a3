import ChangeEvents
import Store
import TestSupport
import Testing

extension StoreCheck {
    /// Parts of a transaction that are undone by themselves.
    static let partChecks: [StoreCheck] = [
        StoreCheck(name: "a part that throws is undone, whatever it wrote, and the transaction goes on") { store in
            try await store.write { writer in
                try writer.define(.testCase)
                try writer.put(.test(1, status: "before"))
                try writer.setState("key", to: [1])
            }
            let answer = try await store.write { writer -> Result<Int, any Error> in
                _ = try writer.append(.test(1))
                let answer: Result<Int, any Error> = try writer.part {
                    _ = try writer.append(.test(2))
                    try writer.put(.test(1, status: "part"))
                    try writer.put(.test(2))
                    try writer.setState("key", to: [2])
                    try writer.setCursor(topic: "/data/X", to: ReplayID(counter: 7))
                    try writer.define(.testTask)
                    try writer.undefine(entity: "Case")
                    throw Deliberate()
                }
                _ = try writer.append(.test(3))
                try writer.put(.test(3))
                return answer
            }
            #expect(throws: Deliberate.self) { try answer.get() }
            #expect(
                try await store.everything().map { $0.content.event.replayID } == [1, 3].map(ReplayID.init(counter:)))
            let found = try await store.read { reader in
                (
                    try (1...3).map { try reader.record(entity: "Case", id: .test("500", $0)) },
                    try reader.state("key"), try reader.cursor(topic: "/data/X"), try reader.objectTable("Task"),
                    try reader.objectTable("Case")
                )
            }
            #expect(found.0 == [.test(1, status: "before"), nil, .test(3)])
            #expect(found.1 == [1])
            #expect(found.2 == nil)
            #expect(found.3 == nil)
            #expect(found.4 == .testCase)
        },
        StoreCheck(name: "a part that goes well stays, and its value is the answer") { store in
            let answer = try await store.write { writer in
                try writer.part { try writer.append(.test(1)).position }
            }
            #expect(try answer.get() == Position(rawValue: 1))
            #expect(try await store.everything().count == 1)
        },
        StoreCheck(name: "parts within parts are undone each by itself") { store in
            try await store.write { writer in
                let outer: Result<Void, any Error> = try writer.part {
                    _ = try writer.append(.test(1))
                    let inner: Result<Void, any Error> = try writer.part {
                        _ = try writer.append(.test(2))
                        throw Deliberate()
                    }
                    #expect(throws: Deliberate.self) { try inner.get() }
                    _ = try writer.append(.test(3))
                }
                try outer.get()
            }
            #expect(
                try await store.everything().map { $0.content.event.replayID } == [1, 3].map(ReplayID.init(counter:)))
        },
        StoreCheck(name: "a part that goes well is undone with its transaction") { store in
            await #expect(throws: Deliberate.self) {
                try await store.write { writer in
                    _ = try writer.part { try writer.append(.test(1)) }
                    throw Deliberate()
                }
            }
            let events = try await store.everything()
            #expect(events.isEmpty)
        },
        StoreCheck(name: "a failure that a part's body has caught undoes the part, and only that") { store in
            try await store.write { writer in
                try writer.define(.testCase)
                try writer.insert(.test(1))
            }
            try await store.write { writer in
                let answer: Result<Bool, any Error> = try writer.part {
                    _ = try writer.append(.test(1))
                    do {
                        try writer.insert(.test(1))
                    } catch {
                        return true
                    }
                    return false
                }
                #expect(throws: StoreError.self) { try answer.get() }
                _ = try writer.append(.test(2))
            }
            #expect(try await store.everything().map { $0.content.event.replayID } == [ReplayID(counter: 2)])
        },
    ]
}
