import ChangeEvents
import Doors
import Store
import Synchronization

/// The records that each user has viewed lately. An org keeps them for its pages; calls of its APIs count only where they ask
/// for it (`Sforce-Mru: updateMru=true`, `MruHeader`). Written down when the sandbox stops; a `kill -9` forgets the newest.
struct RecentRecords: Codable, Sendable {
    static let stateKey = "sandbox.recent"
    /// Of one user; older ones are forgotten.
    static let perUserMax = 200

    /// Record ids by user id, the newest first.
    private var byUser: [String: [String]] = [:]

    mutating func view(_ id: String, by userID: String) {
        var ids = byUser[userID] ?? []
        ids.removeAll { $0 == id }
        ids.insert(id, at: 0)
        byUser[userID] = Array(ids.prefix(Self.perUserMax))
    }

    func ids(of userID: String) -> [String] { byUser[userID] ?? [] }
}

extension OrgView {
    func viewed(_ id: String) {
        // Ids of platform events mean nothing.
        guard let id = RecordID(id), catalogue.object(ofRecord: id) != nil else { return }
        sandbox.state.withLock { $0.recent.view(id.string, by: context.session.userID) }
    }

    /// What was deleted since, or was undone before it was committed, is left out.
    func recent(of name: String?, limit: Int) throws(OrgError) -> [JSONValue] {
        let wanted = name.flatMap { catalogue.object($0) }
        if name != nil, wanted == nil { return [] }
        let ids = sandbox.state.withLock { $0.recent.ids(of: context.session.userID) }.compactMap { RecordID($0) }
        return try guarded {
            var found: [JSONValue] = []
            for id in ids where found.count < limit {
                guard let object = catalogue.object(ofRecord: id), wanted == nil || wanted?.name == object.name,
                    let record = try reader.record(entity: object.name, id: id), !record.isDeleted
                else { continue }
                let answer = RecordAnswer(
                    object: object, image: record.image, apiVersion: context.apiVersion, derived: [:])
                let fields = ["Id"] + (object.nameField.map { [$0.name] } ?? [])
                found.append(try answer.json(fields: fields))
            }
            return found
        }
    }
}
