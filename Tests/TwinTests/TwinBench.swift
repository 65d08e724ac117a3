import ChangeEvents
import Logging
import Store
import Synchronization
import TestSupport
import Testing
@testable import Twin

/// A twin on a temporary store that knows the schema of `CaseEvents`, with short ways to feed it and to look inside.
struct TwinBench: Sendable {
    let twin: Twin
    let cases: CaseEvents

    init(_ change: (inout Twin.Configuration) -> Void = { _ in }) async throws {
        var configuration = Twin.Configuration()
        configuration.now = { 1_700_000_500_000 }
        change(&configuration)
        cases = try CaseEvents()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        twin = try await Twin(store: try SQLiteStore.temporary(), configuration: configuration, logger: logger)
        try await twin.learn(cases.schema)
    }

    func ingest(_ events: ReceivedEvent..., latest: UInt64? = nil) async throws {
        try await twin.ingest(
            ReceivedBatch(topic: CaseEvents.topic, events: events, latestReplayID: latest.map { ReplayID(counter: $0) })
        )
    }

    func record(_ id: RecordID) async throws -> StoredRecord? {
        try await twin.store.read { try $0.record(entity: "Case", id: id) }
    }

    func log() async throws -> [LoggedEvent] {
        try await twin.store.read { try $0.events(after: .start, selection: .all, limit: .max, bytesMax: .max) }
    }

    func transitions() async throws -> [RecordTransition] { try await log().flatMap(\.content.transitions) }
    func gaps() async throws -> [Gap] {
        try await twin.store.read { try $0.gaps(in: Position.start...Position(rawValue: .max)) }
    }
    func cursor() async throws -> ReplayID? { try await twin.store.read { try $0.cursor(topic: CaseEvents.topic) } }
}

/// Keeps what it is told, in order.
final class Recorder: LogObserver {
    enum Told: Sendable, Equatable {
        case event(Int64)
        case gap(String, Int64)
    }

    private let told = Mutex<[Told]>([])

    var all: [Told] { told.withLock { $0 } }
    var positions: [Int64] { all.compactMap { if case .event(let position) = $0 { position } else { nil } } }

    func appended(_ events: [LoggedEvent]) { told.withLock { $0 += events.map { .event($0.position.rawValue) } } }
    func declared(_ gap: Gap) { told.withLock { $0.append(.gap(gap.reason, gap.position.rawValue)) } }
}
