import ChangeEvents
import Doors
import Store
import Testing
import Twin

@testable import Sandbox

/// What changed and what was deleted within a window of time.
@Suite struct ReplicationTests {
    private static func ids(_ answer: JSONValue, _ member: String) -> [JSONValue] {
        answer.dictionary[member]?.elements.map { $0.dictionary["id"] ?? $0 } ?? []
    }

    private static func window(
        _ org: TestOrg, from start: String, to end: String
    ) throws(OrgError) -> Replication {
        guard let account = org.sandbox.catalogue.object("Account") else { throw .objectNotFound() }
        return try Replication(account, from: start, to: end, now: org.clock.now)
    }

    @Test func windowHoldsWhatChangedInItAndLeavesTheRest() async throws {
        let org = try await TestOrg.open()
        // The clock stands at 2026-02-17T04:03:15Z.
        let early = try await org.create("Account", [("Name", .string("early"))])
        org.clock.advance(.seconds(600))
        let late = try await org.create("Account", [("Name", .string("late"))])
        let gone = try await org.create("Account", [("Name", .string("gone"))])
        try await org.delete("Account", gone)
        org.clock.advance(.seconds(3_600))

        let window = try Self.window(org, from: "2026-02-17T04:10:59Z", to: "2026-02-17T05:00:00+00:00")
        let (updated, deleted) = try await org.sandbox.twin.store.read { reader in
            (try window.updated(reader), try window.deleted(reader))
        }
        #expect(Self.ids(updated, "ids") == [.string(late.string)])
        #expect(updated.dictionary["latestDateCovered"] == .string("2026-02-17T05:00:00.000+0000"))
        #expect(Self.ids(deleted, "deletedRecords") == [.string(gone.string)])
        let whole = try Self.window(org, from: "2026-02-17T04:03:50Z", to: "2026-02-17T09:00:00Z")
        let all = try await org.sandbox.twin.store.read { try whole.updated($0) }
        #expect(Self.ids(all, "ids") == [.string(early.string), .string(late.string)])
        // What is not over yet is covered up to now.
        #expect(all.dictionary["latestDateCovered"] == .string("2026-02-17T05:13:00.000+0000"))
    }

    @Test(arguments: [
        ("2026-02-17T04:00:00Z", "2026-02-17T04:00:59Z"), ("2026-02-17T04:00:00Z", "2026-02-17T03:00:00Z"),
        ("2026-01-17T00:00:00Z", "2026-02-17T04:00:00Z"), ("yesterday", "2026-02-17T04:00:00Z"),
        ("2026-02-17T04:00:00Z", ""),
    ])
    func windowThatAnOrgDoesNotLookAtIsRefused(_ start: String, _ end: String) async throws {
        let org = try await TestOrg.open()
        let error = #expect(throws: OrgError.self) { try Self.window(org, from: start, to: end) }
        #expect(error?.errorCode == "INVALID_REPLICATION_DATE")
    }
}
