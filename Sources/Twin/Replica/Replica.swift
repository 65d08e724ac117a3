import ChangeEvents
public import Logging
import Store

/// Keeps tables of an org's objects whole: loads them, reads again what is in doubt, and finds what no event told of
/// (`docs/twin.md`, "Replicated objects"). Used from any task; `run` does the work.
public final class Replica: Sendable {
    public struct Configuration: Sendable {
        public var objects: [ReplicatedObject]
        /// How often it looks for what is to be done.
        public var interval: Duration = .seconds(2)
        /// Between attempts where the org gave nothing: doubles from the one to the other.
        public var pauses: ClosedRange<Duration> = .seconds(1) ... .seconds(60)
        /// Beyond so many records in doubt, the object is read anew.
        public var refetchesMax = 2_000
        public init(objects: [ReplicatedObject]) { self.objects = objects }
    }

    let twin: Twin
    let source: any OrgSource
    let configuration: Configuration
    private let logger: Logger

    public init(twin: Twin, source: any OrgSource, configuration: Configuration, logger: Logger) {
        self.twin = twin
        self.source = source
        self.configuration = configuration
        self.logger = logger
    }

    /// Works until it is cancelled, then returns. Throws only what makes the store unusable.
    public func run() async throws {
        var pause = configuration.pauses.lowerBound
        for object in configuration.objects {
            while try await !attempt(
                "an object is not ready to be replicated", object, pause: &pause, { try await prepare(object) })
            {}
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.repeating(self.takeSnapshots) }
            group.addTask { try await self.repeating(self.refetch) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    // MARK: Asking for snapshots

    /// Asks for an object's rows to be read: all, or those that a SOQL condition names, with all fields or with some. Answers
    /// the snapshot's number. Throws `ReplicaError` where the object or a field is not replicated.
    public func requestSnapshot(
        of name: String, condition: String? = nil, fields: [String]? = nil
    ) async throws -> Int {
        guard let object = object(name) else {
            throw ReplicaError(.unknownObject, "\(name) is not among the objects that are replicated.")
        }
        let now = twin.configuration.now()
        return try await twin.commit { writer in
            var state = try ReplicaState.read(writer) ?? ReplicaState()
            guard let known = state.objects[object.name]?.fields, !known.isEmpty else {
                throw ReplicaError(.notReady, "\(object.name) has no table yet: the org has not described it.")
            }
            for field in fields ?? [] where !known.contains(field) {
                throw ReplicaError(.unknownField, "\(object.name) has no column for \(field).")
            }
            let query = SourceQuery(object: object.name, fields: fields ?? known, condition: condition)
            let id = state.request(query, hasAllFields: fields == nil, .command, now: now)
            try state.write(writer)
            return id
        }
    }

    /// Every snapshot that is remembered, oldest first, and how the objects stand.
    public func status() async throws -> ReplicaStatus {
        let objects = configuration.objects
        let max = configuration.refetchesMax
        return try await twin.store.read { reader in
            let state = try ReplicaState.read(reader) ?? ReplicaState()
            let standings = try objects.map { object in
                ReplicaStatus.Object(
                    name: object.name, columns: state.objects[object.name]?.fields.count ?? 0,
                    loadedAt: state.objects[object.name]?.loadedAt,
                    inDoubt: try reader.recordsToRefetch(entity: object.name, after: nil, limit: max + 1).count)
            }
            return ReplicaStatus(objects: standings, snapshots: state.snapshots, inDoubtMax: max)
        }
    }

    func object(_ name: String) -> ReplicatedObject? {
        configuration.objects.first { $0.name.lowercased() == name.lowercased() }
    }

    // MARK: Working

    /// Does a piece of work again and again: at once where it answers that there is more, else after the interval.
    private func repeating(_ work: () async throws -> Bool) async throws {
        var pause = configuration.pauses.lowerBound
        while !Task.isCancelled {
            var isMore = false
            let isDone = try await attempt("the replica waits", nil, pause: &pause) { isMore = try await work() }
            if isDone, !isMore { try? await Task.sleep(for: configuration.interval) }
        }
    }

    /// False: it has failed for now, and a pause has been made. Throws where the store cannot be used, or when cancelled.
    private func attempt(
        _ what: Logger.Message, _ object: ReplicatedObject?, pause: inout Duration, _ work: () async throws -> Void
    ) async throws -> Bool {
        do {
            try await work()
            pause = configuration.pauses.lowerBound
            return true
        } catch let error as StoreError where error.code == .closed || error.code == .corrupt {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            if Task.isCancelled { throw CancellationError() }
            logger.warning(
                what, metadata: ["object": "\(object?.name ?? "")", "error": "\(error)", "pause": "\(pause)"])
            try await Task.sleep(for: pause * Double.random(in: 0.5...1))
            pause = min(pause * 2, configuration.pauses.upperBound)
            return false
        }
    }

    /// The table as the org describes the object, and a reading of what it does not hold yet.
    private func prepare(_ object: ReplicatedObject) async throws {
        let described = try await source.object(object.name)
        let fields = try ReplicaTable.fields(of: described, for: object)
        let table = ReplicaTable.table(described.name, fields)
        let names = fields.map(\.name)
        let now = twin.configuration.now()
        try await twin.commit { writer in
            if try writer.objectTable(object.name) != table { try writer.define(table) }
            var state = try ReplicaState.read(writer) ?? ReplicaState()
            var known = state.objects[object.name] ?? ReplicaState.Object()
            let new = names.filter { !known.fields.contains($0) }
            if known.loadedAt == nil {
                // A first load that has begun goes on; it was asked for with the fields of then.
                let isAsked = state.snapshots.contains { !$0.isEnded && $0.query.object == object.name && $0.isWhole }
                if !isAsked || !new.isEmpty {
                    state.snapshots.removeAll {
                        !$0.isEnded && $0.query.object == object.name && $0.reason == .firstLoad
                    }
                    let query = SourceQuery(object: object.name, fields: names)
                    _ = state.request(query, hasAllFields: true, .firstLoad, now: now)
                }
            } else if !new.isEmpty {
                let query = SourceQuery(object: object.name, fields: new)
                _ = state.request(query, hasAllFields: false, .newFields, now: now)
            }
            known.fields = names
            state.objects[object.name] = known
            try state.write(writer)
        }
    }

    /// One snapshot, if one waits and its topics have a place; true: there may be another.
    private func takeSnapshots() async throws -> Bool {
        try await actOnGaps()
        let state = try await twin.store.read { try ReplicaState.read($0) ?? ReplicaState() }
        for snapshot in state.snapshots where !snapshot.isEnded {
            guard let object = object(snapshot.query.object) else { continue }
            guard try await isStreaming(object) else { continue }
            var run = SnapshotRun(snapshot, of: object, source: source, twin: twin)
            do {
                try await run.run()
                let done = run.snapshot
                logger.info(
                    "snapshot done",
                    metadata: [
                        "object": "\(object.name)", "rows": "\(done.rows)", "removed": "\(done.removed)",
                        "missed": "\(done.missed)", "restarts": "\(done.restarts)",
                    ])
            } catch let error as SourceError {
                try await run.note(error.message, isFinal: error.code == .refused)
                if error.code != .refused { throw error }
                logger.error(
                    "snapshot failed", metadata: ["object": "\(object.name)", "error": "\(error.message)"])
            }
            return true
        }
        return false
    }

    /// A topic without a place of its own may yet begin at the newest event: what came before it would be lost.
    private func isStreaming(_ object: ReplicatedObject) async throws -> Bool {
        try await twin.store.read { reader in
            for topic in object.topics where try reader.cursor(topic: topic) != nil { return true }
            return false
        }
    }

    /// Gaps that were declared since the last look: what they may have touched is read anew. Asked for in the transaction that
    /// remembers the gap as seen.
    private func actOnGaps() async throws {
        let objects = configuration.objects
        let now = twin.configuration.now()
        let isNew = try await twin.store.read { reader in
            let seen = try ReplicaState.read(reader)?.seenGap
            return try !Self.gaps(behind: seen, reader).isEmpty
        }
        guard isNew else { return }
        try await twin.commit { writer in
            var state = try ReplicaState.read(writer) ?? ReplicaState()
            let gaps = try Self.gaps(behind: state.seenGap, writer)
            for gap in gaps {
                for object in objects where try Self.concerns(gap, object, writer) {
                    state.readAnew(object.name, behind: gap.position, now: now)
                }
                state.seenGap = ReplicaState.SeenGap(position: gap.position.rawValue, ordinal: gap.ordinal)
            }
            try state.write(writer)
        }
    }

    private static func gaps(behind seen: ReplicaState.SeenGap?, _ reader: any StoreReader) throws -> [Gap] {
        let from = Position(rawValue: seen?.position ?? 0)
        return try reader.gaps(in: from...max(from, reader.head())).filter { gap in
            guard let seen else { return true }
            return (gap.position.rawValue, gap.ordinal) > (seen.position, seen.ordinal)
        }
    }

    /// An overflow or a conversion is of the object that its event names; a single record that could not be read is in doubt by
    /// itself.
    private static func concerns(_ gap: Gap, _ object: ReplicatedObject, _ reader: any StoreReader) throws -> Bool {
        guard object.topics.contains(gap.topic) else { return false }
        let before = Position(rawValue: gap.position.rawValue - 1)
        let header = try reader.events(after: before, selection: .all, limit: 1, bytesMax: .max)
            .first { $0.position == gap.position }?.content.routing?.header
        switch gap.reason {
        case Gap.undecodable: return header == nil
        case Gap.overflow, Gap.conversion: return header.map { $0.entityName == object.name } ?? true
        default: return true
        }
    }
}

/// Why a replica will not.
public struct ReplicaError: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        case unknownObject
        case unknownField
        case notReady
        /// The configuration names fields that the object does not have.
        case configuration
    }
    public var code: Code
    public var message: String
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
    public var description: String { message }
}

/// How a replica stands.
public struct ReplicaStatus: Sendable, Codable {
    public struct Object: Sendable, Codable {
        public var name: String
        /// 0: the org has not described it yet.
        public var columns: Int
        /// Milliseconds since 1970; nil: never read whole.
        public var loadedAt: Int64?
        /// Records that are to be read again, up to one more than `inDoubtMax`.
        public var inDoubt: Int
    }

    public var objects: [Object]
    public var snapshots: [Snapshot]
    public var inDoubtMax: Int
}
