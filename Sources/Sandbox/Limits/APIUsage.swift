/// Counts API calls of the last 24 hours, hour by hour. Pure: the time comes in.
struct APIUsage: Codable, Sendable, Hashable {
    static let stateKey = "sandbox.apiUsage"
    private static let hour: Int64 = 3_600_000
    private static let hoursCounted: Int64 = 24

    /// Calls by hour since 1970.
    private var calls: [Int64: Int] = [:]

    /// Counts a call; answers the calls of the last 24 hours, this one included.
    mutating func count(now: Int64) -> Int {
        let current = now / Self.hour
        calls = calls.filter { $0.key > current - Self.hoursCounted }
        calls[current, default: 0] += 1
        return calls.values.reduce(0, +)
    }
}
