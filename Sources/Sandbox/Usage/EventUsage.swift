import Doors
import Store
import Synchronization

/// Counts what the event bus delivers and takes, and says no where the org's allocation is used up.
///
/// Thread-safe. Counts are in memory and written down at most once in `saveInterval`, so that a delivery costs no
/// write; a crash forgets the last seconds of them.
final class EventUsage: Sendable {
    /// Milliseconds.
    static let saveInterval: Int64 = 5_000
    static let pubSubClient = "PUB_SUB_API"
    /// Publishes the change events.
    static let systemClient = "SYSTEM"

    private struct State {
        var ledger = UsageLedger()
        var delivered: [DeliveryKind: RollingCount] = [:]
        var published = RollingCount.hour
        var cometDClients = 0
        var lastSave: Int64 = 0
    }

    let allocations: EventAllocations
    private let clock: @Sendable () -> Int64
    private let state = Mutex(State())

    init(allocations: EventAllocations, clock: @escaping @Sendable () -> Int64) {
        self.allocations = allocations
        self.clock = clock
    }

    // MARK: Deliveries

    /// How many events may be delivered now; throws when none may.
    func deliveriesLeft(of kind: DeliveryKind = .busEvent) throws(EventBusError) -> Int {
        guard allocations.isEnforced else { return .max }
        let now = clock()
        let left =
            allocations.deliveriesPerDay(of: kind)
            - state.withLock { $0.delivered[kind, default: .day].count(at: now) }
        guard left > 0 else {
            throw EventBusError(
                code: .deliveryLimitExceeded, message: "You have exceeded the event delivery limit for your org.")
        }
        return left
    }

    /// `events` by name (`CaseChangeEvent`).
    func delivered(_ events: [String: Int], client: String) {
        let now = clock()
        state.withLock { state in
            for (event, count) in events {
                state.ledger.add(count, .delivery, event: event, client: client, at: now)
                state.delivered[.busEvent, default: .day].add(count, at: now)
            }
        }
    }

    /// Events of one channel that only CometD has.
    func delivered(_ count: Int, of kind: DeliveryKind, channel: String, client: String) {
        guard count > 0 else { return }
        let now = clock()
        state.withLock { state in
            state.ledger.add(count, kind.usageType, event: channel, client: client, at: now)
            state.delivered[kind, default: .day].add(count, at: now)
        }
    }

    // MARK: Publishing

    /// Takes what may be published of so many platform events; answers how many.
    func reservePublishing(_ count: Int) -> Int {
        let now = clock()
        return state.withLock { state in
            let left = allocations.isEnforced ? allocations.publishedPerHour - state.published.count(at: now) : .max
            let granted = max(0, min(count, left))
            state.published.add(granted, at: now)
            return granted
        }
    }

    /// Gives back what was reserved and not published.
    func returnPublishing(_ count: Int) {
        let now = clock()
        state.withLock { $0.published.add(-count, at: now) }
    }

    /// Notes what was really published. Change events have no allocation, but they are counted.
    func published(_ events: [String: Int], client: String) {
        guard !events.isEmpty else { return }
        let now = clock()
        state.withLock { state in
            for (event, count) in events {
                state.ledger.add(count, .publish, event: event, client: client, at: now)
            }
        }
    }

    // MARK: CometD clients

    func cometDConnected() throws(EventBusError) {
        let isIn = state.withLock { state -> Bool in
            guard state.cometDClients < allocations.cometDClients else { return false }
            state.cometDClients += 1
            return true
        }
        guard isIn else {
            throw EventBusError(
                code: .clientLimitExceeded, message: "Organization concurrent user limit exceeded")
        }
    }

    func cometDDisconnected() { state.withLock { $0.cometDClients = max(0, $0.cometDClients - 1) } }

    // MARK: Figures

    struct Figures: Sendable, Hashable {
        /// Change events and platform events.
        var delivered: Int
        var deliveredPushTopic: Int
        var deliveredGeneric: Int
        var published: Int
        var cometDClients: Int
    }

    var figures: Figures {
        let now = clock()
        return state.withLock { state in
            Figures(
                delivered: state.delivered[.busEvent, default: .day].count(at: now),
                deliveredPushTopic: state.delivered[.pushTopic, default: .day].count(at: now),
                deliveredGeneric: state.delivered[.generic, default: .day].count(at: now),
                published: state.published.count(at: now), cometDClients: state.cometDClients)
        }
    }

    var ledger: UsageLedger { state.withLock { $0.ledger } }

    // MARK: Keeping

    /// The changes to write down, when it is time to; nil otherwise.
    func takeChanges(force: Bool = false) throws -> [(key: String, value: [UInt8]?)]? {
        let now = clock()
        return try state.withLock { state in
            // A clock that was turned back must not stop the saving.
            guard force || abs(now - state.lastSave) >= Self.saveInterval else { return nil }
            state.lastSave = now
            let changes = try state.ledger.takeChanges()
            return changes.isEmpty ? nil : changes
        }
    }

    func restore(_ reader: any StoreReader) throws {
        let now = clock()
        var ledger = UsageLedger()
        let today = now / UsageLedger.day
        for day in (today - UsageLedger.daysKept)...today {
            guard let bytes = try reader.state(UsageLedger.stateKey(day: day)) else { continue }
            do {
                try ledger.restore(day: day, from: bytes)
            } catch {
                throw SandboxError(
                    code: .stateDamaged, message: "the event usage of day \(day) cannot be read", cause: error)
            }
        }
        let restored = ledger
        state.withLock { state in
            state.ledger = restored
            for (entry, count) in restored.days.values.joined() {
                let time = min(now, (entry.quarter + 1) * UsageLedger.quarter - 1)
                switch entry.type {
                case .delivery: state.delivered[.busEvent, default: .day].add(count, at: time)
                case .pushTopicDelivery: state.delivered[.pushTopic, default: .day].add(count, at: time)
                case .genericDelivery: state.delivered[.generic, default: .day].add(count, at: time)
                case .publish where entry.event.hasSuffix("__e"): state.published.add(count, at: time)
                case .publish: break
                }
            }
        }
    }
}
