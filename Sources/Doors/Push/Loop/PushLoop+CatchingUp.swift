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
        for (index, row) in rows.enumerated() {
            guard effort < Self.effortPerTurn else {
                scheduled.insert(contentsOf: rows[index...], at: 0)
                return
            }
            connections[row].flags.remove(.isScheduled)
            bringForward(row)
            effort += Self.connectionEffort
        }
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

    private func bringForward(_ row: UInt32) {
        guard isServing(row), connections[row].flags.contains(.isBehind) else { return }
        guard connections[row].flags.isDisjoint(with: [.isReading, .isBlocked]) else { return }
        // The flush at the end of this turn brings it back here.
        guard connections[row].queueCount == 0 else { return }
        let slots = behind(row)
        guard !slots.contains(where: { subscriptions[$0].state == .resolving }) else { return }
        guard let start = slots.map({ subscriptions[$0].place }).min() else { return setBehind(row, false) }
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
            replay(slots, row)
            schedule(row)
        }
    }

    /// Queues what the loop's memory holds for the subscriptions, as far as it has been judged or is judged now.
    private func replay(_ slots: [UInt32], _ row: UInt32) {
        var found: [(hit: ReplayBook.Hit, slot: UInt32)] = []
        var reached = log.head
        var notes: [ReplayBook.Notes] = []
        for slot in slots {
            let note = replayBook.notes(
                for: matcher.kin(of: SubscriptionSlot(rawValue: slot)), at: subscriptions[slot].place, floor: log.floor)
            extend(note, slot)
            notes.append(note)
            reached = min(reached, note.through)
        }
        for (slot, note) in zip(slots, notes) {
            for hit in note.hits(after: subscriptions[slot].place) where hit.place <= reached {
                found.append((hit, slot))
            }
        }
        // Stable: records of one entry stay in their order, and subscriptions in that of the connection.
        if slots.count > 1 { found.sort { $0.hit.place < $1.hit.place } }
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
        for (slot, note) in zip(slots, notes) {
            statistics.directDeliveries += note.seenCount(after: subscriptions[slot].place, upTo: reached)
            subscriptions[slot].place = max(subscriptions[slot].place, reached)
        }
        flush(row)
    }

    /// Judges the next window for all that are judged as this subscription is.
    private func extend(_ notes: ReplayBook.Notes, _ slot: UInt32) {
        guard notes.through < log.head, let items = log.items(after: notes.through, limit: Self.windowItems)
        else { return }
        let channel = channel(of: slot)
        let form = classes[FrameClass(rawValue: subscriptions[slot].frameClass)].form
        for item in items where item.concerns(channel: channel) {
            if case .gap = item.content {
                notes.append([ReplayBook.Hit(place: item.place, record: 0, kind: .gap)], isEvent: false, at: item.place)
                continue
            }
            var hits: [ReplayBook.Hit] = []
            for record in item.inputs.indices {
                guard let verdict = matcher.verdict(of: SubscriptionSlot(rawValue: slot), on: item.inputs[record])
                else { continue }
                hits.append(
                    ReplayBook.Hit(
                        place: item.place, record: UInt32(record), kind: FrameKey.Kind(verdict, form: form)))
            }
            effort += item.inputs.count
            notes.append(hits, isEvent: true, at: item.place)
        }
        notes.reach(items.last?.place ?? log.head)
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
