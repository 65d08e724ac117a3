import Foundation
public import Store

/// A reading of an object's rows, as the store keeps it: after a restart it goes on where it was.
public struct Snapshot: Sendable, Hashable, Codable, Identifiable {
    public enum Phase: String, Sendable, Hashable, Codable {
        /// Its turn has not come.
        case waiting
        case reading
        /// All rows are written; which records the org does not have any more is being found out.
        case comparing
        case done
        /// The org will not: `message` says why.
        case failed
    }

    public enum Reason: String, Sendable, Hashable, Codable {
        case firstLoad
        /// Fields that the table did not have.
        case newFields
        /// Somebody asked for it.
        case command
        /// More records are in doubt than are worth reading by their ids.
        case doubt
        /// Events were lost.
        case gap
        /// A reconciliation has found more than is worth reading by ids.
        case reconciliation
    }

    public var id: Int
    public var query: SourceQuery
    /// Whether the rows have every field of the table.
    public var hasAllFields: Bool
    public var reason: Reason
    public var phase = Phase.waiting
    /// Milliseconds since 1970.
    public var requestedAt: Int64
    public var startedAt: Int64?
    public var finishedAt: Int64?
    /// Of the window.
    public var place: Position?
    /// The org's name for the reading.
    public var read: String?
    /// Where its next page begins.
    public var next: String?
    /// Written so far.
    public var rows = 0
    /// To be read in all, where the org says so.
    public var total: Int?
    /// Records that the org did not have any more.
    public var removed = 0
    /// Records that it had and the table had not.
    public var missed = 0
    /// Times that it had to begin again: events were lost behind its place, retention passed it, the org forgot it.
    public var restarts = 0
    /// What it waits for, or why it failed.
    public var message: String?

    public var isEnded: Bool { phase == .done || phase == .failed }

    /// Of all rows with all fields: only then a record that it did not bring is missing.
    var isWhole: Bool { hasAllFields && query.condition == nil }

    mutating func beginAgain() {
        if phase == .comparing { phase = .reading }
        (place, read, next, total) = (nil, nil, nil, nil)
        rows = 0
        restarts += 1
    }
}

/// What a replica remembers, in the store.
struct ReplicaState: Sendable, Codable {
    struct Object: Sendable, Codable {
        /// Milliseconds since 1970; nil: never read whole.
        var loadedAt: Int64?
        /// Columns whose values have been read, or are about to be (a snapshot is asked for).
        var fields: [String] = []
        /// Formulas among them; nil: described before this was kept.
        var calculated: [String]?
    }

    struct SeenGap: Sendable, Codable {
        var position: Int64
        var ordinal: Int
    }

    var objects: [String: Object] = [:]
    /// Oldest first: ended ones up to a bound, then those that are to be done.
    var snapshots: [Snapshot] = []
    var nextID = 1
    /// The last gap that was acted on.
    var seenGap: SeenGap?

    private static let key = "replica"
    private static let endedMax = 50

    static func read(_ reader: any StoreReader) throws -> ReplicaState? {
        guard let bytes = try reader.state(key) else { return nil }
        do {
            return try JSONDecoder().decode(ReplicaState.self, from: Data(bytes))
        } catch {
            throw StoreError(code: .corrupt, message: "the replica's state cannot be read", cause: error)
        }
    }

    func write(_ writer: any StoreWriter) throws {
        try writer.setState(Self.key, to: [UInt8](JSONEncoder().encode(self)))
    }

    /// Adds one, unless one that waits will do the same.
    mutating func request(_ query: SourceQuery, hasAllFields: Bool, _ reason: Snapshot.Reason, now: Int64) -> Int {
        if let same = snapshots.first(where: { $0.phase == .waiting && $0.query == query }) { return same.id }
        let id = nextID
        nextID += 1
        snapshots.append(
            Snapshot(id: id, query: query, hasAllFields: hasAllFields, reason: reason, requestedAt: now))
        let ended = snapshots.filter(\.isEnded)
        if ended.count > Self.endedMax {
            let old = Set(ended.prefix(ended.count - Self.endedMax).map(\.id))
            snapshots.removeAll { old.contains($0.id) }
        }
        return id
    }

    /// The org has described an object: what the table does not hold yet is to be read.
    mutating func described(_ name: String, _ fields: [String], calculated: [String], now: Int64) {
        var known = objects[name] ?? Object()
        known.calculated = calculated
        let new = fields.filter { !known.fields.contains($0) }
        known.fields = fields
        objects[name] = known
        if known.loadedAt != nil {
            guard !new.isEmpty else { return }
            _ = request(SourceQuery(object: name, fields: new), hasAllFields: false, .newFields, now: now)
            return
        }
        // A first load that has begun goes on, unless it asks for less.
        let isAsked = snapshots.contains { !$0.isEnded && $0.query.object == name && $0.isWhole }
        guard !isAsked || !new.isEmpty else { return }
        snapshots.removeAll { !$0.isEnded && $0.query.object == name && $0.reason == .firstLoad }
        _ = request(SourceQuery(object: name, fields: fields), hasAllFields: true, .firstLoad, now: now)
    }

    /// Events were lost behind a place: what was read before says nothing. No snapshot is under way.
    mutating func readAnew(_ object: String, behind gap: Position, now: Int64) {
        guard let known = objects[object], !known.fields.isEmpty else { return }
        guard let index = snapshots.firstIndex(where: { !$0.isEnded && $0.isWhole && $0.query.object == object }) else {
            let query = SourceQuery(object: object, fields: known.fields)
            _ = request(query, hasAllFields: true, .gap, now: now)
            return
        }
        if let place = snapshots[index].place, place <= gap { snapshots[index].beginAgain() }
    }

    mutating func update(_ snapshot: Snapshot) {
        guard let index = snapshots.firstIndex(where: { $0.id == snapshot.id }) else { return }
        snapshots[index] = snapshot
    }
}
