/// The API calls that are being answered, by when they began. Pure: the time comes in.
struct RunningCalls: Sendable {
    /// Milliseconds after which a call is a long one.
    static let longAfter: Int64 = 20_000

    private var startByID: [String: Int64] = [:]

    mutating func begin(_ requestID: String, at now: Int64) { startByID[requestID] = now }

    mutating func end(_ requestID: String) { startByID[requestID] = nil }

    /// Whether so many calls run for long.
    func hasLong(_ count: Int, now: Int64) -> Bool {
        startByID.count >= count && startByID.values.count { now - $0 > Self.longAfter } >= count
    }
}
