import ChangeEvents
import Doors
import Logging
import Store
import Twin

extension Sandbox {
    /// Makes plausible life until cancelled: so many transactions in so much time, each with its change events. Repeatable: the
    /// same seed on the same org gives the same changes in the same order.
    public func runTraffic(_ rate: TrafficRate, seed: UInt64) async throws {
        var model = try await trafficModel(seed: seed)
        let start = ContinuousClock.now
        var pace = TrafficPace(rate, now: .zero)
        while !Task.isCancelled {
            let (count, wait) = pace.due(now: start.duration(to: .now))
            for _ in 0..<count where !Task.isCancelled { try await live(&model) }
            do {
                // With a second's tolerance the kernel would gather timers; the rate needs them where they are.
                try await Task.sleep(for: wait, tolerance: .zero)
            } catch {
                // Cancelled.
                return
            }
        }
    }

    /// One step of the traffic.
    func live(_ model: inout TrafficModel) async throws {
        let step = model.next()
        do {
            let created = try await transaction(origin: .background, userID: step.userID) { transaction -> RecordID? in
                guard let id = step.id else { return try transaction.create(step.object, step.values) }
                try transaction.update(step.object, id, step.values)
                return nil
            }
            model.done(created: created)
        } catch let error as OrgError {
            logger.debug(
                "the traffic was refused",
                metadata: ["object": "\(step.object)", "error": "\(error.errorCode): \(error.message)"])
            model.failed(step)
        }
    }

    /// Knows the records that the org has, in the order of their ids.
    func trafficModel(seed: UInt64) async throws -> TrafficModel {
        let agents = organization.users.dropFirst().map(\.id)
        return try await twin.store.read { reader in
            let accounts = try Self.live("Account", reader).map(\.image.id)
            let contacts = try Self.live("Contact", reader).map(\.image.id)
            var model = TrafficModel(seed: seed, agents: Array(agents), accounts: accounts, contacts: contacts)
            for record in try Self.live("Case", reader) where record.image.fields["IsClosed"] != .boolean(true) {
                guard case .string(let owner) = record.image.fields["OwnerId"] ?? .null else { continue }
                model.knows(
                    openCase: record.image.id, owner: owner,
                    isEscalated: record.image.fields["IsEscalated"] == .boolean(true))
            }
            return model
        }
    }

    /// So many of each object are enough: traffic on a large org need not touch all of it.
    private static let trafficRecordsMax = 10_000

    private static func live(_ object: String, _ reader: any StoreReader) throws -> [StoredRecord] {
        try reader.records(entity: object, after: nil, limit: trafficRecordsMax).filter { !$0.isDeleted }
    }
}
