/// What each subscription got, kept so that what it did not get, got twice or got too early can be told. A pure value.
///
/// Subscriptions with the same terms are a *group* and must get the same events. A group lists the events that any of its
/// members got, in the order of their first arrival; a subscription is a stretch of that list and the holes in it. While all is
/// well the next event of a subscription is the next of the list, and a delivery costs a comparison and a few numbers.
///
/// Times are in microseconds, on any clock that all ledgers of a run share.
struct Ledger: Sendable {
    /// What decides which events a subscription is sent.
    struct Terms: Hashable, Sendable {
        var channel: String
        var condition: String?
        /// Who may see what: equal where two tokens allow the same.
        var grant: String
    }

    struct Event: Sendable {
        var key: EventKey
        var firstArrival: Int64
        var lastArrival: Int64
        var deliveries: Int
    }

    struct Group: Sendable {
        var terms: Terms
        var events: [Event] = []
        var indices: [EventKey: Int] = [:]
    }

    struct Subscription: Sendable {
        enum State: Sendable {
            /// The server has not accepted it.
            case asked
            case open
            /// The connection has ended: nothing is due after the last event it got.
            case ended
        }

        var state = State.asked
        var group: Int
        var connection: Int
        /// The place named in `subscribed`: what comes after it is due.
        var start: UInt64?
        var lowest = UInt64.max
        var highest: UInt64?
        /// Of the group's list, where it has got anything.
        var first: Int?
        var next = 0
    }

    enum FaultKind: String, Encodable, Hashable, Sendable {
        case lost
        case duplicate
        case outOfOrder = "out_of_order"
    }

    /// An example of what went wrong.
    struct Fault: Hashable, Sendable {
        var kind: FaultKind
        /// From 1.
        var connection: Int
        var channel: String
        /// Nil where it is not a number.
        var replayID: UInt64?
    }

    enum Receipt: Hashable, Sendable {
        case new
        case late
        case duplicate
    }

    /// Examples kept of each ledger.
    static let faultsMax = 20

    private(set) var groups: [Group] = []
    private(set) var subscriptions: [Subscription] = []
    private(set) var deliveryCount = 0
    private(set) var duplicateCount = 0
    private(set) var outOfOrderCount = 0
    /// Messages that declare a gap.
    private(set) var gapCount = 0
    private(set) var faults: [Fault] = []
    /// Indices into a group's list, by subscription.
    private(set) var holes: [Int: Set<Int>] = [:]
    /// Declared gaps by subscription: behind the first number (nil: behind nothing), up to the second.
    private(set) var gaps: [Int: [(after: UInt64?, upTo: UInt64)]] = [:]
    private var groupIndices: [Terms: Int] = [:]

    /// Adds a subscription that is going to be asked for.
    mutating func add(_ terms: Terms, connection: Int) -> Int {
        let group = groupIndices[terms] ?? groups.count
        if group == groups.count {
            groups.append(Group(terms: terms))
            groupIndices[terms] = group
        }
        subscriptions.append(Subscription(group: group, connection: connection))
        return subscriptions.count - 1
    }

    /// The server has accepted it.
    mutating func accepted(_ subscription: Int, at place: EventKey.Place) {
        subscriptions[subscription].state = .open
        if case .number(let number) = place { subscriptions[subscription].start = number }
        guard subscriptions[subscription].first == nil else { return }
        subscriptions[subscription].next = groups[subscriptions[subscription].group].events.count
    }

    mutating func ended(_ subscription: Int) {
        if subscriptions[subscription].state == .open { subscriptions[subscription].state = .ended }
    }

    /// The server says that events up to `place` may be missing.
    mutating func declaredGap(_ subscription: Int, upTo place: EventKey.Place) {
        gapCount += 1
        guard case .number(let number) = place else { return }
        let row = subscriptions[subscription]
        gaps[subscription, default: []].append((after: row.highest ?? row.start, upTo: number))
    }

    /// The event that a subscription is expected to get next, as an index into its group's list; it may not be there yet.
    @inline(__always)
    func expected(_ subscription: Int) -> (group: Int, index: Int) {
        (subscriptions[subscription].group, subscriptions[subscription].next)
    }

    mutating func received(_ subscription: Int, _ key: EventKey, at arrival: Int64) -> Receipt {
        deliveryCount += 1
        let group = subscriptions[subscription].group
        let next = subscriptions[subscription].next
        let index: Int
        if next < groups[group].events.count, groups[group].events[next].key == key {
            index = next
        } else if let known = groups[group].indices[key] {
            index = known
        } else {
            index = groups[group].events.count
            groups[group].events.append(Event(key: key, firstArrival: arrival, lastArrival: arrival, deliveries: 0))
            groups[group].indices[key] = index
        }
        let receipt = place(subscription, index)
        guard receipt != .duplicate else {
            duplicateCount += 1
            note(.duplicate, subscription, key)
            return receipt
        }
        // Not only the last arrival: another thread's clock reading may be handed in later.
        groups[group].events[index].firstArrival = min(groups[group].events[index].firstArrival, arrival)
        groups[group].events[index].lastArrival = max(groups[group].events[index].lastArrival, arrival)
        groups[group].events[index].deliveries += 1
        checkOrder(subscription, key)
        return receipt
    }

    private mutating func place(_ subscription: Int, _ index: Int) -> Receipt {
        guard let first = subscriptions[subscription].first else {
            subscriptions[subscription].first = index
            subscriptions[subscription].next = index + 1
            return .new
        }
        let next = subscriptions[subscription].next
        if index >= next {
            if index > next { holes[subscription, default: []].formUnion(next..<index) }
            subscriptions[subscription].next = index + 1
            return .new
        }
        if index < first {
            if index + 1 < first { holes[subscription, default: []].formUnion(index + 1..<first) }
            subscriptions[subscription].first = index
            return .late
        }
        guard holes[subscription]?.remove(index) != nil else { return .duplicate }
        if holes[subscription]?.isEmpty == true { holes[subscription] = nil }
        return .late
    }

    /// Replay ids of a channel go up. Several records of one event share theirs.
    private mutating func checkOrder(_ subscription: Int, _ key: EventKey) {
        guard let number = key.number else { return }
        subscriptions[subscription].lowest = min(subscriptions[subscription].lowest, number)
        if let highest = subscriptions[subscription].highest, number < highest {
            outOfOrderCount += 1
            note(.outOfOrder, subscription, key)
        } else {
            subscriptions[subscription].highest = number
        }
    }

    private mutating func note(_ kind: FaultKind, _ subscription: Int, _ key: EventKey) {
        guard faults.count < Self.faultsMax else { return }
        let row = subscriptions[subscription]
        faults.append(
            Fault(
                kind: kind, connection: row.connection, channel: groups[row.group].terms.channel, replayID: key.number))
    }
}
