public import Doors
import Synchronization

/// Misbehaviour on command, for tests of clients. What goes in are faults; what comes out is which of them struck, and what
/// clients asked for, call by call. Seeded and repeatable: whether a fault strikes depends on its own seed and on how many calls it
/// has seen, on nothing else. Thread-safe.
public final class Faults: Sendable {
    /// How many faults may stand at once.
    static let faultsMax = 1_000
    /// How many calls and how many strikes are remembered; older ones are forgotten, their numbers are not given again.
    static let recordsMax = 10_000

    /// A fault that stands, and what has come of it.
    struct Standing: Sendable {
        let id: String
        let fault: Fault
        /// Calls that it concerned.
        var seen = 0
        /// Calls that it struck.
        var struck = 0
        fileprivate var random: SeededGenerator

        var isSpent: Bool { fault.times.map { struck >= $0 } ?? false }
    }

    /// A call that a client made, or a strike.
    struct Record: Sendable {
        /// From 1, without gaps.
        let number: Int
        let point: FaultPoint
        /// Set for strikes.
        let faultID: String?
        let kind: FaultKind?
        /// Milliseconds since 1970, of the org's clock.
        let at: Int64
    }

    private struct State {
        var standing: [Standing] = []
        var nextID = 1
        var calls = RecordBook()
        var strikes = RecordBook()
    }

    private let state = Mutex(State())
    private let clock: @Sendable () -> Int64
    /// Called when a fault was set: streams that wait for events must look.
    private let changed = Mutex<(@Sendable () -> Void)?>(nil)

    init(clock: @escaping @Sendable () -> Int64 = { 0 }) {
        self.clock = clock
    }

    func onChange(_ body: @escaping @Sendable () -> Void) { changed.withLock { $0 = body } }

    /// Nil where too many stand already.
    @discardableResult func set(_ fault: Fault) -> Standing? {
        let standing = state.withLock { state -> Standing? in
            guard state.standing.count < Self.faultsMax else { return nil }
            let standing = Standing(
                id: "f\(state.nextID)", fault: fault, random: SeededGenerator(seed: fault.seed))
            state.nextID += 1
            state.standing.append(standing)
            return standing
        }
        changed.withLock { $0 }?()
        return standing
    }

    /// In the order in which they were set; the first that strikes a call is the only one.
    var standing: [Standing] { state.withLock { $0.standing } }

    func remove(id: String) -> Bool {
        state.withLock { state in
            let count = state.standing.count
            state.standing.removeAll { $0.id == id }
            return state.standing.count < count
        }
    }

    /// Faults end and what was remembered is forgotten; numbers go on.
    public func clear() {
        state.withLock { state in
            state.standing = []
            state.calls.records = []
            state.strikes.records = []
        }
    }

    /// Calls after a number, oldest first.
    func calls(after number: Int, limit: Int) -> [Record] { state.withLock { $0.calls.after(number, limit: limit) } }
    func strikes(after number: Int, limit: Int) -> [Record] {
        state.withLock { $0.strikes.after(number, limit: limit) }
    }

    /// The fault that strikes here, if one does.
    func strike(_ point: FaultPoint) -> Fault? {
        let now = clock()
        return state.withLock { state in
            if point.isCall { state.calls.add { Record(number: $0, point: point, faultID: nil, kind: nil, at: now) } }
            var struck: Int?
            for index in state.standing.indices where state.standing[index].fault.concerns(point) {
                if Self.strikes(&state.standing[index]), struck == nil { struck = index }
            }
            guard let struck else { return nil }
            state.standing[struck].struck += 1
            let standing = state.standing[struck]
            state.strikes.add {
                Record(number: $0, point: point, faultID: standing.id, kind: standing.fault.kind, at: now)
            }
            return standing.fault
        }
    }

    /// True while a delivery may be other than it is.
    var concernDeliveries: Bool {
        state.withLock { state in
            state.standing.contains { ($0.fault.kind == .delay || $0.fault.kind == .duplicate) && !$0.isSpent }
        }
    }

    /// True while events are held back.
    var isDelaying: Bool { state.withLock { $0.standing.contains { $0.fault.kind == .delay && !$0.isSpent } } }

    /// True while a fault waits for its first stream: one that was set between a stream's look and its wait must not be missed.
    var awaitsStream: Bool {
        state.withLock { state in
            state.standing.contains { $0.seen == 0 && $0.fault.isForStreams }
        }
    }

    private static func strikes(_ standing: inout Standing) -> Bool {
        standing.seen += 1
        // Drawn for each call, struck or not, so that the n-th call always meets the n-th number.
        let draw = standing.fault.probability == nil ? 0 : Double.random(in: 0..<1, using: &standing.random)
        guard !standing.isSpent else { return false }
        if let nth = standing.fault.nth, standing.seen < nth { return false }
        return standing.fault.probability.map { draw < $0 } ?? true
    }
}

extension Faults: FaultOracle {
    public func fault(at point: FaultPoint) -> DoorFault? { strike(point)?.doorFault }
}

extension FaultPoint {
    /// What a client asked for, as against what the org does by itself.
    fileprivate var isCall: Bool {
        switch self {
        case .request, .call, .subscription, .schema: true
        case .answer, .callAnswer, .stream, .delivery, .write, .batch, .change: false
        }
    }
}

/// The newest records, numbered.
private struct RecordBook {
    var records: [Faults.Record] = []
    private var last = 0

    mutating func add(_ make: (Int) -> Faults.Record) {
        last += 1
        records.append(make(last))
        // Half at once, so that forgetting costs nothing per call.
        if records.count > Faults.recordsMax * 2 { records.removeFirst(Faults.recordsMax) }
    }

    func after(_ number: Int, limit: Int) -> [Faults.Record] {
        let first = records.first?.number ?? last + 1
        return Array(records.dropFirst(max(0, number - first + 1)).prefix(limit))
    }
}

/// The same numbers for the same seed, on every machine (SplitMix64).
struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
