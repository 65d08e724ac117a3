import Foundation

/// What was published and delivered, by quarter of an hour, event and client: what `PlatformEventUsageMetric` is made
/// of. Kept by day, so that writing it down costs no more than one day's entries. Pure.
struct UsageLedger: Sendable {
    /// Milliseconds of a quarter of an hour, and of a day.
    static let quarter: Int64 = 900_000
    static let day: Int64 = 86_400_000
    /// How far back queries may reach; older days are forgotten.
    static let daysKept: Int64 = 60
    /// Clients of a day that are counted by name: every CometD handshake makes a new one, and a day must stay small
    /// enough to be written down every few seconds.
    static let clientsPerDayMax = 1_000
    /// The name of the clients beyond that.
    static let otherClients = "OTHER"

    enum UsageType: String, Codable, Sendable {
        case publish = "PUBLISH"
        case delivery = "DELIVERY"
        /// Of events that only CometD has: they have allocations of their own and are in no metric.
        case pushTopicDelivery = "PUSH_TOPIC_DELIVERY"
        case genericDelivery = "GENERIC_DELIVERY"
    }

    struct Entry: Codable, Sendable, Hashable {
        /// Number of the quarter since 1970.
        var quarter: Int64
        var type: UsageType
        var event: String
        /// `PUB_SUB_API`, `REST_API`, `SYSTEM`, a CometD client id, `otherClients`.
        var client: String
    }

    private struct Row: Codable {
        var entry: Entry
        var count: Int
    }

    private(set) var days: [Int64: [Entry: Int]] = [:]
    /// Days that changed, or were forgotten, since they were written down.
    private(set) var changedDays: Set<Int64> = []
    private var clients: [Int64: Set<String>] = [:]

    static func stateKey(day: Int64) -> String { "sandbox.eventUsage.\(day)" }

    mutating func add(_ count: Int, _ type: UsageType, event: String, client: String, at now: Int64) {
        let day = now / Self.day
        var name = client
        if clients[day, default: []].count < Self.clientsPerDayMax {
            clients[day, default: []].insert(client)
        } else if clients[day]?.contains(client) == false {
            name = Self.otherClients
        }
        let entry = Entry(quarter: now / Self.quarter, type: type, event: event, client: name)
        days[day, default: [:]][entry, default: 0] += count
        changedDays.insert(day)
        for old in days.keys where old < day - Self.daysKept { forget(old) }
    }

    private mutating func forget(_ day: Int64) {
        days[day] = nil
        clients[day] = nil
        changedDays.insert(day)
    }

    /// The changed days as bytes to be kept, nil for one to be removed; they count as written from now on.
    mutating func takeChanges() throws -> [(key: String, value: [UInt8]?)] {
        let changes = try changedDays.map { day -> (String, [UInt8]?) in
            guard let entries = days[day] else { return (Self.stateKey(day: day), nil) }
            let rows = entries.map { Row(entry: $0.key, count: $0.value) }
            return (Self.stateKey(day: day), [UInt8](try JSONEncoder().encode(rows)))
        }
        changedDays = []
        return changes
    }

    /// Takes a day over as it was kept.
    mutating func restore(day: Int64, from bytes: [UInt8]) throws {
        let rows = try JSONDecoder().decode([Row].self, from: Data(bytes))
        days[day] = Dictionary(rows.map { ($0.entry, $0.count) }, uniquingKeysWith: +)
        clients[day] = Set(rows.map(\.entry.client))
    }

    /// Entries of a time, ends of quarters included.
    func entries(from start: Int64, to end: Int64) -> [(entry: Entry, count: Int)] {
        days.filter { $0.key >= start / Self.day && $0.key <= end / Self.day }.values.flatMap { day in
            day.filter { $0.key.quarter * Self.quarter >= start && ($0.key.quarter + 1) * Self.quarter <= end }
                .map { ($0.key, $0.value) }
        }
    }
}
