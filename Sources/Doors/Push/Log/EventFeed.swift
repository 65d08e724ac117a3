internal import ChangeEvents
internal import Logging
internal import Store
internal import Synchronization
internal import Twin

/// Whoever is handed the log's new entries. Called on the store's commit path, in the log's order: to be quick.
protocol LogFollower: Sendable {
    func follow(_ items: [LogItem])
    /// Entries up to here are not handed over: they must be read from the log.
    func skipped(to place: LogPlace)
}

/// Carries new entries of the log from the store's commit path to the loops and other followers: one hand-over to each per batch.
///
/// `appended` hands over at once when the schemas of its events are in memory, which they are but for the first event of
/// each. Otherwise entries wait, in order, for `run` to fetch the schema. What waits is bounded: past the bound the loops
/// are told to skip, and their clients read the log.
///
/// Lock order: `EventFeed.state -> SchemaBook.state`, `EventFeed.state -> LoopInbox.state`.
final class EventFeed: LogObserver {
    private enum Entry {
        case event(LoggedEvent)
        case gap(Gap)
    }

    private struct State {
        /// Empty until `open`: what comes before waits.
        var followers: [any LogFollower] = []
        var waiting: [Entry] = []
        /// Entries up to here were dropped before there were inboxes to tell.
        var skipped: LogPlace?
        /// The newest replay id by family of topics: a gap's place.
        var newest: [String: ReplayID] = [:]
    }

    static let waitingCountMax = 65_536

    private let schemas: SchemaBook
    private let virtual: VirtualChannels
    private let state = Mutex(State())
    private let wakeups: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    init(schemas: SchemaBook, virtual: VirtualChannels = .none) {
        self.schemas = schemas
        self.virtual = virtual
        (wakeups, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func appended(_ events: [LoggedEvent]) {
        put(events.map(Entry.event))
    }

    func declared(_ gap: Gap) {
        put([.gap(gap)])
    }

    /// The followers stand at the head that `observe` answered: from now on entries reach them.
    func open(_ followers: [any LogFollower]) {
        state.withLock { state in
            state.followers = followers
            if let skipped = state.skipped { tellSkipped(to: skipped, state) }
            forward(&state)
        }
        wake.yield()
    }

    /// Fetches schemas that are not in memory, until cancelled.
    func run(twin: Twin, logger: Logger) async {
        for await _ in wakeups {
            while let schemaID = state.withLock({ missingSchema($0) }), !Task.isCancelled {
                var isKnown = false
                do {
                    isKnown = try await schemas.facts(schemaID, twin: twin) != nil
                } catch {
                    logger.error(
                        "push: a schema could not be read", metadata: ["error": "\(error)", "schema.id": "\(schemaID)"])
                }
                let passesUnknown = !isKnown
                state.withLock { forward(&$0, passesFirst: passesUnknown) }
            }
        }
    }

    private func put(_ entries: [Entry]) {
        let waits = state.withLock { state in
            state.waiting += entries
            if state.waiting.count > Self.waitingCountMax {
                skip(&state)
            } else {
                forward(&state)
            }
            return !state.waiting.isEmpty
        }
        if waits { wake.yield() }
    }

    /// Hands over what can be, in order. `passesFirst`: the first event goes without its schema, which nobody knows.
    private func forward(_ state: inout State, passesFirst: Bool = false) {
        guard !state.followers.isEmpty else { return }
        var items: [LogItem] = []
        for entry in state.waiting {
            switch entry {
            case .event(let event):
                let schema = schemas.known(event.content.event.schemaID)
                guard schema != nil || (passesFirst && items.isEmpty) else { break }
                state.newest[PushChannel.family(of: event.content.event.topic)] = event.content.event.replayID
                items.append(LogItem(event: event, schema: schema, virtual: virtual))
                continue
            case .gap(let gap):
                items.append(
                    LogItem(
                        gap: gap, replayID: state.newest[PushChannel.family(of: gap.topic)], virtual: virtual))
                continue
            }
            break
        }
        guard !items.isEmpty else { return }
        state.waiting.removeFirst(items.count)
        for follower in state.followers { follower.follow(items) }
    }

    private func missingSchema(_ state: borrowing State) -> SchemaID? {
        guard !state.followers.isEmpty, case .event(let event)? = state.waiting.first else { return nil }
        return event.content.event.schemaID
    }

    private func skip(_ state: inout State) {
        let places = state.waiting.map { entry in
            switch entry {
            case .event(let event): LogPlace(event: event.position)
            case .gap(let gap): LogPlace(gap: gap)
            }
        }
        state.waiting = []
        guard let last = places.max() else { return }
        if state.followers.isEmpty { state.skipped = last } else { tellSkipped(to: last, state) }
    }

    private func tellSkipped(to place: LogPlace, _ state: borrowing State) {
        for follower in state.followers { follower.skipped(to: place) }
    }
}
