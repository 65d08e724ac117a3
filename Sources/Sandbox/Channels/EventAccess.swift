import Twin
import Synchronization

/// Whose change events a user may receive. Sharing between records is ignored, as in an org: only these permissions
/// count.
public struct EventAccess: Sendable, Hashable {
    public var viewsAllData: Bool
    /// Objects with View All Records.
    public var viewsAllRecordsOf: Set<String>
    public var viewsAllUsers: Bool

    public init(viewsAllData: Bool = true, viewsAllRecordsOf: Set<String> = [], viewsAllUsers: Bool = true) {
        self.viewsAllData = viewsAllData
        self.viewsAllRecordsOf = viewsAllRecordsOf
        self.viewsAllUsers = viewsAllUsers
    }

    /// An administrator, and an integration user as guides set it up.
    public static let all = EventAccess()

    /// Objects without View All Records: only View All Data helps.
    private static let withoutViewAll: Set<String> = ["Task", "Event"]

    func admits(entity: String) -> Bool {
        if entity == "User" { return viewsAllUsers }
        if viewsAllData { return true }
        return viewsAllRecordsOf.contains(entity) && !Self.withoutViewAll.contains(entity)
    }
}

extension Sandbox {
    /// Gives a user other permissions. Open streams obey at their next read; an org takes up to ten minutes.
    public func setEventAccess(_ access: EventAccess, userID: String) {
        state.withLock { $0.eventAccess[userID] = access }
        observer.waiters.wakeAll()
    }

    func eventAccess(of userID: String) -> EventAccess {
        if let changed = state.withLock({ $0.eventAccess[userID] }) { return changed }
        guard let username = user(id: userID)?.username else { return .all }
        return configuration.eventAccess[username.lowercased()] ?? .all
    }
}
