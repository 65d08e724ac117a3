import Foundation
import Store

/// What is remembered of reconciliations, in the store: a bounded number of them, each one's differences under a key of its own,
/// and every object's standing.
struct ReconciliationState: Sendable, Codable {
    /// Oldest first.
    var reconciliations: [Reconciliation] = []
    var nextID = 1
    /// By API name.
    var standings: [String: ReconciliationStanding] = [:]

    private static let key = "reconciliation"
    /// Ended ones that are remembered.
    static let endedMax = 50
    /// Of one reconciliation.
    static let differencesMax = 2_000

    static func read(_ reader: any StoreReader) throws -> ReconciliationState {
        try decoded(key, reader) ?? ReconciliationState()
    }

    func write(_ writer: any StoreWriter) throws {
        try writer.setState(Self.key, to: [UInt8](JSONEncoder().encode(self)))
    }

    // MARK: Differences

    static func differences(of id: Int, _ reader: any StoreReader) throws -> [Difference] {
        try decoded("\(key).\(id)", reader) ?? []
    }

    /// What is beyond the bound is counted in the reconciliation alone.
    static func add(_ found: [Difference], to id: Int, _ writer: any StoreWriter) throws {
        let known = try differences(of: id, writer)
        let kept = (known + found).prefix(differencesMax)
        guard kept.count > known.count else { return }
        try writer.setState("\(key).\(id)", to: [UInt8](JSONEncoder().encode(Array(kept))))
    }

    static func removeDifferences(of id: Int, _ writer: any StoreWriter) throws {
        try writer.setState("\(key).\(id)", to: nil)
    }

    private static func decoded<T: Decodable>(_ key: String, _ reader: any StoreReader) throws -> T? {
        guard let bytes = try reader.state(key) else { return nil }
        do {
            return try JSONDecoder().decode(T.self, from: Data(bytes))
        } catch {
            throw StoreError(code: .corrupt, message: "the state \(key) cannot be read", cause: error)
        }
    }

    // MARK: Changing

    /// Adds one, unless one that has not begun will do the same. Answers its number.
    mutating func request(
        _ object: String, isDeep: Bool, isDryRun: Bool, _ trigger: Reconciliation.Trigger, now: Int64,
        _ writer: any StoreWriter
    ) throws -> Int {
        let same = reconciliations.first {
            $0.phase == .waiting && $0.object == object && $0.isDeep == isDeep && $0.isDryRun == isDryRun
        }
        if let same { return same.id }
        let id = nextID
        nextID += 1
        reconciliations.append(
            Reconciliation(
                id: id, object: object, isDeep: isDeep, isDryRun: isDryRun, trigger: trigger, requestedAt: now))
        let ended = reconciliations.filter(\.isEnded)
        for old in ended.prefix(max(0, ended.count - Self.endedMax)) {
            reconciliations.removeAll { $0.id == old.id }
            try Self.removeDifferences(of: old.id, writer)
        }
        return id
    }

    /// Replaces it; one that has ended counts in the object's standing.
    mutating func update(_ reconciliation: Reconciliation) {
        guard let index = reconciliations.firstIndex(where: { $0.id == reconciliation.id }) else { return }
        let wasEnded = reconciliations[index].isEnded
        reconciliations[index] = reconciliation
        var standing = standings[reconciliation.object] ?? ReconciliationStanding()
        if !reconciliation.isDryRun, let startedAt = reconciliation.startedAt {
            standing.lastAt = startedAt
            if reconciliation.isDeep { standing.lastDeepAt = startedAt }
        }
        if reconciliation.isEnded, !wasEnded {
            standing.runs += 1
            if reconciliation.phase == .done {
                standing.lastDoneAt = reconciliation.finishedAt
                standing.lastDrift = reconciliation.driftedRows
            } else {
                standing.failures += 1
            }
            if !reconciliation.isDryRun { standing.drift.merge(reconciliation.drift, uniquingKeysWith: +) }
        }
        standings[reconciliation.object] = standing
    }
}
