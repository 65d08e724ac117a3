/// What a call to the org is for. The order is the priority: an earlier purpose is never kept waiting by a later one.
public enum CallPurpose: String, Sendable, Hashable, Codable, CodingKeyRepresentable, CaseIterable {
    /// Rows that an event named without telling: the copy is wrong until they are read.
    case refetch
    /// Local changes on their way to the org.
    case writeBack
    /// Objects without change events.
    case polling
    /// Commands, checks, `describe`.
    case other
    case reconcile
    /// The dearest and the most patient.
    case snapshot

    /// Smaller is more urgent.
    var rank: Int {
        switch self {
        case .refetch: 0
        case .writeBack: 1
        case .polling: 2
        case .other: 3
        case .reconcile: 4
        case .snapshot: 5
        }
    }
}
