/// What the ledgers of all threads say together.
struct Judgement: Sendable {
    /// Different events on a channel: a replay id and a record.
    var eventCount = 0
    var deliveryCount = 0
    /// Deliveries that were due, of events that came before the cut.
    var expectedCount = 0
    var lostCount = 0
    /// Due, not delivered, and in a gap that the server declared.
    var declaredCount = 0
    var gapCount = 0
    var duplicateCount = 0
    var outOfOrderCount = 0
    /// Subscriptions that are alone with their terms: whether they lost something cannot be seen.
    var aloneCount = 0
    /// Events whose replay ids have no order: whether they were lost or out of order is not judged.
    var unorderedCount = 0
    /// From the first arrival of an event to its last, in microseconds; events that came once are left out.
    var spread = Durations()
    var faults: [Ledger.Fault] = []

    /// - Parameters:
    ///   - ledgers: one of each thread; subscriptions with equal terms are a group across them.
    ///   - cut: events that first arrived after it, in microseconds, are not judged: they may still be on their way to others.
    init(_ ledgers: [Ledger], cut: Int64) {
        for ledger in ledgers {
            deliveryCount += ledger.deliveryCount
            gapCount += ledger.gapCount
            duplicateCount += ledger.duplicateCount
            outOfOrderCount += ledger.outOfOrderCount
            faults += ledger.faults
        }
        var events = ChannelEvents()
        for part in Self.parts(of: ledgers) {
            let group = JudgedGroup(part, ledgers, cut: cut)
            unorderedCount += group.unorderedCount
            judge(group, ledgers)
            events.add(group)
        }
        eventCount = events.count
        spread = events.spread
        faults = Array(faults.prefix(Ledger.faultsMax))
    }

    /// How many different events of these records any connection got.
    /// - Parameter records: fingerprints of their ids.
    static func seenCount(of records: Set<UInt64>, in ledgers: [Ledger]) -> Int {
        var seen: Set<EventKey> = []
        for ledger in ledgers {
            for group in ledger.groups {
                for event in group.events where records.contains(event.key.record) { seen.insert(event.key) }
            }
        }
        return seen.count
    }

    /// From the beginning of each published change to its event's first and last arrival, in microseconds. A record of which not
    /// every change was seen is left out: which of its events belongs to which change cannot be told.
    /// - Parameter begins: of the changes, by the fingerprint of the record's id.
    static func publishedTimes(
        _ begins: [UInt64: [Int64]], in ledgers: [Ledger]
    ) -> (first: Durations, last: Durations) {
        var events: [UInt64: [UInt64: Ledger.Event]] = [:]
        for group in ledgers.flatMap(\.groups) {
            for event in group.events where begins[event.key.record] != nil {
                guard let number = event.key.number else { continue }
                let known = events[event.key.record]?[number]
                events[event.key.record, default: [:]][number] = known.map { $0.merged(with: event) } ?? event
            }
        }
        var times = (first: Durations(), last: Durations())
        for (record, changes) in begins {
            let seen = (events[record] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
            guard seen.count == changes.count else { continue }
            for (begin, event) in zip(changes, seen) {
                times.first.record(event.firstArrival - begin)
                times.last.record(event.lastArrival - begin)
            }
        }
        return times
    }

    private mutating func judge(_ group: JudgedGroup, _ ledgers: [Ledger]) {
        if group.memberCount == 1 { aloneCount += 1 }
        for part in group.parts {
            let ledger = ledgers[part.ledger]
            let present = group.presence(in: ledger, part)
            for index in part.subscriptions where ledger.subscriptions[index].state != .asked {
                let subscription = ledger.subscriptions[index]
                guard let due = group.due(of: subscription) else { continue }
                expectedCount += due.count
                var got = 0
                if let first = subscription.first {
                    got = present[subscription.next] - present[first]
                    for hole in ledger.holes[index] ?? [] where present[hole + 1] > present[hole] { got -= 1 }
                }
                guard got < due.count else { continue }
                explain(due.count - got, of: index, in: ledger, part, group, due: due)
            }
        }
    }

    /// Which of the missing events the server declared as lost, and examples of the others.
    private mutating func explain(
        _ missing: Int, of index: Int, in ledger: Ledger, _ part: JudgedGroup.Part, _ group: JudgedGroup,
        due: Range<Int>
    ) {
        let gaps = ledger.gaps[index] ?? []
        guard !gaps.isEmpty || faults.count < Ledger.faultsMax else {
            lostCount += missing
            return
        }
        let subscription = ledger.subscriptions[index]
        var declared = 0
        for key in group.ordered[due] where !ledger.has(index, key, group: part.group) {
            guard let number = key.number else { continue }
            if gaps.contains(where: { $0.after.map { number > $0 } ?? true && number <= $0.upTo }) {
                declared += 1
            } else if faults.count < Ledger.faultsMax {
                faults.append(
                    .init(
                        kind: .lost, connection: subscription.connection, channel: group.terms.channel, replayID: number
                    ))
            }
        }
        declaredCount += declared
        lostCount += missing - declared
    }

    private static func parts(of ledgers: [Ledger]) -> [[JudgedGroup.Part]] {
        var places: [Ledger.Terms: Int] = [:]
        var parts: [[JudgedGroup.Part]] = []
        for (number, ledger) in ledgers.enumerated() {
            let members = Dictionary(grouping: ledger.subscriptions.indices) { ledger.subscriptions[$0].group }
            for (index, group) in ledger.groups.enumerated() {
                let place = places[group.terms] ?? parts.count
                if place == parts.count {
                    places[group.terms] = place
                    parts.append([])
                }
                parts[place].append(.init(ledger: number, group: index, subscriptions: members[index] ?? []))
            }
        }
        return parts
    }
}

extension Ledger {
    fileprivate func has(_ subscription: Int, _ key: EventKey, group: Int) -> Bool {
        guard let index = groups[group].indices[key], let first = subscriptions[subscription].first else {
            return false
        }
        return (first..<subscriptions[subscription].next).contains(index)
            && holes[subscription]?.contains(index) != true
    }
}

/// Equal terms in all ledgers, and the events that count.
private struct JudgedGroup {
    struct Part {
        var ledger: Int
        /// In that ledger.
        var group: Int
        var subscriptions: [Int]
    }

    let parts: [Part]
    let terms: Ledger.Terms
    /// Every event before the cut, whatever its replay id.
    private(set) var events: [EventKey: Ledger.Event] = [:]
    /// Those with a number, in the order of the log.
    let ordered: [EventKey]
    private let numbers: [UInt64]
    private(set) var unorderedCount = 0
    let memberCount: Int

    init(_ parts: [Part], _ ledgers: [Ledger], cut: Int64) {
        self.parts = parts
        terms = ledgers[parts[0].ledger].groups[parts[0].group].terms
        memberCount = parts.reduce(0) { count, part in
            count + part.subscriptions.count { ledgers[part.ledger].subscriptions[$0].state != .asked }
        }
        var merged: [EventKey: Ledger.Event] = [:]
        for part in parts {
            for event in ledgers[part.ledger].groups[part.group].events {
                merged[event.key] = merged[event.key].map { $0.merged(with: event) } ?? event
            }
        }
        events = merged.filter { $0.value.firstArrival <= cut }
        unorderedCount = events.keys.count { $0.number == nil }
        let pairs = events.keys.compactMap { key in key.number.map { (number: $0, key: key) } }
            .sorted { ($0.number, $0.key.record) < ($1.number, $1.key.record) }
        ordered = pairs.map(\.key)
        numbers = pairs.map(\.number)
    }

    /// For each index of a ledger's list, how many events before it count.
    func presence(in ledger: Ledger, _ part: Part) -> [Int] {
        var counts = [0]
        for event in ledger.groups[part.group].events {
            let isCounted = event.key.number != nil && events[event.key] != nil
            counts.append((counts.last ?? 0) + (isCounted ? 1 : 0))
        }
        return counts
    }

    /// The stretch of `ordered` that a subscription was to get; nil: nothing.
    func due(of subscription: Ledger.Subscription) -> Range<Int>? {
        // Where the family of the channel had no event yet, the place is another family's and may be any number: what came
        // was due all the same.
        let from = min(subscription.start.map { place(behind: $0) } ?? 0, place(before: subscription.lowest))
        switch subscription.state {
        case .asked: return nil
        case .open: return from..<max(from, numbers.count)
        case .ended:
            guard let highest = subscription.highest else { return nil }
            return from..<max(from, place(behind: highest))
        }
    }

    private func place(behind number: UInt64) -> Int { numbers.partitioningIndex { $0 > number } }
    private func place(before number: UInt64) -> Int { numbers.partitioningIndex { $0 >= number } }
}

extension Ledger.Event {
    fileprivate func merged(with other: Self) -> Self {
        Self(
            key: key, firstArrival: min(firstArrival, other.firstArrival),
            lastArrival: max(lastArrival, other.lastArrival), deliveries: deliveries + other.deliveries)
    }
}

/// The events of all groups: a channel's event is one, however different the terms it came by.
private struct ChannelEvents {
    private struct Key: Hashable {
        var channel: String
        var event: EventKey
    }

    private var events: [Key: Ledger.Event] = [:]

    var count: Int { events.count }

    var spread: Durations {
        var spread = Durations()
        for event in events.values where event.deliveries > 1 { spread.record(event.lastArrival - event.firstArrival) }
        return spread
    }

    mutating func add(_ group: JudgedGroup) {
        for (key, event) in group.events {
            let key = Key(channel: group.terms.channel, event: key)
            events[key] = events[key].map { $0.merged(with: event) } ?? event
        }
    }
}

extension [UInt64] {
    /// The first index whose element fits; those that fit stand behind those that do not.
    fileprivate func partitioningIndex(_ fits: (UInt64) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if fits(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
