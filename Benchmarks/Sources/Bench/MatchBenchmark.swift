import ChangeEvents
import Glibc
import Matching
import SOQL

/// One change against very many subscriptions, all with different conditions: what it takes to find those concerned, and
/// what a subscription costs.
///
/// `bench match [SUBSCRIPTIONS]`: as many subscriptions (default 1,000,000), and a hundredth of them. Events go to records
/// all over the table, so that little of it is in the processor's caches.
func runMatchBenchmark(arguments: [String]) throws {
    let count = arguments.first.flatMap { Int($0) } ?? 1_000_000
    print("match: updates of cases against subscriptions with distinct conditions, processor time, medians of 5")
    for subscriptions in [count / 100, count] {
        for matches in [1, 10, 100] {
            show(try MatchBenchmark(workload: .accounts(matches: matches), count: subscriptions).report())
        }
        show(try MatchBenchmark(workload: .mixed, count: subscriptions).report())
    }
    show(try MatchBenchmark(workload: .shared, count: count).report())
    try runScanComparison()
}

/// A line at once, also into a file: the whole takes minutes.
private func show(_ line: String) {
    print(line)
    fflush(nil)
}

/// Who subscribes to what.
enum MatchWorkload {
    /// `AccountId = '001…' AND Amount__c >= n`: as many conditions for each account.
    case accounts(matches: Int)
    /// Portal users by contact, account and owner, some with ranges or `LIKE` alone.
    case mixed
    /// A thousand conditions, shared by all.
    case shared

    var name: String {
        switch self {
        case .accounts(let matches): "\(matches) for each account"
        case .mixed: "mixed"
        case .shared: "1,000 conditions, shared"
        }
    }

    func condition(_ number: Int) -> String {
        switch self {
        case .accounts(let matches):
            return "AccountId = '\(Self.id("001", number / matches))' AND Amount__c >= \(number % matches)"
        case .shared: return "ContactId = '\(Self.id("003", number % 1_000))' AND Status != 'Closed'"
        case .mixed:
            switch number % 20 {
            case 0..<12: return "ContactId = '\(Self.id("003", number))' AND Status != 'Closed'"
            case 12..<15:
                return
                    "AccountId = '\(Self.id("001", number))' AND Priority IN ('High', 'Critical') AND IsDeleted = false"
            case 15..<17:
                return "RecordTypeId = '\(Self.id("012", number % 7))' AND OwnerId = '\(Self.id("005", number))'"
            case 17: return "ContactId = '\(Self.id("003", number))' OR OwnerId = '\(Self.id("005", number))'"
            case 18: return "Subject LIKE 'Delivery \(number)%'"
            default: return "Amount__c > \(number) AND Amount__c < \(number + 20)"
            }
        }
    }

    /// The fields of the record that an event about this subscription's subject has.
    func fields(_ number: Int) -> [String: FieldValue] {
        var fields: [String: FieldValue] = [
            "AccountId": .string(Self.id("001", number)), "ContactId": .string(Self.id("003", number)),
            "OwnerId": .string(Self.id("005", number)), "RecordTypeId": .string(Self.id("012", number % 7)),
            "Status": .string("Working"), "Priority": .string("High"), "IsDeleted": .boolean(false),
            "Subject": .string("Delivery \(number) is late"), "Amount__c": .double(Double(number) + 0.5),
        ]
        switch self {
        case .accounts(let matches):
            fields["AccountId"] = .string(Self.id("001", number / matches))
            fields["Amount__c"] = .double(1e6)
        case .shared: fields["ContactId"] = .string(Self.id("003", number % 1_000))
        case .mixed: break
        }
        for filler in 0..<31 { fields["Field\(filler)__c"] = .string("value \(filler)") }
        return fields
    }

    static func id(_ prefix: String, _ number: Int) -> String {
        let digits = String(number)
        let short = prefix + String(repeating: "0", count: 12 - digits.count) + digits
        return RecordID(short)?.string ?? short
    }
}

struct MatchBenchmark {
    static let channel = "/data/CaseChangeEvent"
    static let rounds = 5
    /// Different events, so that each finds its part of the table cold.
    static let eventCount = 2_000

    let workload: MatchWorkload
    let count: Int
    let matcher = IndexMatcher()
    private var subscribeSeconds = 0.0
    private var subscribeCount = 0
    private var subscribeSlowest = 0.0
    private var residentBytes = 0

    init(workload: MatchWorkload, count: Int) throws {
        self.workload = workload
        self.count = count
        let before = Self.residentBytes()
        // Parsed in slices: a client's condition does not stay in memory, and parsing is not what is measured.
        let slice = 10_000
        for start in stride(from: 0, to: count, by: slice) {
            let conditions = try (start..<min(count, start + slice)).map { try Condition(workload.condition($0)) }
            // Looking at the clock takes as long as subscribing: every other slice is timed as a whole.
            let isTimedEach = start / slice % 2 == 1
            let begin = processorSeconds()
            for (offset, condition) in conditions.enumerated() {
                let before = isTimedEach ? processorSeconds() : 0
                insert(start + offset, condition)
                if isTimedEach { subscribeSlowest = max(subscribeSlowest, (processorSeconds() - before) * 1e6) }
            }
            guard !isTimedEach else { continue }
            subscribeSeconds += processorSeconds() - begin
            subscribeCount += conditions.count
        }
        residentBytes = Self.residentBytes() - before
    }

    func report() -> String {
        let events = (0..<Self.eventCount).map { event($0 * (count / Self.eventCount + 1) % count) }
        var times: [Double] = []
        var matches = 0
        for _ in 0..<Self.rounds {
            matches = 0
            let start = processorSeconds()
            for event in events { matcher.match(event) { _, _, slots in matches += slots.count } }
            times.append((processorSeconds() - start) / Double(events.count) * 1e6)
        }
        let (unsubscribe, slowest) = unsubscribeSome()
        return
            "match: \(count) subscriptions, \(workload.name): \(Self.rounded(times.sorted()[Self.rounds / 2])) µs for "
            + "\(Double(matches) / Double(events.count)) matches; "
            + "\(matcher.distinctConditions(channel: Self.channel)) conditions, "
            + "\(matcher.scannedConditions(channel: Self.channel)) scanned; bytes each \(matcher.bytes / count) "
            + "(resident \(residentBytes / count)); subscribe \(Self.rounded(subscribeSeconds / Double(subscribeCount) * 1e6)) µs "
            + "(slowest \(Self.rounded(subscribeSlowest))), unsubscribe \(Self.rounded(unsubscribe)) µs (slowest "
            + "\(Self.rounded(slowest)))"
    }

    /// Takes a part of the subscriptions out; answers µs each, and of the slowest.
    private func unsubscribeSome() -> (Double, Double) {
        var slowest = 0.0
        let start = processorSeconds()
        let numbers = stride(from: 7, to: count, by: 50)
        for number in numbers { matcher.remove(SubscriptionSlot(rawValue: UInt32(number))) }
        let each = (processorSeconds() - start) / Double(count / 50) * 1e6
        for number in stride(from: 8, to: count, by: 50) {
            let before = processorSeconds()
            matcher.remove(SubscriptionSlot(rawValue: UInt32(number)))
            slowest = max(slowest, (processorSeconds() - before) * 1e6)
        }
        return (each, slowest)
    }

    private func insert(_ number: Int, _ condition: Condition) {
        matcher.insert(
            SubscriptionSlot(rawValue: UInt32(number)), channel: Self.channel, frameClass: FrameClass(rawValue: 0),
            condition: condition)
    }

    private func event(_ number: Int) -> MatchInput {
        guard let id = RecordID(MatchWorkload.id("500", number)) else { preconditionFailure("a record id") }
        var fields = workload.fields(number)
        let before = RecordImage(entity: "Case", id: id, fields: fields, isComplete: true)
        fields["Status"] = .string("Escalated")
        return MatchInput(
            channel: Self.channel,
            header: ChangeEventHeader(
                entityName: "Case", recordIDs: [id.string], changeType: .update, changeOrigin: "", transactionKey: "",
                sequenceNumber: 1, commitTimestamp: 0, commitNumber: 0, commitUser: ""),
            transition: RecordTransition(
                id: id, before: before,
                after: RecordImage(entity: "Case", id: id, fields: fields, isComplete: true)), values: [:])
    }

    static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

    /// Resident memory of this process.
    private static func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, 128, file) != nil else { return 0 }
        let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(
            separator: " ")
        return (words.count > 1 ? Int(words[1]) ?? 0 : 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}

/// The obvious matcher beside the index, on a size that it can bear.
private func runScanComparison() throws {
    let count = 10_000
    var scan = ScanMatcher()
    let benchmark = try MatchBenchmark(workload: .mixed, count: count)
    for number in 0..<count {
        scan.insert(
            SubscriptionSlot(rawValue: UInt32(number)), channel: MatchBenchmark.channel,
            frameClass: FrameClass(rawValue: 0), condition: try Condition(MatchWorkload.mixed.condition(number)))
    }
    print("match: \(count) subscriptions, mixed, scan: \(MatchBenchmark.rounded(benchmark.time(scan))) µs")
}

extension MatchBenchmark {
    /// Median µs of another matcher for events of this workload.
    fileprivate func time(_ other: some Matcher) -> Double {
        let events = (0..<20).map { event($0 * (count / 20)) }
        var times: [Double] = []
        for _ in 0..<Self.rounds {
            var matches = 0
            let start = processorSeconds()
            for event in events { other.match(event) { _, _, slots in matches += slots.count } }
            times.append((processorSeconds() - start) / Double(events.count) * 1e6)
        }
        return times.sorted()[Self.rounds / 2]
    }
}
