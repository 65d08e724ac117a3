import Synchronization

/// Which texts of selects a connection keeps prepared: those that come a second time soon after the first, up to a bound,
/// so that neither memory nor the connections' caches grow with what strangers send.
final class StatementAdmission: Sendable {
    /// Prepared statements per connection; each holds some kilobytes.
    static let textsMax = 400
    /// Texts remembered as seen once.
    static let recentMax = 1_000
    /// Longer texts are seldom the same twice, and their statements are large.
    static let textBytesMax = 20_000

    private struct State {
        var admitted: Set<String> = []
        var recent: Set<Int> = []
    }
    private let state = Mutex(State())

    func admits(_ text: String) -> Bool {
        guard text.utf8.count <= Self.textBytesMax else { return false }
        return state.withLock { state in
            if state.admitted.contains(text) { return true }
            guard state.admitted.count < Self.textsMax else { return false }
            if state.recent.count >= Self.recentMax { state.recent.removeAll(keepingCapacity: true) }
            guard !state.recent.insert(text.hashValue).inserted else { return false }
            state.admitted.insert(text)
            return true
        }
    }
}
