import ChangeEvents
import Doors
import Store
import Testing
import Twin

@testable import Sandbox

struct MergeTests {
    @Test func theMasterTakesWhatReferredToTheOthers() async throws {
        let org = try await TestOrg.open()
        let master = try await org.create("Account", [("Name", .string("Master"))])
        let loser = try await org.create("Account", [("Name", .string("Loser")), ("Site", .string("S"))])
        let contact = try await org.create(
            "Contact", [("LastName", .string("L")), ("AccountId", .string(loser.string))])
        let childCase = try await org.create("Case", [("AccountId", .string(loser.string))])
        let child = try await org.create("Account", [("Name", .string("C")), ("ParentId", .string(loser.string))])
        org.clock.advance(.seconds(3))
        let outcome = try await org.sandbox.transaction {
            try $0.merge("Account", into: master, taking: ["Site": .string("S")], from: [loser])
        }
        #expect(outcome.mergedIDs == [loser])
        #expect(Set(outcome.updatedRelatedIDs) == [contact, childCase, child])
        #expect(try await org.retrieve("Account", master)["Site"] == .string("S"))
        #expect(try await org.retrieve("Contact", contact)["AccountId"] == .string(master.string))
        #expect(try await org.retrieve("Case", childCase)["AccountId"] == .string(master.string))
        #expect(try await org.retrieve("Account", child)["ParentId"] == .string(master.string))
        let tombstone = try await org.sandbox.twin.store.read { try $0.record(entity: "Account", id: loser) }
        #expect(tombstone?.isDeleted == true)
        #expect(tombstone?.image.fields["MasterRecordId"] == .string(master.string))
        let events = try await org.events().suffix(5)
        #expect(events.filter { $0.header.changeType == .delete }.map(\.header.recordIDs) == [[loser.string]])
        #expect(Set(events.map(\.header.transactionKey)).count == 1)
    }

    @Test func onlyRecordsOfOneKindAreMerged() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create("Account", [("Name", .string("A"))])
        let product = try await org.create("Product2", [("Name", .string("P"))])
        for (object, master, others) in [
            ("Account", account, [account]), ("Account", account, []), ("Product2", product, [product]),
            ("Account", account, [product]),
        ] {
            await #expect(throws: OrgError.self) {
                try await org.sandbox.transaction { _ = try $0.merge(object, into: master, from: others) }
            }
        }
    }

    /// A parent that is merged into its child does not become its own parent.
    @Test func aHierarchyIsNotClosedToARing() async throws {
        let org = try await TestOrg.open()
        let parent = try await org.create("Account", [("Name", .string("P"))])
        let child = try await org.create("Account", [("Name", .string("C")), ("ParentId", .string(parent.string))])
        try await org.sandbox.transaction { _ = try $0.merge("Account", into: child, from: [parent]) }
        #expect(try await org.retrieve("Account", child)["ParentId"] == .null)
    }
}
