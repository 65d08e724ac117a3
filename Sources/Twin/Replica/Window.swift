import ChangeEvents
import Store
import Synchronization

/// Which events behind a place of the log concern which records of an object (`docs/twin.md`, "Replicated objects").
///
/// Told by the twin while rows are read; whoever writes rows takes in the rest inside the transaction. Any thread.
final class Window: LogObserver {
    /// What is known of the events of some stretch of the log.
    struct Knowledge {
        /// Oldest first.
        fileprivate var positions: [RecordID: [Position]] = [:]
        /// Something has happened to records that nobody named (overflow, conversion): every row is in doubt.
        fileprivate(set) var concernsAll = false
        /// Events were lost on a topic of the object: what was read before says nothing.
        fileprivate(set) var isBroken = false
        /// Every event up to here has been looked at.
        fileprivate var reached: Position
    }

    /// Its events are those behind it.
    let place: Position
    /// The newest entry of the table of gaps at that place: what is declared later, no reading from there mends.
    let gapsUpTo: Int64
    private let entity: String
    private let eventName: String
    private let topics: Set<String>
    private let state: Mutex<Knowledge>

    private init(_ object: ReplicatedObject, place: Position, gapsUpTo: Int64) {
        self.place = place
        self.gapsUpTo = gapsUpTo
        entity = object.name
        topics = object.topics
        eventName = ChangeEventHeader.eventName(ofEntity: object.name)
        state = Mutex(Knowledge(reached: place))
    }

    /// A window from the head of the log on. Its owner closes it.
    static func open(_ object: ReplicatedObject, in twin: Twin) async throws -> Window {
        // In one read: an entry that is not among them was declared at the head or behind it.
        let (head, newest) = try await twin.store.read {
            (try $0.head(), try $0.gapEntries(.all, limit: 1).first?.id ?? 0)
        }
        let window = Window(object, place: head, gapsUpTo: newest)
        try await window.attach(to: twin)
        return window
    }

    /// A window that was open before, from its place on; nil: the log does not reach back so far.
    static func reopen(_ object: ReplicatedObject, from place: Position, in twin: Twin) async throws -> Window? {
        let window = Window(object, place: place, gapsUpTo: 0)
        try await window.attach(to: twin)
        do {
            if try await twin.store.read({ try window.isWhole($0) }) { return window }
        } catch {
            window.close(in: twin)
            throw error
        }
        window.close(in: twin)
        return nil
    }

    /// From now on it is told of what comes, and what came between its place and now it has taken in.
    private func attach(to twin: Twin) async throws {
        _ = try await twin.observe(self)
        do {
            var isBehind = true
            while isBehind { isBehind = try await twin.store.read { try self.takeInCommitted($0) } }
        } catch {
            close(in: twin)
            throw error
        }
    }

    func close(in twin: Twin) { twin.stopObserving(self) }

    // MARK: Being told

    func appended(_ events: [LoggedEvent]) {
        state.withLock { state in
            for event in events { note(event, &state) }
            // Positions have no holes: nothing lies between what was looked at and these.
            guard let first = events.first, let last = events.last,
                first.position.rawValue <= state.reached.rawValue + 1
            else { return }
            state.reached = max(state.reached, last.position)
        }
    }

    func declared(_ gap: Gap) {
        if isLoss(gap) { state.withLock { $0.isBroken = true } }
    }

    /// What an overflow or a conversion concerns, its event says; one that cannot be read puts in doubt what it names.
    private func isLoss(_ gap: Gap) -> Bool {
        topics.contains(gap.topic) && ![Gap.overflow, Gap.conversion, Gap.undecodable].contains(gap.reason)
    }

    /// In any order, and again.
    private func note(_ event: LoggedEvent, _ state: inout Knowledge) {
        guard event.position > place, let header = event.content.routing?.header, header.entityName == entity else {
            return
        }
        for text in header.recordIDs {
            guard let id = RecordID(text), id != .empty else {
                state.concernsAll = true
                continue
            }
            var positions = state.positions[id] ?? []
            let index = positions.lastIndex { $0 <= event.position }
            if let index, positions[index] == event.position { continue }
            positions.insert(event.position, at: index.map { $0 + 1 } ?? 0)
            state.positions[id] = positions
        }
    }

    /// One step of reading what was logged before the window was told of anything.
    private func takeInCommitted(_ reader: any StoreReader) throws(StoreError) -> Bool {
        var known = state.withLock { Knowledge(reached: $0.reached) }
        let isMore = try takeIn(reader, &known)
        state.withLock { state in
            for (id, positions) in known.positions {
                let both = Set(state.positions[id] ?? []).union(positions)
                state.positions[id] = both.sorted()
            }
            state.concernsAll = state.concernsAll || known.concernsAll
            state.isBroken = state.isBroken || known.isBroken
            state.reached = max(state.reached, known.reached)
        }
        return isMore
    }

    /// Takes in events behind what has been looked at; answers whether there may be more.
    private func takeIn(_ reader: any StoreReader, _ known: inout Knowledge) throws(StoreError) -> Bool {
        let (reached, head) = (known.reached, try reader.head())
        if reached >= head { return false }
        let events = try reader.events(
            after: reached, selection: .eventNames([eventName]), limit: Self.eventsAtOnce, bytesMax: Self.bytesAtOnce)
        let end = events.last?.position ?? head
        for event in events { note(event, &known) }
        if try reader.gaps(in: reached...end).contains(where: isLoss) { known.isBroken = true }
        known.reached = end
        return end < head
    }

    private static let eventsAtOnce = 1_000
    private static let bytesAtOnce = 8 << 20

    /// Whether retention has left everything behind the place.
    func isWhole(_ reader: any StoreReader) throws(StoreError) -> Bool {
        if try reader.head() <= place { return true }
        return try reader.oldest().map { $0.rawValue <= place.rawValue + 1 } ?? false
    }

    // MARK: Asking

    /// Records that an event which it was told of concerns.
    var followedIDs: [RecordID] { state.withLock { Array($0.positions.keys) } }

    /// What is known inside a transaction, which may have events that nobody has been told of, and never will be if it fails. One
    /// that only reads may lack events of which the window has been told since it began: they are left out.
    struct View {
        fileprivate let window: Window
        fileprivate let head: Position
        /// Behind what the window has looked at.
        fileprivate var beyond: Knowledge

        /// Positions of the events that concern a record, oldest first.
        func positions(of id: RecordID) -> [Position] {
            let told = window.state.withLock { $0.positions[id] ?? [] }
            let known = (told.last ?? .start) <= head ? told : told.filter { $0 <= head }
            guard let further = beyond.positions[id] else { return known }
            return known + further.filter { $0 > known.last ?? .start }
        }

        var concernsAll: Bool { beyond.concernsAll || window.state.withLock { $0.concernsAll } }
        var isBroken: Bool { beyond.isBroken || window.state.withLock { $0.isBroken } }
    }

    func view(_ reader: any StoreReader) throws(StoreError) -> View {
        var beyond = Knowledge(reached: state.withLock { $0.reached })
        while try takeIn(reader, &beyond) {}
        // What retention has dropped cannot be replayed.
        if try !isWhole(reader) { beyond.isBroken = true }
        return View(window: self, head: try reader.head(), beyond: beyond)
    }
}
