import ChangeEvents
import Doors
import Store
import TestSupport
import Testing
import Twin

@testable import Sandbox

struct WaitingTests {
    private let all = "/data/ChangeEvents"

    @Test(.timeLimit(.minutes(5))) func commitWakesTheReader() async throws {
        let org = try await TestOrg.open()
        let head = try await org.sandbox.start(topic: all, from: .latest, caller: org.caller)
        let look = org.sandbox.lookTicket()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await org.sandbox.waitForEvents(after: head, since: look, timeout: .seconds(600)) }
            try await poll("a reader waits") { org.sandbox.observer.waiters.count == 1 }
            _ = try await org.create("Case", [])
            try await group.waitForAll()
        }
        #expect(try await org.sandbox.read(topic: all, after: head, limit: 1, caller: org.caller).events.count == 1)
        #expect(org.sandbox.observer.waiters.count == 0)
    }

    @Test(.timeLimit(.minutes(5))) func eventsThatAreThereNeedNoWaiting() async throws {
        let org = try await TestOrg.open()
        let head = try await org.sandbox.start(topic: all, from: .latest, caller: org.caller)
        let look = org.sandbox.lookTicket()
        _ = try await org.create("Case", [])
        await org.sandbox.waitForEvents(after: head, since: look, timeout: .seconds(600))
    }

    @Test(.timeLimit(.minutes(5))) func waitEndsAtItsDeadlineAndWhenCancelled() async throws {
        let org = try await TestOrg.open()
        let head = try await org.sandbox.start(topic: all, from: .latest, caller: org.caller)
        let look = org.sandbox.lookTicket()
        await org.sandbox.waitForEvents(after: head, since: look, timeout: .milliseconds(5))
        let waiting = Task { await org.sandbox.waitForEvents(after: head, since: look, timeout: .seconds(600)) }
        try await poll("a reader waits") { org.sandbox.observer.waiters.count == 1 }
        waiting.cancel()
        await waiting.value
        let early = Task { await org.sandbox.waitForEvents(after: head, since: look, timeout: .seconds(600)) }
        early.cancel()
        await early.value
        #expect(org.sandbox.observer.waiters.count == 0)
    }

    @Test(.timeLimit(.minutes(5))) func aFaultWakesReadersThatWait() async throws {
        let org = try await TestOrg.open()
        let head = try await org.sandbox.start(topic: all, from: .latest, caller: org.caller)
        let look = org.sandbox.lookTicket()
        let waiting = Task { await org.sandbox.waitForEvents(after: head, since: look, timeout: .seconds(600)) }
        try await poll("a reader waits") { org.sandbox.observer.waiters.count == 1 }
        var fault = Fault(.unavailable)
        fault.topic = all
        org.sandbox.faults.set(fault)
        await waiting.value
    }

    /// A hold between a stream's look and its wait was seen at the next keepalive.
    @Test(.timeLimit(.minutes(5))) func whatChangesBetweenTheLookAndTheWaitEndsTheWait() async throws {
        let org = try await TestOrg.open()
        let head = try await org.sandbox.start(topic: all, from: .latest, caller: org.caller)
        let look = org.sandbox.lookTicket()
        org.sandbox.setEventAccess(.all, userID: org.caller.userID)
        await org.sandbox.waitForEvents(after: head, since: look, timeout: .seconds(600))
    }

    @Test func commitInstantsAreKept() async throws {
        let org = try await TestOrg.open()
        for _ in 0..<3 { _ = try await org.create("Case", []) }
        let ids = try await org.received().map(\.replayID)
        #expect(org.sandbox.recentCommits().map(\.replayID) == ids)
        #expect(org.sandbox.recentCommits().allSatisfy { $0.committedAt > 0 })
    }
}
