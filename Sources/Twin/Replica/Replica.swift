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
        /// After lost events, rows are read that have changed since so long before the first of them, and polls go back so long
        /// behind what they have seen: longer than the longest transaction takes, whose rows have the time of their change and
        /// whose events that of the commit, and than an event takes to be published.
        public var overlap: Duration = .seconds(600)
        public var reconciling = Reconciling()
        /// Rows of a chunk of an object, more or less: larger objects are read in several, one after the other, each with a window of its own.
        public var chunkRows: Int {
            get { reading.chunkRows }
            set { reading.chunkRows = newValue }
        }
        var reading = SnapshotRun.Reading()
        public init(objects: [ReplicatedObject]) { self.objects = objects }
    }

    /// How tables are compared with the org.
    public struct Reconciling: Sendable {
        /// From one to the next; nil: only when it is asked for.
        public var every: Duration?
        /// The same of those that compare every value.
        public var deepEvery: Duration?
        /// Before what differs is looked at again: what is late by less is no drift.
        public var pauses: [Duration] = [.seconds(15), .seconds(15)]
        var limits = DrillDown.Limits()
        public init() {}
    }

    public let twin: Twin
    let source: any OrgSource
    /// The same org, its calls charged to reconciliation, and to polling.
    let reconciledSource: any OrgSource
    let polledSource: any OrgSource
    let configuration: Configuration
    let logger: Logger
    let descriptions: Descriptions
    let standings = ReconciliationStandings()
    let polls = Polls()

    /// - Parameters:
    ///   - reconciledSource: asked for reconciliations; nil: `source`.
    ///   - polledSource: asked for polls; nil: `source`.
    public init(
        twin: Twin, source: any OrgSource, reconciledSource: (any OrgSource)? = nil,
        polledSource: (any OrgSource)? = nil, configuration: Configuration, logger: Logger
    ) {
        self.twin = twin
        self.source = source
        self.reconciledSource = reconciledSource ?? source
        self.polledSource = polledSource ?? source
        self.configuration = configuration
        self.logger = logger
        descriptions = Descriptions(due: Set(configuration.objects.map(\.name)))
    }

    /// Works until it is cancelled, then returns. Throws only what makes the store unusable.
    public func run() async throws {
        try await explainMarks()
        let watch = try await SchemaWatch(configuration.objects, in: twin.store) { [descriptions] object in
            descriptions.ask(for: object)
        }
        _ = try await twin.observe(watch)
        defer { twin.stopObserving(watch) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.repeating("the org has not described an object", self.describe) }
            group.addTask { try await self.repeating("a snapshot waits", self.takeSnapshots) }
            group.addTask { try await self.repeating("records in doubt wait", self.refetch) }
            group.addTask { try await self.repeating("a poll waits", self.poll) }
            group.addTask { try await self.repeating("a reconciliation waits", self.reconcile) }
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
        let messages = polls.messages.merging(descriptions.messages) { $1 }
        return try await twin.store.read { reader in
            let state = try ReplicaState.read(reader) ?? ReplicaState()
            let reconciliations = try ReconciliationState.read(reader)
            let standings = try objects.map { object in
                ReplicaStatus.Object(
                    name: object.name, columns: state.objects[object.name]?.fields.count ?? 0,
                    loadedAt: state.objects[object.name]?.loadedAt, message: messages[object.name],
                    freshness: try self.twin.freshness(of: object, state.objects[object.name], reader),
                    inDoubt: try reader.recordsToRefetch(entity: object.name, after: nil, limit: max + 1).count,
                    reconciled: reconciliations.standings[object.name])
            }
            return ReplicaStatus(
                objects: standings, snapshots: state.snapshots, reconciliations: reconciliations.reconciliations,
                inDoubtMax: max)
        }
    }

    func object(_ name: String) -> ReplicatedObject? {
        configuration.objects.first { $0.name.lowercased() == name.lowercased() }
    }

    // MARK: Working

    /// Does a piece of work again and again: at once where it answers that there is more, else after the interval, and where it
    /// fails, after a pause. Throws what makes the store unusable.
    private func repeating(_ what: Logger.Message, _ work: () async throws -> Bool) async throws {
        var pause = configuration.pauses.lowerBound
        while !Task.isCancelled {
            do {
                let isMore = try await work()
                pause = configuration.pauses.lowerBound
                if !isMore { try await Task.sleep(for: configuration.interval) }
            } catch let error as StoreError where [.closed, .corrupt, .superseded].contains(error.code) {
                throw error
            } catch {
                // Whatever a cancelled task's work fails with, it is the end.
                if Task.isCancelled { return }
                logger.warning(what, metadata: ["error": "\(error)", "pause": "\(pause)"])
                try? await Task.sleep(for: pause * Double.random(in: 0.5...1))
                pause = min(pause * 2, configuration.pauses.upperBound)
            }
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
        /// Why the org's description of it cannot be used, or why it could not be polled.
        public var message: String?
        /// How every column is kept, in groups; empty: there is no table yet.
        public var freshness: [ColumnFreshness]
        /// Records that are to be read again, up to one more than `inDoubtMax`.
        public var inDoubt: Int
        /// Nil: never.
        public var reconciled: ReconciliationStanding?
    }

    public var objects: [Object]
    public var snapshots: [Snapshot]
    /// The last ones, oldest first.
    public var reconciliations: [Reconciliation]
    public var inDoubtMax: Int
}
