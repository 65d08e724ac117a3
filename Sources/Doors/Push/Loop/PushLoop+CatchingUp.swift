internal import ChangeEvents
internal import Matching
internal import Store

/// Catching up: subscriptions that began in the past or fell behind read the log until they stand at the loop's head, and
/// are live from then on. Within one turn of the loop, so nothing can come between.
///
/// A connection reads once for all its subscriptions, in the log's order: that is what makes one `Last-Event-ID` good for
/// several channels of an event stream. From the loop's own memory where it reaches back far enough, and there one is judged
/// for all that are judged alike (`ReplayBook`); otherwise in chunks from the store. It goes on only when its queue is empty, so a
/// client that reads slowly costs a window, not its backlog.
extension PushLoop {
    /// Entries judged for a connection before others get their turn. A window ends earlier when the queue is full.
    static let windowItems = 64
    /// What a crowd that catches up may take of one turn, in judgements; the rest of it goes on in the next.
    static let effortPerTurn = 4_096
    /// What bringing a connection forward costs beside judging, mostly a system call, in judgements.
    static let connectionEffort = 8
    /// Connections that are brought forward together: an entry is looked at once for all of them.
    static let connectionsPerSlice = 64

    func setBehind(_ row: UInt32, _ isBehind: Bool) {
        guard connections[row].flags.contains(.isBehind) != isBehind else { return }
        if isBehind { connections[row].flags.insert(.isBehind) } else { connections[row].flags.remove(.isBehind) }
        statistics.connectionsBehind += isBehind ? 1 : -1
    }

    func schedule(_ row: UInt32) {
        guard !connections[row].flags.contains(.isScheduled) else { return }
        connections[row].flags.insert(.isScheduled)
        scheduled.append(row)
    }

    func bringForward() {
        guard !scheduled.isEmpty else {
            if statistics.connectionsBehind == 0 { replayBook.clear() }
            return
        }
        let rows = scheduled
        scheduled = []
        effort = 0
        var rest = rows[...]
        while !rest.isEmpty, effort < Self.effortPerTurn {
            let slice = rest.prefix(Self.connectionsPerSlice)
            rest = rest.dropFirst(slice.count)
            for row in slice { connections[row].flags.remove(.isScheduled) }
            bringForward(slice)
        }
        scheduled.insert(contentsOf: rest, at: 0)
    }

    func chunkRead(_ question: LogQuestion, _ answer: ChunkAnswer) {
        let row = question.connection
        guard connections[row].generation == question.generation, isServing(row) else { return }
        connections[row].flags.remove(.isReading)
        switch answer {
        case .items(let items, let retained, let reached):
            statistics.chunksRead += 1
            for slot in behind(row) where hasLost(slot, before: retained) {
                beginAfterGap(slot, id: nil, isNew: false)
            }
            consume(items, reached: reached, row)
        case .failed:
            goAway(row, retryAfterMilliseconds: retryDelay())
        }
        schedule(row)
    }

    private func bringForward(_ rows: ArraySlice<UInt32>) {
        var replays: [Replay] = []
        for row in rows { if let replay = replay(of: row) { replays.append(replay) } }
        extend(replays)
        for replay in replays { queue(replay) }
        effort += rows.count * Self.connectionEffort
    }

    /// A connection that goes on from the loop's memory: its subscriptions that are behind, with what is known for each.
    private struct Replay {
        var row: UInt32
        var parts: [(slot: UInt32, notes: ReplayBook.Notes)]
    }

    /// What a connection goes on with, where that is the loop's memory; whatever else it needs is begun here.
    private func replay(of row: UInt32) -> Replay? {
        guard isServing(row), connections[row].flags.contains(.isBehind) else { return nil }
        guard connections[row].flags.isDisjoint(with: [.isReading, .isBlocked]) else { return nil }
        // The flush at the end of this turn brings it back here.
        guard connections[row].queueCount == 0 else { return nil }
        let slots = behind(row)
        guard !slots.contains(where: { subscriptions[$0].state == .resolving }) else { return nil }
        guard let start = slots.map({ subscriptions[$0].place }).min() else {
            setBehind(row, false)
            return nil
        }
        if start >= log.head {
            for slot in slots { goLive(slot) }
            setBehind(row, false)
        } else if start < log.floor {
            read(after: start, slots, row)
        } else if slots.contains(where: { subscriptions[$0].slow == .conflate }) {
            let items = log.items(after: start, limit: Self.windowItems) ?? []
            consume(items, reached: items.last?.place ?? log.head, row)
            schedule(row)
        } else {
            let parts = slots.map { slot in
                let kin = matcher.kin(of: SubscriptionSlot(rawValue: slot))
                return (slot, replayBook.notes(for: kin, at: subscriptions[slot].place, floor: log.floor))
            }
            return Replay(row: row, parts: parts)
        }
        return nil
    }

    /// Judges on for the subscriptions of these connections: for each lot the next window, each entry once for all lots.
    private func extend(_ replays: [Replay]) {
        var lots: [String: [ReplayBook.Lot]] = [:]
        var seen: Set<ObjectIdentifier> = []
        for part in replays.flatMap(\.parts) where part.notes.through < log.head {
            guard seen.insert(ObjectIdentifier(part.notes)).inserted else { continue }
            let frameClass = FrameClass(rawValue: subscriptions[part.slot].frameClass)
            let lot = ReplayBook.Lot(
                slot: SubscriptionSlot(rawValue: part.slot), form: classes[frameClass].form, notes: part.notes)
            lots[classes[frameClass].channel, default: []].append(lot)
        }
        for (channel, lots) in lots {
            var rest = lots.sorted { $0.notes.through < $1.notes.through }[...]
            while let first = rest.first, let items = log.items(after: first.notes.through, limit: Self.windowItems) {
                let end = items.last?.place ?? log.head
                let together = rest.prefix { $0.notes.through < end }
                rest = rest.dropFirst(together.count)
                judge(items, channel: channel, for: together)
                for lot in together { lot.notes.reach(end) }
            }
        }
    }

    /// - Parameter lots: in the order of the places that they have reached.
    private func judge(_ items: [LogItem], channel: String, for lots: ArraySlice<ReplayBook.Lot>) {
        var count = 0
        var slots: [SubscriptionSlot] = []
        for item in items {
            while count < lots.count, lots[lots.startIndex + count].notes.through < item.place {
                slots.append(lots[lots.startIndex + count].slot)
                count += 1
            }
            guard item.concerns(channel: channel) else { continue }
            let concerned = lots.prefix(count)
            if case .gap = item.content {
                for lot in concerned { lot.notes.append(.init(place: item.place, record: 0, kind: .gap)) }
                continue
            }
            for lot in concerned { lot.notes.sawEvent(at: item.place) }
            for record in item.inputs.indices {
                matcher.verdicts(of: slots, on: item.inputs[record]) { index, verdict in
                    let lot = lots[lots.startIndex + index]
                    let kind = FrameKey.Kind(verdict, form: lot.form)
                    lot.notes.append(.init(place: item.place, record: UInt32(record), kind: kind))
                }
            }
            effort += slots.count * item.inputs.count
        }
    }

    /// Queues what is known to be a connection's, in the log's order, until its queue is full.
    private func queue(_ replay: Replay) {
        let row = replay.row
        var found: [(hit: ReplayBook.Hit, slot: UInt32)] = []
        var reached = replay.parts.reduce(log.head) { min($0, $1.notes.through) }
        for (slot, notes) in replay.parts {
            for hit in notes.hits(after: subscriptions[slot].place) where hit.place <= reached {
                found.append((hit, slot))
            }
        }
        // Stable: records of one entry stay in their order, and subscriptions in that of the connection.
        if replay.parts.count > 1 { found.sort { $0.hit.place < $1.hit.place } }
        var last = LogPlace.start
        for (hit, slot) in found {
            if hit.place != last, isFull(row) {
                // Everything before it is handled.
                reached = LogPlace(rawValue: hit.place.rawValue - 1)
                break
            }
            last = hit.place
            queue(frame(of: hit, slot), place: hit.place, slot)
            if hit.kind == .gap { statistics.gaps += 1 } else { statistics.deliveries += 1 }
        }
        for (slot, notes) in replay.parts {
            statistics.directDeliveries += notes.seenCount(after: subscriptions[slot].place, upTo: reached)
            subscriptions[slot].place = max(subscriptions[slot].place, reached)
        }
        flush(row)
        schedule(row)
    }

    private func frame(of hit: ReplayBook.Hit, _ slot: UInt32) -> FrameRing.Index {
        let frameClass = FrameClass(rawValue: subscriptions[slot].frameClass)
        let key = FrameKey(
            place: hit.place, record: hit.record, kind: hit.kind, classSerial: classes.serial(frameClass))
        if let index = frames.find(key) { return index }
        guard let item = log.item(at: hit.place) else {
            preconditionFailure("the loop's memory begins before the place")
        }
        return frame(item, record: Int(hit.record), hit.kind, frameClass)
    }

    private func behind(_ row: UInt32) -> [UInt32] {
        var slots: [UInt32] = []
        var slot = connections[row].firstSubscription
        while slot != Connection.none {
            if subscriptions[slot].state == .behind || subscriptions[slot].state == .resolving { slots.append(slot) }
            slot = subscriptions[slot].next
        }
        return slots
    }

    /// Whether retention has passed the place. To one that reads from the oldest event on that is no loss; one whose place is
    /// still being looked up has lost nothing yet, and its request waits for an answer.
    private func hasLost(_ slot: UInt32, before retained: Position) -> Bool {
        let subscription = subscriptions[slot]
        guard subscription.state == .behind, subscription.place.position < retained else { return false }
        return !(subscription.isFromStart && subscription.place == .start)
    }

    private func goLive(_ slot: UInt32) {
        subscriptions[slot].state = .live
        subscriptions[slot].isFromStart = false
    }

    private func read(after start: LogPlace, _ slots: [UInt32], _ row: UInt32) {
        var names: Set<String> = []
        var isAll = false
        for slot in slots {
            // Platform events and change events of one object go by the schema's name; an empty one has no schema.
            guard let name = PushChannel(channel(of: slot))?.eventName else {
                isAll = true
                continue
            }
            names.formUnion([name, ""])
        }
        let wish = ChunkWish(after: start, selection: isAll ? .all : .eventNames(names))
        connections[row].flags.insert(.isReading)
        shared.reader.ask(
            LogQuestion(loop: index, connection: row, generation: connections[row].generation, kind: .chunk(wish)))
    }

    /// Judges entries for the connection's subscriptions that are behind, window by window, until the socket is full.
    private func consume(_ items: [LogItem], reached: LogPlace, _ row: UInt32) {
        let slots = behind(row).filter { subscriptions[$0].state == .behind }
        var start = 0
        while start < items.count {
            let window = items[start..<min(start + Self.windowItems, items.count)]
            let handled = judge(window, slots, row)
            let place = items[start + handled - 1].place
            for slot in slots { subscriptions[slot].place = max(subscriptions[slot].place, place) }
            start += handled
            flush(row)
            guard isServing(row), !connections[row].flags.contains(.isBlocked) else { return }
        }
        for slot in slots { subscriptions[slot].place = max(subscriptions[slot].place, reached) }
    }

    /// Queues what the window means to the subscriptions; answers how many of its entries were handled.
    private func judge(_ window: ArraySlice<LogItem>, _ slots: [UInt32], _ row: UInt32) -> Int {
        var conflation = Conflation()
        var handled = 0
        for item in window {
            for slot in slots where item.place > subscriptions[slot].place && item.concerns(channel: channel(of: slot))
            {
                if case .gap = item.content {
                    statistics.gaps += 1
                    let frameClass = FrameClass(rawValue: subscriptions[slot].frameClass)
                    queue(frame(item, record: 0, .gap, frameClass), place: item.place, slot)
                    continue
                }
                statistics.directDeliveries += 1
                if subscriptions[slot].slow == .conflate {
                    statistics.conflated += conflation.add(item, slot: slot)
                } else {
                    for record in item.inputs.indices {
                        judge(item, record: record, item.inputs[record].transition, slot)
                    }
                }
            }
            handled += 1
            if isFull(row, with: conflation.count) { break }
        }
        for state in conflation.states {
            judge(state.item, record: state.record, state.transition, state.slot, isNewest: state.isMerged)
        }
        return handled
    }

    private func judge(
        _ item: LogItem, record: Int, _ transition: RecordTransition, _ slot: UInt32, isNewest: Bool = false
    ) {
        var input = item.inputs[record]
        input.transition = transition
        guard let verdict = matcher.verdict(of: SubscriptionSlot(rawValue: slot), on: input) else { return }
        let frameClass = FrameClass(rawValue: subscriptions[slot].frameClass)
        var kind = FrameKey.Kind(verdict, form: classes[frameClass].form)
        // Changes before it were skipped: what it changed alone would not bring the client up to date.
        if isNewest, kind == .event { kind = .whole }
        queue(frame(item, record: record, kind, frameClass), place: item.place, slot)
        statistics.deliveries += 1
    }

    private func queue(_ frame: FrameRing.Index, place: LogPlace, _ slot: UInt32) {
        append(frame, to: subscriptions[slot].connection, subscription: slot, place: place)
        subscriptions[slot].told = max(subscriptions[slot].told, place)
    }
}

/// The newest state of each record in a stretch of the log, for subscriptions that skip intermediate ones.
///
/// Judged by the record before the first change and after the last, so that a record which entered and left in between is
/// not mentioned at all. Only where images exist: without them the changes are all there is to know, and none is skipped.
struct Conflation {
    struct State {
        var slot: UInt32
        var item: LogItem
        var record: Int
        var transition: RecordTransition
        var isMerged: Bool
    }

    private struct Key: Hashable {
        var slot: UInt32
        var id: RecordID
    }

    private var latest: [Key: State] = [:]
    private var others: [State] = []

    /// Adds an entry for a subscription; answers how many states it made obsolete.
    mutating func add(_ item: LogItem, slot: UInt32) -> Int {
        var obsolete = 0
        for record in item.inputs.indices {
            let transition = item.inputs[record].transition
            let state = State(slot: slot, item: item, record: record, transition: transition, isMerged: false)
            guard transition.before != nil || transition.after != nil else {
                others.append(state)
                continue
            }
            let key = Key(slot: slot, id: transition.id)
            if let earlier = latest[key] {
                obsolete += 1
                let whole = RecordTransition(
                    id: transition.id, before: earlier.transition.before, after: transition.after)
                latest[key] = State(slot: slot, item: item, record: record, transition: whole, isMerged: true)
            } else {
                latest[key] = state
            }
        }
        return obsolete
    }

    var count: Int { others.count + latest.count }

    /// In the log's order.
    var states: [State] {
        (others + latest.values).sorted { ($0.item.place, $0.record, $0.slot) < ($1.item.place, $1.record, $1.slot) }
    }
}
