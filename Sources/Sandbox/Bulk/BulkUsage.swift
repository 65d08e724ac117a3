import Doors
import Store

/// What the org counts of bulk work in 24 hours, hour by hour. Pure: the time comes in.
struct BulkUsage: Codable, Sendable, Hashable {
    /// Bulk 1.0's batches and the internal ones of 2.0, of 10,000 rows, together.
    static let batchesMax = 15_000
    static let queryJobsMax = 10_000
    /// 1 TB.
    static let queryMegabytesMax = 976_562
    static let rowsPerBatch = 10_000

    enum Count: String, Codable, Sendable, Hashable {
        case batches, queryJobs, queryKilobytes
    }

    private static let hour: Int64 = 3_600_000
    private static let hoursCounted: Int64 = 24

    private var hours: [Int64: [String: Int]] = [:]

    func used(_ count: Count, now: Int64) -> Int {
        let current = now / Self.hour
        return hours.reduce(0) { sum, hour in
            hour.key > current - Self.hoursCounted ? sum + hour.value[count.rawValue, default: 0] : sum
        }
    }

    mutating func add(_ amount: Int, to count: Count, now: Int64) {
        let current = now / Self.hour
        hours = hours.filter { $0.key > current - Self.hoursCounted }
        hours[current, default: [:]][count.rawValue, default: 0] += amount
    }
}

extension Sandbox {
    /// Names, maxima and what is left, as `/limits` shows them.
    func bulkLimits() async throws(OrgError) -> [(name: String, max: Int, remaining: Int)] {
        let now = configuration.clock()
        let usage = try await readBulk { try BulkState.usage($0) }
        let megabytes = (usage.used(.queryKilobytes, now: now) + 1_023) / 1_024
        return [
            ("DailyBulkApiBatches", BulkUsage.batchesMax, usage.used(.batches, now: now)),
            ("DailyBulkV2QueryFileStorageMB", BulkUsage.queryMegabytesMax, megabytes),
            ("DailyBulkV2QueryJobs", BulkUsage.queryJobsMax, usage.used(.queryJobs, now: now)),
        ].map { (name: $0.0, max: $0.1, remaining: max(0, $0.1 - $0.2)) }
    }
}
