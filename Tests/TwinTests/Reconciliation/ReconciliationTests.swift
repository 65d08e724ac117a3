import ChangeEvents
import Logging
import Store
import TestSupport
import Testing
@testable import Twin

/// A replica that is loaded, settled, and compared with its org on request.
struct ReconciliationBench: Sendable {
    let world: ReplicaBench
    let replica: Replica
    var org: SourceOrg { world.org }
    var twin: Twin { world.bench.twin }

    /// - Parameters:
    ///   - isCounted: rows are counted and drilled down to, however few they are.
    ///   - calculated: formulas of the object.
    init(
        _ records: Int, isCounted: Bool = true, calculated: Set<String> = [], pauses: Int = 2,
        _ change: (inout Replica.Reconciling) -> Void = { _ in }
    ) async throws {
        world = try await ReplicaBench()
        world.org.with { $0.calculated = calculated }
        // Over some months, eleven hours apart.
        for _ in 0..<records {
            world.org.found(1)
            world.org.with { $0.time += 11 * 3_600_000 }
        }
        try await world.begin()
        var configuration = Replica.Configuration(objects: [ReplicaBench.object])
        configuration.interval = .milliseconds(2)
        configuration.pauses = .milliseconds(1) ... .milliseconds(5)
        configuration.reconciling.pauses = Array(repeating: .milliseconds(2), count: pauses)
        if isCounted { configuration.reconciling.limits.wholeRowsMax = 0 }
        change(&configuration.reconciling)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        replica = Replica(twin: world.bench.twin, source: world.org, configuration: configuration, logger: logger)
    }

    func running<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
        try await world.running(replica) {
            try await world.settled(replica)
            return try await body()
        }
    }

    /// Runs one to its end.
    func reconcile(isDeep: Bool = false, isDryRun: Bool = false) async throws -> ReconciliationReport {
        let ids = try await replica.requestReconciliations(of: nil, isDeep: isDeep, isDryRun: isDryRun)
        return try await ended(ids[0])
    }

    func ended(_ id: Int) async throws -> ReconciliationReport {
        try await poll("the reconciliation has ended", every: .milliseconds(3)) {
            try await replica.reconciliation(id)?.reconciliation.isEnded ?? false
        }
        return try #require(try await replica.reconciliation(id))
    }

    /// Changes the table past everybody.
    func falsify(_ number: Int, _ change: @escaping @Sendable (inout StoredRecord) -> Void) async throws {
        try await twin.store.write { writer in
            guard var record = try writer.record(entity: "Case", id: .test("500", number)) else {
                throw StoreError(code: .corrupt, message: "there is no record \(number)")
            }
            change(&record)
            try writer.put(record)
        }
    }

    func remove(_ number: Int) async throws {
        try await twin.store.write { try $0.remove(entity: "Case", id: .test("500", number)) }
    }

    static let older: @Sendable (inout StoredRecord) -> Void = { record in
        record.image.fields["LastModifiedDate"] = .dateTime(milliseconds: 1_690_000_000_000)
    }
}

/// The rules of `docs/twin.md`, "Reconciliation".
@Suite(.timeLimit(.minutes(5))) struct ReconciliationTests {
    @Test(arguments: [false, true], [false, true])
    func nothingDiffers(isDeep: Bool, isCounted: Bool) async throws {
        let bench = try await ReconciliationBench(60, isCounted: isCounted)
        try await bench.running {
            let before = bench.org.calls
            let report = try await bench.reconcile(isDeep: isDeep)
            #expect(report.reconciliation.phase == .done && !report.reconciliation.hasDrift)
            #expect(report.differences.isEmpty && report.reconciliation.candidates == 0)
            #expect(report.reconciliation.rowsInOrg == 60 && report.reconciliation.rowsHere == 60)
            #expect(report.reconciliation.calls == bench.org.calls - before)
            #expect(report.reconciliation.rowsCompared == (isDeep || !isCounted ? 60 : 0))
            if !isDeep, isCounted { #expect(report.reconciliation.calls == 2) }
        }
    }

    /// One mistake of a kind that counts tell, found and put right; a second look finds nothing.
    @Test(arguments: [Difference.Cause.missing, .gone, .deleted, .undeleted, .stale], [false, true])
    func eachCauseIsFoundAndPutRight(_ cause: Difference.Cause, isDeep: Bool) async throws {
        let bench = try await ReconciliationBench(60)
        try await bench.running {
            let id = RecordID.test("500", 17)
            switch cause {
            case .missing: try await bench.remove(17)
            case .gone: bench.org.with { $0.records[id] = nil }
            case .deleted: bench.org.with { $0.records[id]?.isDeleted = true }
            case .undeleted: try await bench.falsify(17) { $0.isDeleted = true }
            case .stale: try await bench.falsify(17, ReconciliationBench.older)
            case .values, .derived: Issue.record("counts do not tell")
            }
            let report = try await bench.reconcile(isDeep: isDeep)
            #expect(report.reconciliation.drift == [cause: 1] && report.reconciliation.driftedRows == 1)
            #expect(report.differences.map(\.record) == [id.string] && report.differences.first?.cause == cause)
            #expect(report.differences.first?.fields == (cause == .stale ? ["LastModifiedDate"] : []))
            try await bench.world.expectEqual()
            if cause == .gone { #expect(try await bench.world.rows()[id] == nil) }
            if cause == .deleted { #expect(try await bench.world.rows()[id]?.isDeleted == true) }
            let again = try await bench.reconcile(isDeep: isDeep)
            #expect(!again.reconciliation.hasDrift && again.reconciliation.candidates == 0)
            let standing = try #require(try await bench.replica.status().objects.first?.reconciled)
            #expect(standing.runs == 2 && standing.drift == [cause: 1] && standing.lastDrift == 0)
            try await poll("the metrics are told") { bench.replica.reconciliationStandings["Case"] == standing }
        }
    }

    @Test func aWrongValueUnderTheRightStampTakesADeepLook() async throws {
        let bench = try await ReconciliationBench(60)
        try await bench.running {
            try await bench.falsify(9) {
                $0.image.fields["Status"] = .string("falsified")
                $0.image.fields["Subject"] = .string("falsified, too")
            }
            #expect(try await !bench.reconcile().reconciliation.hasDrift)
            let report = try await bench.reconcile(isDeep: true)
            #expect(report.reconciliation.drift == [.values: 1])
            #expect(Set(report.differences.first?.fields ?? []) == ["Status", "Subject"])
            try await bench.world.expectEqual()
        }
    }

    @Test func aDryRunLeavesEverythingAsItIs() async throws {
        let bench = try await ReconciliationBench(60)
        try await bench.running {
            try await bench.remove(3)
            for _ in 0..<2 {
                let report = try await bench.reconcile(isDryRun: true)
                #expect(report.reconciliation.drift == [.missing: 1] && report.differences.count == 1)
                #expect(try await bench.world.rows()[.test("500", 3)] == nil)
            }
            #expect(try await bench.replica.status().objects.first?.reconciled?.drift == [:])
            #expect(try await bench.reconcile().reconciliation.drift == [.missing: 1])
            try await bench.world.expectEqual()
        }
    }

    /// Formulas have changed in the org without a word: their own kind, no drift, and refreshed.
    @Test(arguments: [2_000, 5])
    func formulasAreNoDrift(differencesMax: Int) async throws {
        let bench = try await ReconciliationBench(40, calculated: ["Priority"]) {
            $0.limits.differencesMax = differencesMax
        }
        try await bench.running {
            bench.org.with { state in
                for id in state.records.keys { state.records[id]?.fields["Priority"] = .string("worked out anew") }
            }
            #expect(try await bench.reconcile().reconciliation.drift == [:])
            let report = try await bench.reconcile(isDeep: true)
            #expect(report.reconciliation.drift == [.derived: 40] && !report.reconciliation.hasDrift)
            if differencesMax < 40 {
                // As a column.
                #expect(report.reconciliation.snapshot != nil && report.differences.isEmpty)
                try await bench.world.settled(bench.replica)
            } else {
                #expect(report.differences.allSatisfy { $0.cause == .derived && $0.fields == ["Priority"] })
            }
            try await bench.world.expectEqual()
        }
    }

    /// A change that is on its way while everything is looked at, for the first and the second look.
    @Test(arguments: [false, true], [1, 2])
    func aLateEventIsNoDrift(isDeep: Bool, looks: Int) async throws {
        let bench = try await ReconciliationBench(60)
        try await bench.running {
            let org = bench.org
            let time = org.with { $0.time }
            try org.commit(
                .update, [.test("500", 5)],
                ["Status": .string("late"), "LastModifiedDate": .dateTime(milliseconds: time)])
            try org.commit(.delete, [.test("500", 6)])
            try org.commit(.create, [.test("500", 900)], ["LastModifiedDate": .dateTime(milliseconds: time)])
            let twin = bench.twin
            let before = org.with { $0.rowsByID }
            let pages = Pages()
            org.meanwhile { org in
                // Reading by ids is the second look, and the third.
                guard org.with({ $0.rowsByID }) > before, pages.next() == looks else { return }
                try await org.deliver(to: twin)
            }
            let report = try await bench.reconcile(isDeep: isDeep)
            #expect(report.reconciliation.candidates == 3 && report.reconciliation.drift == [:])
            #expect(report.reconciliation.undecided == 0 && pages.next() > looks)
            try await bench.world.expectEqual()
        }
    }

    /// Changes never stop, their events are late by some; one row is wrong. It alone is found.
    @Test(arguments: 0..<12)
    func motionIsNoDrift(_ run: Int) async throws {
        let bench = try await ReconciliationBench(60, isCounted: run % 2 == 0, pauses: 3)
        try await bench.running {
            try await bench.falsify(11) {
                ReconciliationBench.older(&$0)
                $0.image.fields["Description"] = .string("falsified")
            }
            let twin = bench.twin
            bench.org.meanwhile { org in
                for _ in 0..<3 { try org.changeAtRandom() }
                // Some stay on their way, but not for ever.
                try await org.deliver(to: twin, max(0, org.with { $0.outbox.count } - 2))
            }
            // Nothing may change what was falsified, or it is right by itself.
            let report = try await bench.reconcile(isDeep: run % 3 == 0)
            bench.org.meanwhile(nil)
            try await bench.org.deliver(to: twin)
            try await bench.world.settled(bench.replica)
            let others = report.differences.filter { $0.record != RecordID.test("500", 11).string }
            // Two events late at the last look, and the look before, and the one before that, cannot be told from drift; one that is
            // put right too early is right all the same.
            #expect(others.count <= 2, "\(report.differences)")
            _ = try await bench.reconcile(isDeep: true)
            try await bench.world.expectEqual()
        }
    }

    /// The repair reads the log up to its head: what came since the row was read is not undone.
    @Test func aRepairDoesNotUndoWhatCameSince() async throws {
        let bench = try await ReconciliationBench(60, pauses: 1)
        try await bench.running {
            try await bench.falsify(8, ReconciliationBench.older)
            let twin = bench.twin
            let before = bench.org.with { $0.rowsByID }
            bench.org.meanwhile { org in
                guard org.with({ $0.rowsByID }) > before else { return }
                org.meanwhile(nil)
                try org.commit(.update, [.test("500", 8)], ["Status": .string("since")])
                try await org.deliver(to: twin)
            }
            let report = try await bench.reconcile()
            #expect(report.reconciliation.drift == [.stale: 1])
            #expect(try await bench.world.rows()[.test("500", 8)]?.image.fields["Status"] == .string("since"))
            try await bench.world.expectEqual()
        }
    }

    @Test func manyDifferencesHaveTheObjectReadAnew() async throws {
        let bench = try await ReconciliationBench(40) { $0.limits.differencesMax = 10 }
        try await bench.running {
            for number in 1...11 { try await bench.remove(number) }
            let report = try await bench.reconcile()
            #expect(report.reconciliation.isReadAnew && report.reconciliation.hasDrift)
            let snapshot = try #require(report.reconciliation.snapshot)
            try await bench.world.settled(bench.replica)
            let found = try await bench.replica.status().snapshots.first { $0.id == snapshot }
            #expect(found?.reason == .reconciliation && found?.phase == .done)
            try await bench.world.expectEqual()
        }
    }

    /// No budget: it says so, waits, and goes on where it was.
    @Test func itWaitsForTheBudget() async throws {
        let bench = try await ReconciliationBench(60)
        try await bench.running {
            try await bench.remove(3)
            bench.org.with { $0.refusals = .max }
            let id = try await bench.replica.requestReconciliations(of: ["case"])[0]
            try await poll("the reason is told") {
                try await bench.replica.reconciliation(id)?.reconciliation.message?.contains("budget") ?? false
            }
            #expect(try await bench.replica.reconciliation(id)?.reconciliation.phase == .searching)
            bench.org.with { $0.refusals = 2 }
            let report = try await bench.ended(id)
            #expect(report.reconciliation.drift == [.missing: 1] && report.reconciliation.message == nil)
            try await bench.world.expectEqual()
        }
    }

    /// Events lost meanwhile: the object is read anew first.
    @Test func itBeginsAgainWhereEventsWereLost() async throws {
        let bench = try await ReconciliationBench(60)
        try await bench.running {
            try await bench.remove(3)
            let twin = bench.twin
            let before = bench.org.with { $0.rowsByID }
            bench.org.meanwhile { org in
                guard org.with({ $0.rowsByID }) > before else { return }
                org.meanwhile(nil)
                try await org.lose(to: twin)
            }
            let report = try await bench.reconcile()
            #expect(report.reconciliation.phase == .done && report.reconciliation.restarts >= 1)
            try await bench.world.settled(bench.replica)
            try await bench.world.expectEqual()
        }
    }

    @Test func whatTheOrgRefusesFails() async throws {
        let bench = try await ReconciliationBench(60)
        try await bench.running {
            try await bench.remove(3)
            bench.org.with { $0.hidden = ["Status"] }
            let report = try await bench.reconcile()
            #expect(report.reconciliation.phase == .failed && report.reconciliation.message?.contains("Status") == true)
            let standing = try await bench.replica.status().objects.first?.reconciled
            #expect(standing?.failures == 1 && standing?.lastDoneAt == nil)
        }
        await #expect(throws: ReplicaError.self) { try await bench.replica.requestReconciliations(of: ["Account"]) }
    }

    @Test func theScheduleOutlivesTheProcess() async throws {
        let bench = try await ReconciliationBench(10) { $0.every = .seconds(3_600) }
        // The clock of the bench stands still: nothing is due.
        try await bench.running { try await Task.sleep(for: .milliseconds(30)) }
        #expect(try await bench.replica.status().reconciliations.isEmpty)
        try await bench.twin.store.write { writer in
            var state = try ReplicaState.read(writer) ?? ReplicaState()
            state.objects["Case"]?.loadedAt = 1_700_000_500_000 - 3_600_000
            try state.write(writer)
        }
        try await bench.running {
            try await poll("it is due") {
                try await bench.replica.status().reconciliations.map(\.phase) == [.done]
            }
            try await Task.sleep(for: .milliseconds(30))
        }
        let done = try await bench.replica.status().reconciliations
        #expect(done.count == 1 && done.first?.trigger == .schedule && done.first?.isDeep == false)
        // Another process: it was done.
        try await bench.running { try await Task.sleep(for: .milliseconds(30)) }
        #expect(try await bench.replica.status().reconciliations.count == 1)
    }

    /// A first look that cannot see an object's events, or a snapshot under way, waits.
    @Test func itWaitsForASnapshot() async throws {
        let bench = try await ReconciliationBench(20)
        try await bench.running {
            let isHeld = Pages()
            bench.org.meanwhile { _ in
                if isHeld.next() < 20 { throw DeadlinePassed(description: "not now") }
            }
            _ = try await bench.replica.requestSnapshot(of: "Case")
            let id = try await bench.replica.requestReconciliations(of: nil)[0]
            try await poll("it waits", every: .milliseconds(1)) {
                let found = try await bench.replica.reconciliation(id)?.reconciliation
                return found?.isEnded == true || found?.message?.contains("snapshot") == true
            }
            let report = try await bench.ended(id)
            #expect(!report.reconciliation.hasDrift)
            #expect(try await bench.replica.status().snapshots.allSatisfy(\.isEnded))
        }
    }
}
