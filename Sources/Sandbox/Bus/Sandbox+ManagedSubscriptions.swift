public import ChangeEvents
public import Doors
import Foundation
import Logging
public import Store
import Twin

extension Sandbox {
    /// How long the slot of a client that vanished stays taken.
    static let managedHold = Duration.seconds(15 * 60)

    public func openManaged(_ name: ManagedName, caller: BusCaller) async throws(EventBusError) -> ManagedSlot {
        let found = channels.current.managedSubscription(
            id: RecordID(name.id)?.string, name: name.developerName.isEmpty ? nil : name.developerName)
        guard let subscription = found else {
            throw EventBusError(code: .managedNotFound, message: "The managed subscription does not exist.")
        }
        guard subscription.state == .run else {
            throw EventBusError(code: .managedStopped, message: "The managed subscription is stopped.")
        }
        let token = UUID().uuidString
        guard managedSlots.take(subscription.id, token: token, now: configuration.clock()) else {
            throw EventBusError(
                code: .managedAlreadyActive, message: "The managed subscription is already active.")
        }
        do throws(EventBusError) {
            let position = try await place(of: subscription, caller: caller)
            return ManagedSlot(
                subscriptionID: subscription.id, topic: subscription.topic, position: position, token: token)
        } catch {
            managedSlots.release(subscription.id, token: token)
            throw error
        }
    }

    public func readManaged(
        _ slot: ManagedSlot, after: Position, limit: Int, caller: BusCaller
    ) async throws(EventBusError) -> BusRead {
        guard managedSlots.isActive(slot.subscriptionID, token: slot.token) else {
            throw EventBusError(code: .unavailable, message: "The connection of the managed subscription was lost.")
        }
        let subscription = channels.current.managedSubscription(id: slot.subscriptionID, name: nil)
        guard subscription?.state == .run else {
            throw EventBusError(code: .managedStopped, message: "The managed subscription is stopped.")
        }
        return try await read(topic: slot.topic, after: after, limit: limit, caller: caller)
    }

    public func commitManaged(_ slot: ManagedSlot, replayID: ReplayID) async throws(EventBusError) -> Int64 {
        guard managedSlots.isActive(slot.subscriptionID, token: slot.token),
            channels.current.managedSubscription(id: slot.subscriptionID, name: nil) != nil
        else { throw EventBusError(code: .managedNotFound, message: "The managed subscription does not exist.") }
        _ = try await place(after: replayID)
        let key = Self.cursorKey(slot.subscriptionID)
        do {
            try await twin.commit { writer in try writer.setState(key, to: replayID.bytes) }
        } catch {
            logger.error("a managed subscription's place could not be written", metadata: ["error": "\(error)"])
            throw EventBusError(code: .unavailable, message: "The service is temporarily unavailable.")
        }
        return configuration.clock()
    }

    public func closeManaged(_ slot: ManagedSlot) async {
        managedSlots.release(slot.subscriptionID, token: slot.token)
    }

    /// As if the network between the org and the subscription's client had gone: its stream ends, and the slot stays taken
    /// for a quarter of an hour. False: no such subscription.
    @discardableResult
    public func holdManagedSubscription(_ developerName: String) -> Bool {
        guard let subscription = channels.current.managedSubscription(id: nil, name: developerName) else {
            return false
        }
        managedSlots.hold(
            subscription.id, until: configuration.clock() + Self.managedHold.wholeMilliseconds)
        observer.waiters.wakeAll()
        return true
    }

    private static func cursorKey(_ id: String) -> String { "sandbox.managed.\(id)" }

    /// After what was committed; at first use, and where the committed place is gone, as the subscription says.
    private func place(
        of subscription: EventChannels.ManagedSubscription, caller: BusCaller
    ) async throws(EventBusError) -> Position {
        let key = Self.cursorKey(subscription.id)
        var replay = subscription.defaultReplay
        if let bytes = try await readingBus({ try $0.state(key) }) {
            do throws(EventBusError) {
                return try await start(topic: subscription.topic, from: .after(ReplayID(bytes: bytes)), caller: caller)
            } catch {
                guard error.code == .replayIDCorrupted else { throw error }
                replay = subscription.errorRecoveryReplay
            }
        }
        return try await start(
            topic: subscription.topic, from: replay == .latest ? .latest : .earliest, caller: caller)
    }
}
