import ChangeEvents
import Logging
import Store

/// One reconciliation, from its first count to its end. Used by one task.
struct ReconciliationRun {
    /// Events were lost behind the window's place, or the object is being read anew: what was read says nothing.
    struct Disturbed: Error {}

    /// What differed at the first look.
    struct Candidates {
        var drifted: Set<RecordID> = []
        /// In columns that no event carries, and nowhere else.
        var derived: Set<RecordID> = []
        var derivedFields: Set<String> = []
        var derivedRows = 0
        var isTooMany = false
    }

    let twin: Twin
    private let replica: Replica
    let source: any OrgSource
    let object: ReplicatedObject
    let settings: Replica.Reconciling
    /// Between attempts where the org gives nothing: doubles from the one to the other.
    let pauses: ClosedRange<Duration>
    let comparison: RowComparison
    /// Every column that is compared and repaired.
    let fields: [String]
    /// Nil: the object has no stamp that events tell.
    let stamp: String?
    private(set) var reconciliation: Reconciliation
    private let callsBefore: Int

    init(
        _ reconciliation: Reconciliation, of object: ReplicatedObject, fields: [String], calculated: Set<String>,
        replica: Replica
    ) {
        twin = replica.twin
        self.replica = replica
        source = replica.reconciledSource
        settings = replica.configuration.reconciling
        pauses = replica.configuration.pauses
        self.object = object
        self.fields = fields
        stamp = ["LastModifiedDate", "CreatedDate"].first(where: fields.contains)
        comparison = RowComparison(fields: fields, stamp: stamp, calculated: calculated)
        self.reconciliation = reconciliation
        callsBefore = source.calls - reconciliation.calls
    }

    /// Throws `SourceError(.refused)`, `Disturbed`, `StoreError` and `CancellationError`; what was repaired until then is recorded.
    mutating func run() async throws {
        try await forgetDryFindings()
        try await save { run, now in
            run.phase = .searching
            run.startedAt = run.startedAt ?? now
            run.message = nil
            (run.rowsInOrg, run.rowsHere) = (nil, nil)
            (run.rowsCompared, run.candidates, run.undecided) = (0, 0, 0)
        }
        var candidates = try await search()
        // Many at once may be events on their way: they have as long as the others.
        for pause in settings.pauses where candidates.isTooMany {
            try await Task.sleep(for: pause)
            candidates = try await search()
        }
        let found = candidates
        try await save { run, _ in
            run.phase = .confirming
            run.candidates = found.drifted.count + found.derivedRows
        }
        if candidates.isTooMany {
            try await readAnew()
        } else {
            try await confirm(candidates)
        }
        try await save { run, now in
            run.phase = .done
            run.finishedAt = now
        }
    }

    // MARK: Searching

    private mutating func search() async throws -> Candidates {
        try await catchUp()
        let window = try await Window.open(object, in: twin)
        defer { window.close(in: twin) }
        return reconciliation.isDeep ? try await searchDeep(window) : try await drillDown(window)
    }

    private mutating func drillDown(_ window: Window) async throws -> Candidates {
        let (name, stamp) = (object.name, stamp)
        var drill = DrillDown(hasStamp: stamp != nil, limits: settings.limits)
        var candidates = Candidates()
        while true {
            switch drill.question {
            case .total:
                let org = try await asking { try await $0.count(name, in: nil) }
                let hours = try await hoursHere()
                let here = hours.values.reduce(0, +)
                try await save { run, _ in (run.rowsInOrg, run.rowsHere) = (org, here) }
                drill.totalAnswered(org: org, here: hours)
            case .groups(let unit, let spans):
                let field = stamp ?? ""
                let org = try await asking { try await $0.counts(name, of: field, by: unit, in: spans) }
                drill.groupsAnswered(org: org, here: try await hoursHere())
            case .ids(let hour):
                let stretch = LiveStretch.times(field: stamp ?? "", [Self.times(ofHour: hour)])
                drill.idsAnswered(try await twin.store.read { try $0.liveIDs(entity: name, in: stretch) })
            case .count(let hour, let from, let to):
                let range = SourceRange(field: stamp ?? "", times: Self.times(ofHour: hour), from: from, to: to)
                drill.countAnswered(org: try await asking { try await $0.count(name, in: range) })
            case .read(let places):
                try await compareByStamp(places, window, &candidates)
                drill.readAnswered()
            case .readAll(let rows):
                try await compareByStamp(nil, expected: rows, window, &candidates)
                drill.readAnswered()
            case .readAnew:
                candidates.isTooMany = true
                return candidates
            case .end: return candidates
            }
            if candidates.isTooMany { return candidates }
        }
    }

    static func times(ofHour hour: Int64) -> Range<Int64> { hour * 3_600_000..<(hour + 1) * 3_600_000 }

    /// Without a stamp: all rows under nil.
    private func hoursHere() async throws -> [Int64?: Int] {
        let (name, stamp) = (object.name, stamp)
        return try await twin.store.read { reader in
            guard let stamp else { return [nil: try reader.liveIDs(entity: name, in: .all).count] }
            return try reader.liveCounts(entity: name, hoursOf: stamp)
        }
    }

    /// What was left as it is will be found again.
    private mutating func forgetDryFindings() async throws {
        guard reconciliation.isDryRun, !reconciliation.drift.isEmpty else { return }
        reconciliation.drift = [:]
        let id = reconciliation.id
        try await twin.commit { try ReconciliationState.removeDifferences(of: id, $0) }
    }

    // MARK: Ending

    /// More differ than are worth reading by ids.
    private mutating func readAnew() async throws {
        let (name, fields, isDryRun) = (object.name, fields, reconciliation.isDryRun)
        let now = twin.configuration.now()
        let snapshot: Int? = try await twin.commit { writer in
            if isDryRun { return nil }
            var state = try ReplicaState.read(writer) ?? ReplicaState()
            let query = SourceQuery(object: name, fields: fields)
            let id = state.request(query, hasAllFields: true, .reconciliation, now: now)
            try state.write(writer)
            return id
        }
        try await save { run, _ in
            run.isReadAnew = true
            run.snapshot = snapshot
        }
    }

    // MARK: Asking and keeping

    /// Asks the org until it answers: where it cannot now, or the budget does not allow it, that is noted, and it waits.
    func asking<T: Sendable>(
        _ ask: (any OrgSource) async throws -> T
    ) async throws -> T {
        var pause = pauses.lowerBound
        var isNoted = false
        while true {
            do {
                let answer = try await ask(source)
                if isNoted { try await note(nil) }
                return answer
            } catch let error as SourceError where error.code == .notNow {
                try Task.checkCancellation()
                try await note(error.message)
                isNoted = true
                try await Task.sleep(for: pause)
                pause = min(pause * 2, pauses.upperBound)
            }
        }
    }

    /// What no event tells is polled first: it is late, not wrong.
    func catchUp() async throws {
        try await replica.catchUp(object) { try await note($0) }
    }

    private func note(_ message: String?) async throws {
        let id = reconciliation.id
        try await twin.commit { writer in
            var state = try ReconciliationState.read(writer)
            guard let index = state.reconciliations.firstIndex(where: { $0.id == id }) else { return }
            guard state.reconciliations[index].message != message else { return }
            state.reconciliations[index].message = message
            try state.write(writer)
        }
    }

    /// Made by now.
    var calls: Int { source.calls - callsBefore }

    mutating func compared(_ rows: Int) { reconciliation.rowsCompared += rows }

    /// Changes it and makes that durable.
    mutating func save(_ change: (inout Reconciliation, _ now: Int64) -> Void) async throws {
        change(&reconciliation, twin.configuration.now())
        reconciliation.calls = calls
        let saved = reconciliation
        try await twin.commit { writer in
            var state = try ReconciliationState.read(writer)
            state.update(saved)
            try state.write(writer)
        }
    }

    /// As it was made durable in a transaction of its own.
    mutating func saved(_ reconciliation: Reconciliation) { self.reconciliation = reconciliation }
}
