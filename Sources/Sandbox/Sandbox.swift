public import ChangeEvents
import Crypto
import Doors
import Foundation
public import Logging
import Store
import Synchronization
public import Twin

/// The sandbox: an org on your laptop. It keeps records, judges what clients write, publishes change events of
/// committed transactions, and answers the OAuth flow. It knows no sockets: the doors serve it (`OrgService`,
/// `EventBus`).
///
/// Everything it acknowledges is in one database in its directory: records, counters, events and sessions survive a
/// restart. Thread-safe; a write occupies the store's own thread, never the caller's.
public final class Sandbox: Sendable {
    /// The database's name in the directory.
    public static let databaseName = "org.sqlite"

    /// The records and the log of the org. Doors that serve the log directly may read it.
    public let twin: Twin
    /// Misbehaviour on command.
    public let faults: Faults

    let configuration: Configuration
    let organization: Organization
    /// See `schema`.
    let currentSchema: Mutex<OrgSchema>
    let logger: Logger
    let observer: BusObserver
    let queries: QueryState
    /// Bulk jobs that wait to be worked on.
    let bulk: BulkWork
    let state: Mutex<State>
    /// See `schemaTimes`.
    let currentSchemaTimes: Mutex<SchemaTimes>
    private let directory: URL
    let appKey: AppKey
    let identityKey: IdentityKey
    let legacyStreaming: LegacyStreaming
    /// The channels and what is selected on them.
    let channels = ChannelBook()
    /// What the bus delivers and takes, counted.
    let eventUsage: EventUsage
    let schemaCache = SchemaCache()
    let logChunks = LogChunks()
    let managedSlots = ManagedSlots()

    /// What changes while the sandbox runs and is not in the store, or is kept there from time to time.
    struct State: Sendable {
        var addresses = SandboxAddresses.none
        var users: UserBook
        var sessions: Sessions
        var usage: APIUsage
        var calls: CallLog
        var running = RunningCalls()
        var grants: Grants
        var logins = LoginGate()
        var streaming = StreamingClients()
        var recent: RecentRecords
        /// Instance URLs of My Domain that went out with sessions.
        var myDomains: Set<String> = []
        /// Topics that exist because an event was injected on them.
        var injectedTopics: Set<String>
        /// By user id, where it was changed since the start.
        var eventAccess: [String: EventAccess] = [:]
    }

    /// Opens the org in a directory, founding it (identity, users, connected app with its key, sample data) where there
    /// is none. Throws `SandboxError` or `StoreError` with what a person must mend.
    public init(directory: String, configuration: Configuration = Configuration(), logger: Logger) async throws {
        self.directory = URL(fileURLWithPath: directory, isDirectory: true).standardizedFileURL
        self.configuration = configuration
        self.logger = logger
        bulk = BulkWork(files: BulkFiles(directory: self.directory, isDurable: configuration.isDurable))
        faults = Faults(clock: configuration.clock)
        do {
            try FileManager.default.createDirectory(
                at: self.directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw SandboxError(code: .directory, message: "\(directory) cannot be made", cause: error)
        }
        appKey = try AppKey.openOrCreate(in: self.directory)
        identityKey = IdentityKey(directory: self.directory)
        legacyStreaming = try LegacyStreaming()
        let store = try SQLiteStore(
            path: self.directory.appendingPathComponent(Self.databaseName).path,
            durability: configuration.isDurable ? .full : .normal)
        var twinConfiguration = Twin.Configuration()
        twinConfiguration.retention = configuration.eventRetention
        twinConfiguration.now = configuration.clock
        twin = try await Twin(store: store, configuration: twinConfiguration, logger: logger)

        let (schema, times) = try await Self.openSchema(configuration, twin: twin)
        currentSchema = Mutex(schema)
        currentSchemaTimes = Mutex(times)
        organization = try await Self.openOrFound(configuration, schema: schema, twin: twin)
        let cursors = QueryCursors(instance: organization.instance, seed: UInt64.random(in: 0..<1 << 40))
        queries = QueryState(cursors: cursors)
        state = Mutex(try await Self.restoredState(twin, organization))
        try await twin.learn(legacyStreaming.schema)
        observer = BusObserver()
        let usage = EventUsage(allocations: configuration.allocations, clock: configuration.clock)
        eventUsage = usage
        try await twin.store.read { try usage.restore($0) }
        // Before the channels: a new org may select what the file defines.
        if let definitions = configuration.schema {
            do {
                try await deploy(definitions)
            } catch let error as OrgError {
                throw SandboxError(code: .schema, message: "the schema file does not fit the org: \(error.message)")
            }
        }
        try checkHiddenFields()
        try await openChannels()
        observer.waiters.reached(try await twin.observe(observer))
        // A fault may concern streams that wait for events: they look again.
        faults.onChange { [observer] in observer.waiters.wakeAll() }
        if configuration.loadsSampleData { try await loadSampleData() }
    }

    /// Runs retention and bulk jobs, and writes down the calls, until cancelled. The doors have their own `run()`.
    public func run() async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { try await self.twin.run() }
            group.addTask { try await self.keepWritingCalls() }
            group.addTask { try await self.runBulk() }
            group.addTask { try await self.keepEmptyingRecycleBin() }
            try await group.waitForAll()
        }
    }

    /// Writes down what is kept only from time to time and closes the database. Nothing acknowledged depends on it.
    public func close() async throws {
        twin.stopObserving(observer)
        observer.waiters.wakeAll()
        await writeCalls()
        await saveEventUsage(force: true)
        let (sessions, usage, recent) = state.withLock { ($0.sessions, $0.usage, $0.recent) }
        try await twin.commit { writer in
            try writer.setState(RecentRecords.stateKey, to: [UInt8](JSONEncoder().encode(recent)))
            try writer.setState(Sessions.stateKey, to: [UInt8](JSONEncoder().encode(sessions)))
            try writer.setState(APIUsage.stateKey, to: [UInt8](JSONEncoder().encode(usage)))
        }
        try await twin.store.close()
    }

    /// Runs a transaction of the org. When the body throws, nothing has happened and its error is thrown; otherwise
    /// records and events are durable when this returns. `userID` nil: the integration user.
    public func transaction<T: Sendable>(
        origin: ChangeOrigin = .background, userID: String? = nil,
        _ body: @escaping @Sendable (OrgTransaction) throws -> T
    ) async throws -> T {
        try await transaction(origin: origin, userID: userID, isPublished: true, body)
    }

    func transaction<T: Sendable>(
        origin: ChangeOrigin, userID: String?, isPublished: Bool,
        _ body: @escaping @Sendable (OrgTransaction) throws -> T
    ) async throws -> T {
        let configuration = self.configuration
        let (instance, faults) = (organization.instance, faults)
        let legacyStreaming = self.legacyStreaming
        let user = userID ?? organization.integrationUser?.id ?? ""
        let outbox = EventOutbox(
            usage: eventUsage, client: origin.usageClient, now: configuration.clock())
        do {
            let (answer, published) = try await twin.commit { [self] writer in
                let now = configuration.clock()
                let counters = try OrgCounters.read(writer)
                let schema = try schema(of: counters, writer)
                let transaction = OrgTransaction(
                    writer: writer, catalogue: schema.catalogue, instance: instance, userID: user, now: now,
                    counters: counters)
                outbox.use(schema.eventSchemas)
                transaction.outbox = outbox
                transaction.faults = faults
                let answer = try body(transaction)
                try transaction.finish()
                try PendingEvent.append(
                    outbox.committed, counters: &transaction.counters, into: writer, receivedAt: now)
                let capture =
                    isPublished ? publishing(schema) : .nothing
                let published = try capture.publish(transaction, origin: origin, into: writer, receivedAt: now)
                try legacyStreaming.publish(transaction, into: writer, receivedAt: now)
                try transaction.counters.write(writer)
                noteUsers(transaction.changes)
                return (answer, published)
            }
            eventUsage.published(published, client: EventUsage.systemClient)
            eventUsage.published(PendingEvent.counts(outbox.committed), client: outbox.client)
            return answer
        } catch {
            await publishSurvivors(of: outbox)
            if error is StoreError { try await rereadUsers() }
            throw error
        }
    }

    /// Where the doors listen. Until it is called, `instance_url` and the token answer name a host that does not exist.
    public func listening(at addresses: SandboxAddresses) {
        state.withLock { $0.addresses = addresses }
    }

    /// What a client needs, for `DIR/connection.json`.
    public var connection: Connection {
        let addresses = state.withLock { $0.addresses }
        return Connection(
            loginURL: addresses.loginURL, instanceURL: addresses.instanceURL, httpURL: addresses.httpURL,
            httpsURL: addresses.httpsURL, grpcAddress: addresses.grpcAddress,
            grpcPlaintextAddress: addresses.grpcPlaintextAddress, organizationID: organization.id,
            clientID: organization.clientID, clientSecret: organization.clientSecret,
            username: integrationUser?.username ?? "",
            password: organization.password, securityToken: organization.securityToken,
            privateKeyFile: directory.appendingPathComponent(AppKey.fileName).path, caFile: addresses.caFile)
    }

    /// Instants of the last commits that published events, oldest first.
    public func recentCommits() -> [RecentCommit] { observer.recentCommits }

    /// All live records of an object.
    public func snapshot(entity: String) async throws -> [RecordImage] {
        try await twin.store.read { reader in
            var images: [RecordImage] = []
            var last: RecordID?
            while true {
                let page = try reader.records(entity: entity, after: last, limit: Self.snapshotPageSize)
                images += page.filter { !$0.isDeleted }.map(\.image)
                guard let final = page.last, page.count == Self.snapshotPageSize else { return images }
                last = final.image.id
            }
        }
    }

    private static let snapshotPageSize = 500

    /// The objects as the store has them, with their tables and event schemas in place.
    private static func openSchema(
        _ configuration: Configuration, twin: Twin
    ) async throws -> (OrgSchema, SchemaTimes) {
        let standard = configuration.standardCatalogue
        let now = configuration.clock()
        return try await twin.commit { writer in
            let version = try OrgCounters.find(writer)?.schemaVersion ?? 0
            let schema = try OrgSchema.read(version: version, writer, standard: standard, previous: nil)
            try schema.writeEventSchemas(writer)
            try SchemaTables.apply(schema.catalogue, previous: nil, writer: writer)
            var times = try SchemaTimes.read(writer)
            try times.note(schema.catalogue, now: now, writer)
            return (schema, times)
        }
    }

    private static func openOrFound(
        _ configuration: Configuration, schema: OrgSchema, twin: Twin
    ) async throws -> Organization {
        let clock = configuration.clock
        if let organization = try await twin.store.read({ try Organization.read($0) }) {
            try await twin.commit { writer in
                try organization.addProfiles(schema.catalogue, now: clock(), writer)
            }
            return organization
        }
        return try await twin.commit { writer in
            return try Organization.found(
                configuration, catalogue: schema.catalogue, now: clock(), writer: writer)
        }
    }

    private static func restoredState(_ twin: Twin, _ organization: Organization) async throws -> State {
        try await twin.store.read { reader in
            func restored<T: Decodable>(_ key: String, _ empty: T) throws -> T {
                guard let bytes = try reader.state(key) else { return empty }
                do {
                    return try JSONDecoder().decode(T.self, from: Data(bytes))
                } catch {
                    throw SandboxError(
                        code: .stateDamaged, message: "\(key) cannot be read from the store", cause: error)
                }
            }
            return State(
                users: try UserBook.read(organization, reader), sessions: try restored(Sessions.stateKey, Sessions()),
                usage: try restored(APIUsage.stateKey, APIUsage()), calls: try CallLog.read(reader),
                grants: try restored(Grants.stateKey, Grants()),
                recent: try restored(RecentRecords.stateKey, RecentRecords()),
                injectedTopics: try restored(Injection.stateKey, []))
        }
    }
}
