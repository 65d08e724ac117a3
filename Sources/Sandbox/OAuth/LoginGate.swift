/// Counts failed logins and locks users out for a while. Pure: the time comes in.
struct LoginGate: Sendable {
    static let attemptsMax = 10
    static let lockoutMilliseconds: Int64 = 15 * 60 * 1_000
    /// Names that are watched at once: what strangers try does not fill the memory.
    static let namesMax = 10_000

    private struct Failures {
        var count = 0
        var lockedUntil: Int64 = 0
    }

    private var failures: [String: Failures] = [:]

    func isLocked(_ username: String, now: Int64) -> Bool {
        (failures[username.lowercased()]?.lockedUntil ?? 0) > now
    }

    mutating func failed(_ username: String, now: Int64) {
        let name = username.lowercased()
        if failures[name] == nil, failures.count >= Self.namesMax { makeRoom(now: now) }
        var entry = failures[name] ?? Failures()
        if entry.lockedUntil != 0, entry.lockedUntil <= now { entry = Failures() }
        entry.count += 1
        if entry.count >= Self.attemptsMax { entry.lockedUntil = now + Self.lockoutMilliseconds }
        failures[name] = entry
    }

    /// Forgets those who are not locked out; only where all are, the one whose time is over first.
    private mutating func makeRoom(now: Int64) {
        failures = failures.filter { $0.value.lockedUntil > now }
        if failures.count >= Self.namesMax,
            let first = failures.min(by: { $0.value.lockedUntil < $1.value.lockedUntil })
        {
            failures[first.key] = nil
        }
    }

    mutating func succeeded(_ username: String) { failures[username.lowercased()] = nil }
}
