/// Counts API calls of the last 24 hours, hour by hour, for the org and for each connected app. Pure: the time comes in.
struct APIUsage: Codable, Sendable, Hashable {
    static let stateKey = "sandbox.apiUsage.byApp"
    static let hour: Int64 = 3_600_000
    private static let hoursCounted: Int64 = 24

    /// Calls by hour since 1970, and in it by the app's client id.
    private var calls: [Int64: [String: Int]] = [:]
    /// Sums of `calls`, and the hour in which they were made.
    private var total = 0
    private var byApp: [String: Int] = [:]
    private var countedAt: Int64 = 0

    /// Counts a call; answers the calls of the last 24 hours, this one included.
    mutating func count(now: Int64, app: String) -> (org: Int, app: Int) {
        moved(to: now)
        calls[countedAt, default: [:]][app, default: 0] += 1
        total += 1
        byApp[app, default: 0] += 1
        return (total, byApp[app] ?? 0)
    }

    /// Takes back a call that was refused: it is not served, so it is not used.
    mutating func uncount(app: String) {
        calls[countedAt]?[app, default: 0] -= 1
        total -= 1
        byApp[app, default: 0] -= 1
    }

    /// The calls of the last 24 hours.
    mutating func used(now: Int64) -> (org: Int, byApp: [String: Int]) {
        moved(to: now)
        return (total, byApp)
    }

    private mutating func moved(to now: Int64) {
        let current = now / Self.hour
        guard current != countedAt else { return }
        // A clock that was set back keeps what lies in its future: it still counts as used.
        calls = calls.filter { $0.key > current - Self.hoursCounted }
        total = 0
        byApp = [:]
        for apps in calls.values {
            for (app, count) in apps {
                total += count
                byApp[app, default: 0] += count
            }
        }
        countedAt = current
    }
}
