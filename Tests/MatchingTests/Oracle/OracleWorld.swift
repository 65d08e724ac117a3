import ChangeEvents
import Matching
import SOQL

/// A small org and those who listen to it, with random operations on both: records come, change and go, subscriptions too,
/// tokens are exchanged for others, and the past is replayed. After each change it is compared who was told what with who had
/// to be, subscription by subscription, by `Wish`.
struct OracleWorld {
    struct Subscription {
        var channel: String
        /// Stands for the token's field mask, the form and the transport.
        var frameClass: UInt32
        /// Whose token limits it.
        var subject: Int
        var own: Wish?
    }

    struct Told: Hashable {
        var slot: UInt32
        var frameClass: UInt32
        var verdict: Verdict
    }

    struct Report {
        var operations = 0
        var told: [Verdict: Int] = [:]
        var notTold = 0
        var replayed = 0
        /// Told though not permitted or not wished for, or told too much (`event` for `left`).
        var leaks = 0
        /// Not told, or less.
        var misses = 0
        var firstMistake: String?
    }

    static let channels = ["/data/CaseChangeEvent", "/data/ChangeEvents", "/data/Support__chn"]
    private static let slotCount = 64
    private static let subjectCount = 10
    private static let historyMax = 40

    let seed: UInt64
    private var random: Randomness
    private let matcher = IndexMatcher()
    private var subscriptions: [UInt32: Subscription] = [:]
    /// What each subject's token allows; nil: everything.
    private var permissions: [Wish?]
    private var records: [RecordImage?]
    private var history: [MatchInput] = []
    private(set) var report = Report()

    init(seed: UInt64) {
        self.seed = seed
        random = Randomness(seed: seed)
        records = Array(repeating: nil, count: 6)
        permissions = []
        for _ in 0..<Self.subjectCount { permissions.append(random.oneIn(5) ? nil : random.wish(depth: 2)) }
    }

    mutating func run(operations: Int) throws {
        for _ in 0..<operations {
            report.operations += 1
            switch random.below(20) {
            case 0..<5: try subscribe(UInt32(random.below(Self.slotCount)))
            case 5: unsubscribe(UInt32(random.below(Self.slotCount)))
            case 6: try changePermission(of: random.below(Self.subjectCount))
            case 7: replay()
            default: change()
            }
        }
    }

    /// Everybody leaves; answers what the matcher still knows.
    mutating func leave() -> Int {
        for slot in subscriptions.keys.sorted() { unsubscribe(slot) }
        return Self.channels.reduce(0) { $0 + matcher.distinctConditions(channel: $1) + matcher.terms(channel: $1) }
    }

    // MARK: Subscriptions

    private mutating func subscribe(_ slot: UInt32) throws {
        // One channel keeps a subscription to the end, so that its tables live through everything.
        let subscription = Subscription(
            channel: slot == 0 ? Self.channels[0] : random.pick(Self.channels), frameClass: UInt32(random.below(5)),
            subject: random.below(Self.subjectCount), own: random.oneIn(6) ? nil : random.wish())
        subscriptions[slot] = subscription
        try insert(slot, subscription)
    }

    private mutating func unsubscribe(_ slot: UInt32) {
        subscriptions[slot] = nil
        matcher.remove(SubscriptionSlot(rawValue: slot))
    }

    /// A fresh token: wider, narrower or another.
    private mutating func changePermission(of subject: Int) throws {
        permissions[subject] = random.oneIn(4) ? nil : random.wish(depth: 2)
        for (slot, subscription) in subscriptions where subscription.subject == subject {
            try insert(slot, subscription)
        }
    }

    private func insert(_ slot: UInt32, _ subscription: Subscription) throws {
        let parts = try [permissions[subscription.subject], subscription.own].compactMap {
            try $0.map { try Condition($0.text) }
        }
        matcher.insert(
            SubscriptionSlot(rawValue: slot), channel: subscription.channel,
            frameClass: FrameClass(rawValue: subscription.frameClass),
            condition: parts.count == 2 ? Condition.and(parts[0], parts[1]) : parts.first)
    }

    // MARK: Records

    private mutating func change() {
        let number = random.below(records.count)
        let id = Changes.recordID("500xx000000000\(number)")
        let before = records[number]
        let type: ChangeType
        var after = before
        switch random.below(20) {
        case 0..<3 where before != nil:
            (type, after) = (random.pick([.delete, .gapDelete]), nil)
        case 3: type = random.pick([.gapUpdate, .gapCreate, .gapUndelete, .gapOverflow])
        case 4: (type, after) = (.snapshot, image(id, isComplete: true))
        case 5 where before == nil: (type, after) = (.update, image(id, isComplete: false))
        default:
            if var image = before {
                type = random.oneIn(15) ? .create : .update
                for field in Self.fields where random.oneIn(4) { image.fields[field] = random.value(of: field) }
                // A field that is not known any more.
                if random.oneIn(10), !image.isComplete { image.fields[random.pick(Self.fields)] = nil }
                after = image
            } else {
                (type, after) = (random.pick([.create, .undelete]), image(id, isComplete: !random.oneIn(5)))
            }
        }
        var input = Changes.input(type, before: before?.fields.dictionary, after: after?.fields.dictionary, id: id)
        input.transition.before?.isComplete = before?.isComplete ?? false
        input.transition.after?.isComplete = after?.isComplete ?? false
        records[number] = after
        if random.oneIn(12) {
            // An object that is not tracked: the event is all there is.
            input.transition = RecordTransition(id: id, before: nil, after: nil)
            // In a fixed order, so that a seed draws the same in every process.
            for field in Self.fields where random.oneIn(2) { input.values[field] = after?.fields[field] }
        }
        history.append(input)
        if history.count > Self.historyMax { history.removeFirst() }
        input.channel = random.pick(Self.channels)
        compare(input)
    }

    private static let fields = Randomness.fieldNames

    private mutating func image(_ id: RecordID, isComplete: Bool) -> RecordImage {
        var fields: [String: FieldValue] = [:]
        for field in Self.fields where !random.oneIn(isComplete ? 8 : 3) { fields[field] = random.value(of: field) }
        return RecordImage(entity: "Case", id: id, fields: fields, isComplete: isComplete)
    }

    // MARK: The comparison

    private mutating func compare(_ input: MatchInput) {
        var found: Set<Told> = []
        var calls: Set<Told> = []
        matcher.match(input) { frameClass, verdict, slots in
            let call = Told(slot: 0, frameClass: frameClass.rawValue, verdict: verdict)
            if !calls.insert(call).inserted { mistake(isLeak: true, "\(call) was called twice for \(input)") }
            for slot in slots {
                let told = Told(slot: slot.rawValue, frameClass: frameClass.rawValue, verdict: verdict)
                if !found.insert(told).inserted { mistake(isLeak: true, "\(told) twice for \(input)") }
            }
        }
        for (slot, subscription) in subscriptions where subscription.channel == input.channel {
            guard let verdict = expected(subscription, input) else {
                report.notTold += 1
                continue
            }
            report.told[verdict, default: 0] += 1
            let told = Told(slot: slot, frameClass: subscription.frameClass, verdict: verdict)
            if found.remove(told) == nil {
                mistake(isLeak: false, "\(told) was not told of \(input), by \(text(subscription))")
            }
        }
        for told in found {
            let subscription = subscriptions[told.slot].map { text($0) } ?? "nobody"
            mistake(isLeak: true, "\(told) was told of \(input), by \(subscription)")
        }
    }

    /// Some subscriptions of one channel go back to a place and read on from there, by what they may see now: one by itself, and
    /// all together.
    private mutating func replay() {
        let keys = subscriptions.keys.sorted()
        guard let slot = keys.dropFirst(random.below(max(1, keys.count))).first, let first = subscriptions[slot] else {
            return
        }
        var crowd = [(slot: slot, subscription: first)]
        for _ in 0..<random.below(6) {
            let slot = keys[random.below(keys.count)]
            guard let subscription = subscriptions[slot], subscription.channel == first.channel else { continue }
            crowd.append((slot, subscription))
        }
        for input in history.suffix(1 + random.below(Self.historyMax)) {
            report.replayed += 1
            let alone = matcher.verdict(of: SubscriptionSlot(rawValue: slot), on: input)
            var together: [Verdict?] = Array(repeating: nil, count: crowd.count)
            matcher.verdicts(of: crowd.map { SubscriptionSlot(rawValue: $0.slot) }, on: input) { together[$0] = $1 }
            let verdicts = [(alone, first)] + zip(together, crowd.map(\.subscription))
            for (verdict, subscription) in verdicts {
                let expected = expected(subscription, input)
                guard verdict != expected else { continue }
                mistake(
                    isLeak: verdict != nil,
                    "replay: \(String(describing: verdict)) for \(String(describing: expected)) of \(input), by \(text(subscription))"
                )
            }
        }
    }

    private mutating func mistake(isLeak: Bool, _ text: String) {
        if isLeak { report.leaks += 1 } else { report.misses += 1 }
        if report.firstMistake == nil { report.firstMistake = "seed \(seed), operation \(report.operations): \(text)" }
    }

    private func text(_ subscription: Subscription) -> String {
        "(\(permissions[subscription.subject]?.text ?? "everything")) AND (\(subscription.own?.text ?? "everything"))"
    }

    /// The table of `docs/conditions.md`, once more.
    private func expected(_ subscription: Subscription, _ input: MatchInput) -> Verdict? {
        let wishes = [permissions[subscription.subject], subscription.own].compactMap { $0 }
        if wishes.isEmpty { return .event }
        let (before, after) = (input.transition.before, input.transition.after)
        let type = input.header.changeType
        func isIn(_ value: (String) -> FieldValue?) -> Bool {
            let type = FieldValue.string(type.rawValue)
            return wishes.allSatisfy { wish in
                wish.holds { name in
                    switch name.lowercased() {
                    case "changeeventheader.changetype": type
                    case "billingaddress.city": value("BillingCity")
                    case let key: value(Self.fields.first { $0.lowercased() == key } ?? name)
                    }
                } == true
            }
        }
        func isIn(_ image: RecordImage?) -> Bool {
            guard let image else { return false }
            return isIn { image.fields[$0] ?? (image.isComplete ? .null : nil) }
        }
        let isLoss = [.delete, .gapCreate, .gapUpdate, .gapDelete, .gapUndelete].contains(type)
        if type == .gapOverflow || (before == nil && (after == nil || isLoss)) {
            return isIn { input.values[$0] } ? .event : nil
        }
        if isLoss { return isIn(before) ? .event : nil }
        switch (isIn(before), isIn(after)) {
        case (false, true) where type == .update: return .entered
        case (_, true): return .event
        case (true, false): return .left
        case (false, false): return nil
        }
    }
}
