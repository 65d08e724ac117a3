import ChangeEvents
import Doors
import Store
import Testing

@testable import Sandbox

/// Managed subscriptions: the server keeps the place.
struct ManagedSubscriptionTests {
    private func org(
        defaultReplay: String = "EARLIEST", recovery: String = "EARLIEST", state: String = "RUN"
    ) async throws -> TestOrg {
        let org = try await TestOrg.open()
        _ = try await org.sandbox.toolingCreate(
            object: "ManagedEventSubscription", fields: body(defaultReplay, recovery, state), context: org.context)
        return org
    }

    private func body(_ defaultReplay: String, _ recovery: String, _ state: String) -> [JSONValue.Member] {
        TestOrg.body(
            "Mirror",
            [
                ("label", .string("Mirror")), ("topicName", .string("/data/ChangeEvents")), ("state", .string(state)),
                ("defaultReplay", .string(defaultReplay)), ("errorRecoveryReplay", .string(recovery)),
            ])
    }

    private let name = ManagedName(id: "", developerName: "Mirror")

    private func read(_ org: TestOrg, _ slot: ManagedSlot) async throws -> [ReceivedEvent] {
        try await org.sandbox.readManaged(slot, after: slot.position, limit: 100, caller: org.caller).events.map(
            \.event)
    }

    @Test func firstUseStartsAtTheDefault() async throws {
        for (replay, count) in [("EARLIEST", 2), ("LATEST", 0)] {
            let org = try await org(defaultReplay: replay)
            for _ in 0..<2 { _ = try await org.create("Case", []) }
            let slot = try await org.sandbox.openManaged(name, caller: org.caller)
            #expect(try await read(org, slot).count == count)
            #expect(slot.topic == "/data/ChangeEvents")
        }
    }

    @Test func aCommitIsWhereTheNextStreamGoesOn() async throws {
        let org = try await org()
        for _ in 0..<3 { _ = try await org.create("Case", []) }
        let first = try await org.sandbox.openManaged(name, caller: org.caller)
        let events = try await read(org, first)
        try #require(events.count == 3)
        #expect(try await org.sandbox.commitManaged(first, replayID: events[1].replayID) == org.clock.now)
        await org.sandbox.closeManaged(first)
        let subscription = try #require(org.sandbox.channels.current.managedSubscriptions.first)
        let second = try await org.sandbox.openManaged(
            ManagedName(id: String(subscription.id.prefix(15)), developerName: ""), caller: org.caller)
        #expect(try await read(org, second).map(\.replayID) == [events[2].replayID])
        await org.sandbox.closeManaged(second)
        let again = try await org.reopened()
        let third = try await again.sandbox.openManaged(name, caller: again.caller)
        #expect(try await read(again, third).count == 1)
    }

    @Test func aPlaceThatIsGoneRecoversAsConfigured() async throws {
        for (recovery, count) in [("EARLIEST", 1), ("LATEST", 0)] {
            let org = try await org(recovery: recovery)
            _ = try await org.create("Case", [])
            let slot = try await org.sandbox.openManaged(name, caller: org.caller)
            let events = try await read(org, slot)
            try #require(events.count == 1)
            _ = try await org.create("Case", [])
            _ = try await org.sandbox.commitManaged(slot, replayID: events[0].replayID)
            await org.sandbox.closeManaged(slot)
            org.clock.advance(.seconds(73 * 3_600))
            _ = try await org.create("Case", [])
            let fresh = try await TestOrg.session(of: org)
            let next = try await org.sandbox.openManaged(name, caller: fresh)
            #expect(try await read(org, next).count == count)
        }
    }

    @Test func badCommitsAreRefused() async throws {
        let org = try await org()
        let slot = try await org.sandbox.openManaged(name, caller: org.caller)
        for bytes in [[], [1, 2, 3], [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]] as [[UInt8]] {
            await #expect(throws: EventBusError.self) {
                try await org.sandbox.commitManaged(slot, replayID: ReplayID(bytes: bytes))
            }
        }
    }

    @Test func trap24AVanishedClientKeepsItsSlotForAQuarterOfAnHour() async throws {
        let org = try await org()
        let slot = try await org.sandbox.openManaged(name, caller: org.caller)
        let second = await #expect(throws: EventBusError.self) {
            try await org.sandbox.openManaged(name, caller: org.caller)
        }
        #expect(second?.code == .managedAlreadyActive)
        #expect(org.sandbox.holdManagedSubscription("Mirror"))
        // The stream is cut, and that it closes frees nothing.
        let cut = await #expect(throws: EventBusError.self) { try await read(org, slot) }
        #expect(cut?.code == .unavailable)
        await org.sandbox.closeManaged(slot)
        org.clock.advance(.seconds(899))
        let early = await #expect(throws: EventBusError.self) {
            try await org.sandbox.openManaged(name, caller: org.caller)
        }
        #expect(early?.code == .managedAlreadyActive)
        org.clock.advance(.seconds(1))
        _ = try await org.sandbox.openManaged(name, caller: org.caller)
    }

    @Test func stoppedAndUnknownSubscriptionsAreRefused() async throws {
        let org = try await org(state: "STOP")
        let stopped = await #expect(throws: EventBusError.self) {
            try await org.sandbox.openManaged(name, caller: org.caller)
        }
        #expect(stopped?.code == .managedStopped)
        let unknown = await #expect(throws: EventBusError.self) {
            try await org.sandbox.openManaged(
                ManagedName(id: "18x000000000001AAA", developerName: ""), caller: org.caller)
        }
        #expect(unknown?.code == .managedNotFound)
    }

    @Test func stoppingEndsAnOpenStream() async throws {
        let org = try await org()
        let slot = try await org.sandbox.openManaged(name, caller: org.caller)
        let row = try #require(try await ManagedSubscriptionTooling().rows(in: org.sandbox).first)
        try await org.sandbox.toolingUpdate(
            object: "ManagedEventSubscription", id: row.id.string, fields: body("EARLIEST", "EARLIEST", "STOP"),
            context: org.context)
        let error = await #expect(throws: EventBusError.self) { try await read(org, slot) }
        #expect(error?.code == .managedStopped)
    }
}

extension TestOrg {
    /// A caller with a new session: after a long time the old one has ended.
    static func session(of org: TestOrg) async throws -> BusCaller {
        let session = try await org.sandbox.openSession(username: org.sandbox.usernames[0])
        return BusCaller(userID: session.userID, organizationID: session.organizationID)
    }
}
