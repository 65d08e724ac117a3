import ChangeEvents
import Matching
import SOQL
import Testing

/// ScanMatcher against a list of subscriptions that are judged one by one, by rules written a second time and
/// differently: the conditions are closures over plain fields, without SOQL's parser or evaluator.
struct OracleTests {
    /// A condition in both forms. The closure answers nil for "cannot be known".
    struct Subject: Sendable {
        var text: String
        var holds: @Sendable ([String: FieldValue?]) -> Bool?
    }

    struct Subscription {
        var channel: String
        var frameClass: UInt32
        var subject: Int?
    }

    struct Delivery: Hashable {
        var slot: UInt32
        var frameClass: UInt32
        var verdict: Verdict
    }

    @Test(arguments: [101, 102, 103, 104] as [UInt64])
    func scanAgreesWithJudgingOneByOne(seed: UInt64) throws {
        try run(ScanMatcher(), seed: seed)
    }

    @Test(arguments: [101, 102, 103, 104] as [UInt64])
    func indexAgreesWithJudgingOneByOne(seed: UInt64) throws {
        try run(IndexMatcher(), seed: seed)
    }

    private func run(_ empty: some Matcher, seed: UInt64) throws {
        var random = Randomness(seed: seed)
        let conditions = try Self.subjects.map { try Condition($0.text) }
        var matcher = empty
        var subscriptions: [String: [UInt32: Subscription]] = [:]
        var deliveries: [Verdict: Int] = [:]
        for step in 0..<8_000 {
            switch random.below(10) {
            case 0..<4:
                let slot = UInt32(random.below(60))
                let subscription = Subscription(
                    channel: random.pick(Self.channels), frameClass: UInt32(random.below(4)),
                    subject: random.below(8) == 0 ? nil : random.below(Self.subjects.count))
                subscriptions[subscription.channel, default: [:]][slot] = subscription
                matcher.insert(
                    SubscriptionSlot(rawValue: slot), channel: subscription.channel,
                    frameClass: FrameClass(rawValue: subscription.frameClass),
                    condition: subscription.subject.map { conditions[$0] })
            case 4..<6:
                let slot = UInt32(random.below(60))
                let channel = random.pick(Self.channels)
                subscriptions[channel]?[slot] = nil
                matcher.remove(SubscriptionSlot(rawValue: slot), channel: channel)
            default:
                let input = random.change()
                var found: Set<Delivery> = []
                var calls: Set<[String]> = []
                matcher.match(input) { frameClass, verdict, slots in
                    #expect(
                        calls.insert(["\(frameClass.rawValue)", "\(verdict)"]).inserted,
                        "called twice for one class and verdict")
                    for slot in slots {
                        let delivery = Delivery(slot: slot.rawValue, frameClass: frameClass.rawValue, verdict: verdict)
                        if !found.insert(delivery).inserted { Issue.record("a slot twice, seed \(seed), step \(step)") }
                    }
                }
                var expected: Set<Delivery> = []
                for (slot, subscription) in subscriptions[input.channel] ?? [:] {
                    let verdict = Self.verdict(subscription.subject.map { Self.subjects[$0] }, input)
                    let alone = matcher.verdict(for: subscription.subject.map { conditions[$0] }, on: input)
                    // An expectation costs more than the verdict: only a failure is recorded.
                    if alone != verdict { Issue.record("seed \(seed), step \(step): \(input)") }
                    guard let verdict else { continue }
                    expected.insert(Delivery(slot: slot, frameClass: subscription.frameClass, verdict: verdict))
                    deliveries[verdict, default: 0] += 1
                }
                #expect(found == expected, "seed \(seed), step \(step): \(input)")
            }
        }
        // The test has met all that it is about.
        #expect(deliveries.count == 3 && deliveries.values.allSatisfy { $0 > 500 }, "\(deliveries)")
    }

    // MARK: The rules again

    private static func verdict(_ subject: Subject?, _ input: MatchInput) -> Verdict? {
        guard let subject else { return .event }
        let type = input.header.changeType
        let before = input.transition.before.map { known(in: $0, input) }
        let after = input.transition.after.map { known(in: $0, input) }
        func shows(_ fields: [String: FieldValue?]?) -> Bool { fields.map { subject.holds($0) == true } ?? false }
        if before == nil && after == nil || type == .gapOverflow || (before == nil && (type == .delete || type.isGap)) {
            var fields: [String: FieldValue?] = [:]
            for name in fieldNames { fields[name] = .some(input.values[name]) }
            fields["type"] = .string(type.rawValue)
            return shows(fields) ? .event : nil
        }
        if type == .delete || type.isGap { return shows(before) ? .event : nil }
        if type != .update { return shows(after) ? .event : shows(before) ? .left : nil }
        if shows(after) { return shows(before) ? .event : .entered }
        return shows(before) ? .left : nil
    }

    /// Every field with its value; nil where it is not known.
    private static func known(in image: RecordImage, _ input: MatchInput) -> [String: FieldValue?] {
        var fields: [String: FieldValue?] = [:]
        for name in fieldNames { fields[name] = .some(image.fields[name] ?? (image.isComplete ? .null : nil)) }
        fields["type"] = .string(input.header.changeType.rawValue)
        return fields
    }

    static let fieldNames = ["OwnerId", "Status", "Amount", "BillingCity", "Closed"]
    static let channels = ["/data/CaseChangeEvent", "/data/ChangeEvents", "/data/Support__chn"]

    private static func text(_ fields: [String: FieldValue?], _ name: String, _ test: (String?) -> Bool) -> Bool? {
        switch fields[name] ?? nil {
        case .string(let text)?: test(text.lowercased())
        case .null?: test(nil)
        default: nil
        }
    }

    private static func amount(_ fields: [String: FieldValue?], _ test: (Double?) -> Bool) -> Bool? {
        switch fields["Amount"] ?? nil {
        case .integer(let integer)?: test(Double(integer))
        case .double(let double)?: test(double)
        case .null?: test(nil)
        default: nil
        }
    }

    private static func both(_ left: Bool?, _ right: Bool?) -> Bool? {
        left == false || right == false ? false : left == true && right == true ? true : nil
    }

    static let subjects: [Subject] = [
        Subject(text: "OwnerId = '005xx0000000001'") { text($0, "OwnerId") { $0 == "005xx0000000001aaa" } },
        Subject(text: "ownerid = '005xx0000000002AAA'") { text($0, "OwnerId") { $0 == "005xx0000000002aaa" } },
        Subject(text: "OwnerId != '005xx0000000001AAA'") { text($0, "OwnerId") { $0 != "005xx0000000001aaa" } },
        Subject(text: "Status = 'new'") { text($0, "Status") { $0 == "new" } },
        Subject(text: "Status IN ('NEW', 'Working')") { text($0, "Status") { $0 == "new" || $0 == "working" } },
        Subject(text: "Status NOT IN ('Closed', null)") { text($0, "Status") { $0 != nil && $0 != "closed" } },
        Subject(text: "Status LIKE '%o%'") { text($0, "Status") { $0?.contains("o") ?? false } },
        Subject(text: "NOT Status LIKE '%o%'") { text($0, "Status") { !($0?.contains("o") ?? false) } },
        Subject(text: "Status = null") { text($0, "Status") { $0 == nil } },
        Subject(text: "Amount >= 10") { amount($0) { ($0 ?? -1) >= 10 } },
        Subject(text: "Amount < 10.0") { amount($0) { ($0 ?? 10) < 10 } },
        Subject(text: "Amount != 10") { amount($0) { $0 != 10 } },
        Subject(text: "BillingAddress.City = 'zürich' AND Amount > 5") { fields in
            both(text(fields, "BillingCity") { $0 == "zürich" }, amount(fields) { ($0 ?? 0) > 5 })
        },
        Subject(text: "Status = 'Closed' OR Amount = 12.5") { fields in
            both(text(fields, "Status") { $0 != "closed" }, amount(fields) { $0 != 12.5 }).map { !$0 }
        },
        Subject(text: "Closed = false AND ChangeEventHeader.changeType != 'DELETE'") { fields in
            let isOpen: Bool? =
                switch fields["Closed"] ?? nil {
                case .boolean(let closed)?: !closed
                case .null?: true
                default: nil
                }
            return both(isOpen, fields["type"] != .some(.string("DELETE")))
        },
        Subject(text: "OwnerId IN ('005xx0000000001', '005xx0000000003') AND Status = 'closed'") { fields in
            both(
                text(fields, "OwnerId") { $0 == "005xx0000000001aaa" || $0 == "005xx0000000003aaa" },
                text(fields, "Status") { $0 == "closed" })
        },
        Subject(text: "Status = 'WORKING' AND Amount > 3") { fields in
            both(text(fields, "Status") { $0 == "working" }, amount(fields) { ($0 ?? 0) > 3 })
        },
        Subject(text: "Account.Name != 'x'") { _ in nil },
    ]
}

/// SplitMix64 and what the oracle test draws with it.
struct Randomness {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    /// Any change type with any pair of images, also those that a twin would not make.
    mutating func change() -> MatchInput {
        let isComplete = below(3) > 0
        let before = below(4) == 0 ? nil : fields(isComplete: isComplete)
        let after = below(4) == 0 ? nil : fields(isComplete: isComplete)
        let type = below(2) == 0 ? ChangeType.update : pick(ChangeType.allCases)
        var input = Changes.input(
            type, before: before, after: after, values: below(2) == 0 ? [:] : fields(isComplete: false),
            isComplete: isComplete)
        input.channel = pick(OracleTests.channels)
        return input
    }

    private mutating func fields(isComplete: Bool) -> [String: FieldValue] {
        var fields: [String: FieldValue] = [:]
        for name in OracleTests.fieldNames where below(isComplete ? 8 : 3) != 0 {
            fields[name] =
                switch below(7) {
                case 0: .null
                default:
                    switch name {
                    case "OwnerId": .string("005xx000000000\(below(3) + 1)AAA")
                    case "Status": .string(pick(["New", "WORKING", "closed", "Escalated"]))
                    case "Amount": below(2) == 0 ? .integer(Int64(below(20))) : .double(Double(below(40)) / 2)
                    case "BillingCity": .string(pick(["Zürich", "ZÜRICH", "Berlin"]))
                    default: .boolean(below(2) == 0)
                    }
                }
        }
        return fields
    }
}
