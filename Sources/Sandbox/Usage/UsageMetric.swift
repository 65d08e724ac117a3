import ChangeEvents

/// The rows of `PlatformEventUsageMetric`, made from the ledger.
///
/// Always: sums by `Name` over whole UTC days and over the 24 hours that end at the last full hour. With enhanced usage
/// metrics also by event, client and `TimeSegment`. Rows exist for what is not zero.
struct UsageMetric {
    static let objectName = "PlatformEventUsageMetric"
    static let hour: Int64 = 3_600_000
    /// Of every row: a metric is no record.
    static let recordID = RecordID.empty

    enum Segment: String, CaseIterable {
        case daily = "Daily"
        case hourly = "Hourly"
        case fifteenMinutes = "FifteenMinutes"

        var width: Int64 {
            switch self {
            case .daily: UsageLedger.day
            case .hourly: UsageMetric.hour
            case .fifteenMinutes: UsageLedger.quarter
            }
        }
    }

    let ledger: UsageLedger
    let now: Int64
    let isEnhanced: Bool

    static var definition: ObjectDefinition {
        let dates = [
            FieldDefinition.dateTime("StartDate", "Start Date").readOnly(),
            FieldDefinition.dateTime("EndDate", "End Date").readOnly(),
        ]
        return ObjectDefinition(
            name: objectName, label: "Platform Event Usage Metric", labelPlural: "Platform Event Usage Metrics",
            keyPrefix: "0PM", isWritable: false, isCapturable: false,
            fields: [ObjectDefinition.leadingFields(idLabel: "Platform Event Usage Metric ID")[0]] + [
                .text("Name", "Name", 255).readOnly(), .text("EventName", "Event Name", 255).readOnly(),
                .text("EventType", "Event Type", 40).readOnly(), .text("UsageType", "Usage Type", 40).readOnly(),
                .text("Client", "Client", 255).readOnly(), .text("TimeSegment", "Time Segment", 40).readOnly(),
            ] + dates + [.number(.double, "Value", "Value", digits: 18, scale: 0).readOnly()])
    }

    var rows: [[String: FieldValue]] { totals + (isEnhanced ? details : []) }

    private var totals: [[String: FieldValue]] {
        let lastHour = now / Self.hour * Self.hour
        var rows = totals(from: lastHour - UsageLedger.day, to: lastHour)
        for day in ledger.days.keys.sorted() where (day + 1) * UsageLedger.day <= now {
            rows += totals(from: day * UsageLedger.day, to: (day + 1) * UsageLedger.day)
        }
        return rows
    }

    private func totals(from start: Int64, to end: Int64) -> [[String: FieldValue]] {
        var sums: [String: Int] = [:]
        for (entry, count) in entries(from: start, to: end) { sums[Self.name(of: entry), default: 0] += count }
        return sums.keys.sorted().map { name in
            Self.dates(start, end).merging(
                ["Name": .string(name), "Value": .double(Double(sums[name] ?? 0))], uniquingKeysWith: { $1 })
        }
    }

    private struct Group: Hashable {
        var segment: Segment
        var start: Int64
        var entry: UsageLedger.Entry
    }

    private var details: [[String: FieldValue]] {
        var sums: [Group: Int] = [:]
        for (entry, count) in entries(from: 0, to: .max - UsageLedger.day) {
            let time = entry.quarter * UsageLedger.quarter
            var key = entry
            key.quarter = 0
            for segment in Segment.allCases {
                sums[Group(segment: segment, start: time / segment.width * segment.width, entry: key), default: 0] +=
                    count
            }
        }
        return sums.sorted { ($0.key.start, $0.key.entry.event) < ($1.key.start, $1.key.entry.event) }
            .map { group, count in
                Self.dates(group.start, group.start + group.segment.width).merging(
                    [
                        "EventName": .string(group.entry.event),
                        "EventType": .string(group.entry.isChange ? "CHANGE_EVENT" : "CUSTOM_PLATFORM_EVENT"),
                        "UsageType": .string(group.entry.type.rawValue), "Client": .string(group.entry.client),
                        "TimeSegment": .string(group.segment.rawValue), "Value": .double(Double(count)),
                    ], uniquingKeysWith: { $1 })
            }
    }

    private func entries(from start: Int64, to end: Int64) -> [(entry: UsageLedger.Entry, count: Int)] {
        ledger.entries(from: start, to: end).filter { $0.entry.type == .publish || $0.entry.type == .delivery }
    }

    private static func name(of entry: UsageLedger.Entry) -> String {
        (entry.isChange ? "CHANGE_EVENTS_" : "PLATFORM_EVENTS_")
            + (entry.type == .publish ? "PUBLISHED" : "DELIVERED")
    }

    private static func dates(_ start: Int64, _ end: Int64) -> [String: FieldValue] {
        ["StartDate": .dateTime(milliseconds: start), "EndDate": .dateTime(milliseconds: end)]
    }
}

extension UsageLedger.Entry {
    var isChange: Bool { !event.hasSuffix("__e") }
}
