import Doors
import Testing

@testable import Sandbox

struct FaultTests {
    private let all = "/data/ChangeEvents"

    @Test func scriptedRefusalsComeOnceAndCallsAreRemembered() async throws {
        let org = try await TestOrg.open()
        let refusal = EventBusError(code: .unavailable, message: "not now")
        org.sandbox.faults.refuseNextStarts(2, with: refusal)
        for _ in 0..<2 {
            await #expect(throws: EventBusError.self) {
                _ = try await org.sandbox.start(topic: all, from: .latest, caller: org.caller)
            }
        }
        _ = try await org.sandbox.start(topic: all, from: .earliest, caller: org.caller)
        #expect(
            org.sandbox.faults.calls == [
                .start(topic: all, from: .latest), .start(topic: all, from: .latest),
                .start(topic: all, from: .earliest),
            ])
        org.sandbox.faults.refuseNextSchemas(with: refusal)
        await #expect(throws: EventBusError.self) { _ = try await org.sandbox.schemaJSON("x", caller: org.caller) }
        org.sandbox.faults.refuseNextAuthorizations(with: refusal)
        org.sandbox.faults.clear()
        _ = try await org.sandbox.authorize(
            accessToken: org.context.session.accessToken, instanceURL: TestOrg.instanceURL,
            tenantID: org.context.session.organizationID)
    }
}
