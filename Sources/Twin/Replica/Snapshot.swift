public import ChangeEvents
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
        /// Formulas, whose changes make no events.
        case formulas
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
    /// Of its first window: what is lost behind it makes the whole reading begin again.
    public var place: Position?
    /// The newest entry of the table of gaps when that window was opened: those up to it are mended by its end.
    public var gapsUpTo: Int64?
    /// Ids by which it is read in chunks, one after the other, each the first of the next chunk; nil or none: all at once.
    public var chunkBounds: [RecordID]?
    /// Which chunk is being read; nil: the first.
    public var chunk: Int?
    /// Of the chunk's window; nil: that of the first.
    public var chunkPlace: Position?
    /// Rows of the chunks before it.
    public var chunkRows: Int?
    /// The org's name for the reading of the chunk.
    public var read: String?
    /// Where those of its pages begin that are not written yet; nil: the org has not told.
    public var pages: [String]?
    /// More pages are behind those; each tells of the next.
    public var morePages: Bool?
    /// Of a polled object that is read whole: the newest `SystemModstamp` from before the first row was read.
    public var newest: Int64?
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

    /// Of all rows with all fields.
    var isWhole: Bool { settlesObject && query.since == nil }

    /// Whether nothing of the object is in doubt at its end, for a reason from before it: it reads everything, or all that has
    /// changed since a time and was right until then. Then the ids are compared.
    var settlesObject: Bool { hasAllFields && query.condition == nil }

    var bringsMostlyWhatIsKnown: Bool { query.since != nil || reason == .formulas }

    /// Whether it reads what has changed since a time; nil: everything.
    func covers(_ since: Int64?) -> Bool {
        guard let own = query.since else { return true }
        return since.map { own <= $0 } ?? false
    }

    /// What its rows can be read by in chunks: whatever they are and whenever they changed.
    var canBeChunked: Bool { query.condition == nil && query.since == nil }

    var isLastChunk: Bool { (chunk ?? 0) >= (chunkBounds?.count ?? 0) }

    /// The query of the chunk.
    var chunkQuery: SourceQuery {
        guard let chunkBounds, !chunkBounds.isEmpty else { return query }
        var query = query
        let chunk = chunk ?? 0
        query.ids = SourceIDRange(
            from: chunk > 0 ? chunkBounds[chunk - 1] : nil, to: isLastChunk ? nil : chunkBounds[chunk])
        return query
    }

    mutating func beginAgain() {
        if phase == .comparing { phase = .reading }
        (place, gapsUpTo, newest, total) = (nil, nil, nil, nil)
        (chunkBounds, chunk, chunkPlace, chunkRows) = (nil, nil, nil, nil)
        (read, pages, morePages) = (nil, nil, nil)
        rows = 0
        restarts += 1
    }

    /// With another window, where the log does not reach back to the chunk's any more, or the org has forgotten its reading.
    mutating func beginChunkAgain() {
        if chunk ?? 0 == 0 { return beginAgain() }
        (chunkPlace, read, pages, morePages) = (nil, nil, nil, nil)
        rows = chunkRows ?? 0
        restarts += 1
    }

    mutating func beginNextChunk(at place: Position) {
        chunk = (chunk ?? 0) + 1
        chunkRows = rows
        (chunkPlace, read, pages, morePages) = (place, nil, nil, nil)
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
        /// When the last reading of all rows began that brought the formulas: milliseconds since 1970.
        var formulasAt: Int64?
        /// The same of all columns.
        var readAt: Int64?
        /// Nil: never polled.
        var polled: PollStanding?
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
    /// Every record that is marked and complete has an entry in the table of gaps, or its object has; nil: written by a version
    /// that had no such table.
    var marksHaveEntries: Bool? = true

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

    /// Events were lost behind a place: what was read before says nothing. No snapshot is under way. Answers the snapshot's
    /// number; nil: the object has no table yet, and its first load is still to come.
    /// - Parameter since: rows that have not changed since then are right; nil: any may be wrong.
    mutating func readAnew(_ object: String, behind gap: Position, since: Int64?, now: Int64) -> Int? {
        guard let known = objects[object], !known.fields.isEmpty else { return nil }
        // What was never read whole was not right at any time.
        let since = known.loadedAt == nil || !known.fields.contains("SystemModstamp") ? nil : since
        let unended = snapshots.indices.filter {
            !snapshots[$0].isEnded && snapshots[$0].settlesObject && snapshots[$0].query.object == object
        }
        guard let index = unended.first(where: { snapshots[$0].covers(since) }) ?? unended.first else {
            let query = SourceQuery(
                object: object, fields: known.fields, includesDeleted: since != nil, since: since)
            return request(query, hasAllFields: true, .gap, now: now)
        }
        let isWideEnough = snapshots[index].covers(since)
        if !isWideEnough {
            snapshots[index].query.since = since
            snapshots[index].query.includesDeleted = since != nil
        }
        if let place = snapshots[index].place, place <= gap || !isWideEnough { snapshots[index].beginAgain() }
        return snapshots[index].id
    }

    /// Objects that are not replicated any more: read whole again, should they be once more.
    mutating func forgetOthers(than replicated: Set<String>) -> Bool {
        let gone = objects.keys.filter { !replicated.contains($0) }
        for name in gone {
            objects[name] = nil
            snapshots.removeAll { !$0.isEnded && $0.query.object == name }
        }
        return !gone.isEmpty
    }

    mutating func update(_ snapshot: Snapshot) {
        guard let index = snapshots.firstIndex(where: { $0.id == snapshot.id }) else { return }
        snapshots[index] = snapshot
        guard snapshot.phase == .done, snapshot.query.condition == nil, snapshot.query.since == nil else { return }
        let name = snapshot.query.object
        if snapshot.hasAllFields { objects[name]?.readAt = snapshot.startedAt }
        let formulas = objects[name]?.calculated ?? []
        if snapshot.hasAllFields || (!formulas.isEmpty && Set(snapshot.query.fields).isSuperset(of: formulas)) {
            objects[name]?.formulasAt = snapshot.startedAt
        }
    }

    /// Whose formulas have not been read for as long as they may be.
    mutating func requestFormulas(of object: ReplicatedObject, now: Int64) -> Bool {
        guard let every = object.refreshFormulas, let known = objects[object.name], let loadedAt = known.loadedAt,
            let formulas = known.calculated, !formulas.isEmpty,
            .milliseconds(now - (known.formulasAt ?? loadedAt)) >= every,
            !snapshots.contains(where: {
                !$0.isEnded && $0.query.object == object.name && ($0.isWhole || $0.reason == .formulas)
            })
        else { return false }
        // One is remembered: of those before it there is nothing to say.
        snapshots.removeAll { $0.isEnded && $0.query.object == object.name && $0.reason == .formulas }
        _ = request(SourceQuery(object: object.name, fields: formulas), hasAllFields: false, .formulas, now: now)
        return true
    }
}
