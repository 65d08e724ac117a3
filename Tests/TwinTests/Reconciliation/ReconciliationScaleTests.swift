import ChangeEvents
import Foundation
import Logging
import Store
import Synchronization
import TestSupport
import Testing
@testable import Twin

/// An org of many records, each made from its number: only those that are not as they should be are kept.
private final class LargeOrg: OrgSource {
    enum Fault: Sendable {
        case gone
        case deleted
        case changed(stamp: Int64, status: String)
    }

    let count: Int
    /// Between two records' stamps; 0: all were loaded at once.
    let spacing: Int64
    private let state = Mutex<(faults: [Int: Fault], calls: Int)>(([:], 0))

    init(count: Int, spacing: Int64) {
        self.count = count
        self.spacing = spacing
    }

    static let start: Int64 = 1_600_000_000_000
    static let shape = RecordShape(["Status", "LastModifiedDate"])

    func set(_ fault: Fault?, of number: Int) { state.withLock { $0.faults[number] = fault } }

    var calls: Int { state.withLock { $0.calls } }

    private func called(_ count: Int = 1) { state.withLock { $0.calls += count } }

    private var faults: [Int: Fault] { state.withLock { $0.faults } }

    func row(_ number: Int, _ fault: Fault?) -> SourceRow? {
        var stamp = Self.start + Int64(number) * spacing / 1_000 * 1_000
        var status = "Status \(number % 7)"
        var isDeleted = false
        switch fault {
        case nil: break
        case .gone: return nil
        case .deleted: isDeleted = true
        case .changed(let newStamp, let newStatus): (stamp, status) = (newStamp, newStatus)
        }
        let fields = RecordFields(
            shape: Self.shape, values: [.string(status), .dateTime(milliseconds: stamp)])
        return SourceRow(id: .test("500", number), isDeleted: isDeleted, systemModstamp: stamp, fields: fields)
    }

    private static func stamp(_ row: SourceRow) -> Int64 {
        guard case .dateTime(let time)? = row.fields[1] else { return 0 }
        return time
    }

    /// Every live row.
    private func live(_ body: (SourceRow) throws -> Void) rethrows {
        let faults = faults
        for number in 0..<count {
            if let row = row(number, faults[number]), !row.isDeleted { try body(row) }
        }
    }

    private func counted<Key: Hashable>(_ key: (SourceRow) -> Key?) -> [Key: Int] {
        called()
        var counts: [Key: Int] = [:]
        live { row in if let key = key(row) { counts[key, default: 0] += 1 } }
        return counts
    }

    func changes(_ object: String, since: Int64?) async throws(SourceError) -> SourceChanges {
        throw SourceError(.refused, "nobody polls it")
    }

    func count(_ object: String, in range: SourceRange?) async throws(SourceError) -> Int {
        counted { row in range.map { Self.has($0, row) } ?? true ? true : nil }[true] ?? 0
    }

    private static func has(_ range: SourceRange, _ row: SourceRow) -> Bool {
        range.times.contains(stamp(row)) && range.from.map { $0 <= row.id } ?? true
            && range.to.map { row.id < $0 } ?? true
    }

    func counts(
        _ object: String, of field: String, by unit: SourceSpan.Unit, in spans: [SourceSpan]
    ) async throws(SourceError) -> [Int64: Int] {
        let counts = counted { row -> Int64? in
            let hour = Self.stamp(row) / 3_600_000
            return spans.contains { $0.contains(hour) } ? unit.of(hour) : nil
        }
        // What Salesforce answers at most.
        guard counts.count <= 2_000 else { throw SourceError(.refused, "\(counts.count) groups") }
        return counts
    }

    func read(
        _ query: SourceQuery, in ranges: [SourceRange]?, expected: Int, _ take: ([SourceRow]) async throws -> Void
    ) async throws {
        let faults = faults
        var rows: [SourceRow] = []
        var total = 0
        for number in 0..<count {
            guard let row = row(number, faults[number]), !row.isDeleted,
                ranges?.contains(where: { Self.has($0, row) }) ?? true
            else { continue }
            rows.append(row)
            total += 1
            if rows.count == 2_000 {
                try await take(rows)
                rows = []
            }
        }
        try await take(rows)
        called(SourceOrg.callsToRead(total, expected: expected))
    }

    func rows(_ query: SourceQuery, ids: [RecordID]) async throws(SourceError) -> [SourceRow] {
        called()
        let faults = faults
        let wanted = Set(ids)
        return (0..<count).compactMap { number in
            wanted.contains(.test("500", number)) ? row(number, faults[number]) : nil
        }
    }

    // Not asked for.
    func object(_ name: String) async throws(SourceError) -> SourceObject {
        SourceObject(name: "Case", fields: [.init("Status", .text), .init("LastModifiedDate", .dateTime)])
    }
    func beginRead(_ query: SourceQuery) async throws(SourceError) -> String { throw SourceError(.refused, "no") }
    func pages(ofRead read: String) async throws(SourceError) -> SourcePages { throw SourceError(.refused, "no") }
    func page(
        ofRead read: String, at place: String, _ query: SourceQuery, _ take: ([SourceRow]) async throws -> Void
    ) async throws -> String? { throw SourceError(.refused, "no") }
    func chunkBounds(_ object: String, rows: Int) async throws(SourceError) -> SourceChunks {
        throw SourceError(.refused, "no")
    }
    func endRead(_ read: String) async {}
}

/// One wrong row among very many, and what it takes to find it. `MILLRACE_SCALE_ROWS=1000000` is the size that is promised; each
/// change of the code runs with fewer.
@Suite(.timeLimit(.minutes(20))) struct ReconciliationScaleTests {
    private static let rows =
        ProcessInfo.processInfo.environment["MILLRACE_SCALE_ROWS"].flatMap { Int($0) } ?? 20_000
    private static let callsMax = 40

    /// Over three years, and all within one hour.
    @Test(arguments: [true, false])
    func oneWrongRowIsFound(isSpread: Bool) async throws {
        let spacing = isSpread ? 3 * 365 * 86_400_000 / Int64(Self.rows) : 0
        let org = LargeOrg(count: Self.rows, spacing: spacing)
        let bench = try await TwinBench()
        try await Self.load(org, bench.twin)
        try await bench.ingest(latest: 1)
        var configuration = Replica.Configuration(objects: [ReplicaBench.object])
        configuration.interval = .milliseconds(2)
        configuration.reconciling.pauses = [.milliseconds(1), .milliseconds(1)]
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let replica = Replica(twin: bench.twin, source: org, configuration: configuration, logger: logger)
        let world = ReplicaBench(bench: bench, org: SourceOrg(cases: bench.cases))
        let number = Self.rows * 2 / 3
        let id = RecordID.test("500", number)
        try await world.running(replica) {
            func expect(_ cause: Difference.Cause?, isDeep: Bool = false) async throws {
                let ids = try await replica.requestReconciliations(of: nil, isDeep: isDeep)
                try await poll("the reconciliation has ended", deadline: .seconds(600), every: .milliseconds(20)) {
                    try await replica.reconciliation(ids[0])?.reconciliation.isEnded ?? false
                }
                let report = try #require(try await replica.reconciliation(ids[0]))
                let done = report.reconciliation
                print(
                    "\(Self.rows) rows \(isSpread ? "over 3 years" : "in one hour"), \(cause?.rawValue ?? "nothing")",
                    "\(isDeep ? "(deep)" : ""): \(done.calls) calls, \(done.rowsCompared) rows compared")
                #expect(done.phase == .done && done.drift == (cause.map { [$0: 1] } ?? [:]))
                #expect(report.differences.map(\.record) == (cause == nil ? [] : [id.string]))
                #expect(done.calls <= Self.callsMax)
            }
            try await expect(nil)
            try await bench.twin.store.write { try $0.remove(entity: "Case", id: id) }
            try await expect(.missing)
            org.set(.changed(stamp: LargeOrg.start + 400 * 86_400_000, status: "lost"), of: number)
            try await expect(.stale)
            org.set(.changed(stamp: LargeOrg.start + 400 * 86_400_000, status: "silent"), of: number)
            try await expect(nil)
            try await expect(.values, isDeep: true)
            org.set(.deleted, of: number)
            try await expect(.deleted)
            org.set(.changed(stamp: LargeOrg.start, status: "back"), of: number)
            try await expect(.undeleted)
            org.set(.gone, of: number)
            try await expect(.gone)
            try await expect(nil, isDeep: true)
        }
    }

    private static func load(_ org: LargeOrg, _ twin: Twin) async throws {
        try await twin.store.write { writer in
            try writer.define(
                ObjectTable(
                    entity: "Case", columns: [.init("Status", .text), .init("LastModifiedDate", .dateTime)]))
            var state = ReplicaState()
            let fields = ["Status", "LastModifiedDate"]
            state.objects["Case"] = .init(loadedAt: 1, fields: fields, calculated: [])
            try state.write(writer)
        }
        for start in stride(from: 0, to: org.count, by: 50_000) {
            try await twin.store.write { writer in
                try writer.load(
                    (start..<min(start + 50_000, org.count)).compactMap { number in
                        org.row(number, nil).map { row in
                            StoredRecord(
                                image: RecordImage(entity: "Case", id: row.id, fields: row.fields, isComplete: true),
                                isDeleted: false, commitTimestamp: row.systemModstamp, needsRefetch: false)
                        }
                    })
            }
        }
    }
}
