internal import Foundation
internal import Store
internal import Synchronization
internal import Twin

/// The revocations that all loops of a hub go by, and their place in the store. Asked when a token is accepted, never per event.
final class RevocationRegister: Sendable {
    /// The key of the store's state under which they lie, as JSON.
    static let stateKey = "push.revocations"

    private let list = Mutex(RevocationList())

    func covers(_ grant: Grant) -> Bool { list.withLock { $0.covers(grant) } }

    func add(_ revocation: Revocation) { list.withLock { $0.add(revocation) } }

    /// Takes over what an earlier run has stored. A store whose list cannot be read is an error: to go on without it would admit
    /// what was revoked.
    func load(from store: any EventStore) async throws {
        guard let bytes = try await store.read({ try $0.state(Self.stateKey) }) else { return }
        var stored: RevocationList
        do {
            stored = try JSONDecoder().decode(RevocationList.self, from: Data(bytes))
        } catch {
            throw PushHubError(code: .state, message: "the stored revocations cannot be read: \(error)")
        }
        list.withLock { list in
            // What was added before the hub ran is newer.
            for revocation in list.all { stored.add(revocation) }
            list = stored
        }
    }

    /// Durable when it returns. Whoever stores last stores what is newest: the list is read inside the transaction.
    func save(to store: any EventStore) async throws {
        try await store.write { [self] writer in
            let list = list.withLock { $0 }
            try writer.setState(Self.stateKey, to: Array(try JSONEncoder().encode(list)))
        }
    }
}
