import ChangeEvents
import Doors
import Testing

@testable import Sandbox

@Suite("Faults: what the org does") struct OrgFaultTests {
    private let all = "/data/ChangeEvents"

    @Test func schemasFailSoOften() async throws {
        let org = try await TestOrg.open()
        _ = try await org.create("Case", [])
        let id = try #require(try await org.received().first).schemaID.string
        var fault = Fault(.schema)
        fault.times = 2
        org.sandbox.faults.set(fault)
        for _ in 0..<2 {
            await #expect(throws: EventBusError.self) { _ = try await org.sandbox.schemaJSON(id, caller: org.caller) }
        }
        _ = try await org.sandbox.schemaJSON(id, caller: org.caller)
    }

    @Test(arguments: [FaultKind.replayExpired, .replayCorrupted])
    func replayIDsAreRefused(_ kind: FaultKind) async throws {
        let org = try await TestOrg.open()
        _ = try await org.create("Case", [])
        let replayID = try #require(try await org.received().first).replayID
        org.sandbox.faults.set(Fault(kind))
        await #expect(throws: EventBusError.self) {
            _ = try await org.sandbox.start(topic: all, from: .after(replayID), caller: org.caller)
        }
        _ = try await org.sandbox.start(topic: all, from: .earliest, caller: org.caller)
    }

    @Test func theLastEventComesTwice() async throws {
        let org = try await TestOrg.open()
        for _ in 0..<3 { _ = try await org.create("Case", []) }
        var fault = Fault(.duplicate)
        fault.times = 1
        org.sandbox.faults.set(fault)
        let ids = try await org.received().map(\.replayID)
        #expect(ids.count == 4)
        #expect(ids[2] == ids[3])
        #expect(Set(ids).count == 3)
    }

    @Test func aDuplicateOfASingleEvent() async throws {
        let org = try await TestOrg.open()
        _ = try await org.create("Case", [])
        var fault = Fault(.duplicate)
        fault.times = 2
        org.sandbox.faults.set(fault)
        #expect(try await org.received().count == 3)
    }

    @Test func delayedEventsComeWithTheClock() async throws {
        let org = try await TestOrg.open()
        var fault = Fault(.delay)
        fault.seconds = 60
        org.sandbox.faults.set(fault)
        let start = try await org.sandbox.start(topic: all, from: .latest, caller: org.caller)
        _ = try await org.create("Case", [])
        org.clock.advance(.seconds(59))
        _ = try await org.create("Case", [])
        let early = try await org.sandbox.read(topic: all, after: start, limit: 10, caller: org.caller)
        #expect(early.events.isEmpty)
        #expect(early.reached == start)
        org.clock.advance(.seconds(1))
        let first = try await org.sandbox.read(topic: all, after: early.reached, limit: 10, caller: org.caller)
        #expect(first.events.count == 1)
        // The place it names is one from which the second is still to come.
        let resumed = try await org.sandbox.start(topic: all, from: .after(first.latestReplayID), caller: org.caller)
        org.clock.advance(.seconds(60))
        let second = try await org.sandbox.read(topic: all, after: resumed, limit: 10, caller: org.caller)
        #expect(second.events.count == 1)
    }

    @Test func aBulkJobFailsHalfWay() async throws {
        let org = try await TestOrg.open()
        var fault = Fault(.bulk)
        fault.object = "Case"
        fault.nth = 3
        fault.times = 1
        org.sandbox.faults.set(fault)
        let failures = [0, 200, 400, 600].map {
            org.sandbox.faults.bulkFault(job: "750", object: "case", rowsDone: $0) != nil
        }
        #expect(failures == [false, false, true, false])
        #expect(org.sandbox.faults.bulkFault(job: "750", object: "Account", rowsDone: 0) == nil)
    }
}
