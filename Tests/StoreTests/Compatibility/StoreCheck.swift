import ChangeEvents
import NIOCore
import Store
import TestSupport
import Testing

/// One behaviour that every store has, as a function on an empty store. Each engine runs `StoreCheck.all`.
struct StoreCheck: Sendable, CustomTestStringConvertible {
    let name: String
    let run: @Sendable (any EventStore) async throws -> Void

    var testDescription: String { name }

    static let all: [StoreCheck] =
        logChecks + placeChecks + recordChecks + objectTableChecks + retentionChecks + partChecks
        + gapEntryChecks + historyChecks
}

struct Deliberate: Error, Equatable {}

extension EventStore {
    /// Appends test events with these numbers in one transaction.
    func append(_ numbers: some Sequence<Int> & Sendable) async throws {
        try await write { writer in
            for number in numbers { _ = try writer.append(.test(number)) }
        }
    }

    func everything() async throws -> [LoggedEvent] {
        try await read { try $0.events(after: .start, selection: .all, limit: 100_000, bytesMax: .max) }
    }
}
