import ChangeEvents
import Matching
import SOQL

/// One change against many subscriptions, each with a condition of two fields: the index that the hub uses beside the obvious
/// scan, in turns, processor time.
///
/// `bench match [SUBSCRIBERS]`: subscribers (default 100,000) spread over 1,000 and 10,000 different conditions.
func runMatchBenchmark(arguments: [String]) throws {
    let subscribers = arguments.first.flatMap { Int($0) } ?? 100_000
    print("match: one update of a case, \(subscribers) subscribers, conditions of two fields, µs per update")
    for distinct in [1_000, 10_000] {
        let benchmark = try MatchBenchmark(subscribers: subscribers, distinct: distinct)
        let (scan, index) = benchmark.run()
        print(
            "match: \(distinct) conditions: scan \(scan.rounded()) index \((index * 10).rounded() / 10) ratio \((scan / index).rounded())"
        )
    }
}

struct MatchBenchmark {
    static let channel = "/data/CaseChangeEvent"
    static let rounds = 5

    var scan = ScanMatcher()
    var index = IndexMatcher()
    let input: MatchInput

    init(subscribers: Int, distinct: Int) throws {
        let conditions = try (0..<distinct).map {
            try Condition("ContactId = '\(Self.contact($0))' AND Status != 'Closed'")
        }
        for slot in 0..<subscribers {
            let condition = conditions[slot % distinct]
            let slot = SubscriptionSlot(rawValue: UInt32(slot))
            scan.insert(slot, channel: Self.channel, frameClass: FrameClass(rawValue: 0), condition: condition)
            index.insert(slot, channel: Self.channel, frameClass: FrameClass(rawValue: 0), condition: condition)
        }
        guard let id = RecordID("500000000000001") else { preconditionFailure("a record id of 15 characters") }
        var before = RecordImage(
            entity: "Case", id: id,
            fields: ["ContactId": .string(Self.contact(distinct / 2)), "Status": .string("New")],
            isComplete: true)
        let first = before
        before.fields["Status"] = .string("Working")
        input = MatchInput(
            channel: Self.channel,
            header: ChangeEventHeader(
                entityName: "Case", recordIDs: [id.string], changeType: .update, changeOrigin: "", transactionKey: "",
                sequenceNumber: 1, commitTimestamp: 0, commitNumber: 0, commitUser: ""),
            transition: RecordTransition(id: id, before: first, after: before), values: [:])
    }

    /// Medians in µs per update.
    func run() -> (scan: Double, index: Double) {
        var scans: [Double] = []
        var indexes: [Double] = []
        for _ in 0..<Self.rounds {
            scans.append(time(scan, updates: 20))
            indexes.append(time(index, updates: 2_000))
        }
        return (scans.sorted()[Self.rounds / 2], indexes.sorted()[Self.rounds / 2])
    }

    private func time(_ matcher: some Matcher, updates: Int) -> Double {
        var matches = 0
        let start = processorSeconds()
        for _ in 0..<updates { matcher.match(input) { _, _, slots in matches += slots.count } }
        let seconds = processorSeconds() - start
        precondition(matches > 0 && matches.isMultiple(of: updates), "every update concerns the same subscribers")
        return seconds / Double(updates) * 1e6
    }

    private static func contact(_ number: Int) -> String {
        let digits = String(number)
        return "003" + String(repeating: "0", count: 12 - digits.count) + digits
    }
}
