import ChangeEvents
import Doors
import Testing

@testable import Sandbox

struct DeleteTests {
    @Test func deletedRecordIsGoneAndSaysSo() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Case", [])
        try await org.delete("Case", id)
        for attempt in 0..<2 {
            let error = await org.failure { () async throws(OrgError) in
                if attempt == 0 { _ = try await org.retrieve("Case", id) } else { try await org.delete("Case", id) }
            }
            #expect(
                error == OrgError(status: 404, errorCode: "ENTITY_IS_DELETED", message: "entity is deleted", fields: [])
            )
        }
    }

    @Test func accountTakesItsContactsAlongAndFreesItsChildren() async throws {
        let org = try await TestOrg.open()
        let parent = try await org.create("Account", [("Name", .string("P"))])
        let child = try await org.create("Account", [("Name", .string("C")), ("ParentId", .string(parent.string))])
        let first = try await org.create(
            "Contact", [("LastName", .string("1")), ("AccountId", .string(parent.string))])
        let second = try await org.create(
            "Contact", [("LastName", .string("2")), ("AccountId", .string(parent.string))])
        let before = try await org.received().count
        org.clock.advance(.seconds(10))
        try await org.delete("Account", parent)

        let events = Array(try await org.events().dropFirst(before))
        #expect(events.map(\.header.changeType) == [.delete, .delete, .update])
        #expect(events[0].header.recordIDs == [parent.string])
        // Two deletes of contacts say the same: one event.
        #expect(Set(events[1].header.recordIDs) == [first.string, second.string])
        #expect(events[1].header.entityName == "Contact")
        #expect(events[1].values.isEmpty)
        #expect(events[2].header.recordIDs == [child.string])
        #expect(events[2].changedFields == ["ParentId"])
        #expect(events[2].nulledFields == ["ParentId"])
        #expect(Set(events.map(\.header.transactionKey)).count == 1)
        #expect(events.map(\.header.sequenceNumber) == [1, 2, 3])

        let left = try await org.retrieve("Account", child)
        #expect(left["ParentId"] == .null)
        // Emptying the reference is no modification.
        #expect(left["LastModifiedDate"] == .string("2026-02-17T04:03:15.000+0000"))
        #expect(left["SystemModstamp"] == .string("2026-02-17T04:03:25.000+0000"))
    }

    /// Was: the org's process ended, as a formula had no place in a record that another took along.
    @Test func whatFallsAlongMayHaveFormulasThatEventsCarry() async throws {
        let definitions = try SchemaNodes.definitions(
            """
            {"objects": {"Contact": {"fields": {"Of__c": {"type": "Text", "formula": "LastName & '!'"}}}}}
            """)
        let org = try await TestOrg.open { $0.schema = definitions }
        let account = try await org.create("Account", [("Name", .string("A"))])
        let contact = try await org.create(
            "Contact", [("LastName", .string("C")), ("AccountId", .string(account.string))])
        let before = try await org.received().count
        try await org.delete("Account", account)
        let events = Array(try await org.events().dropFirst(before))
        #expect(events.map(\.header.recordIDs) == [[account.string], [contact.string]])
        #expect(events.map(\.header.changeType) == [.delete, .delete])
    }

    /// Of a custom lookup: what happens to the record when the one that it refers to is deleted.
    @Test(arguments: ["SetNull", "Restrict", "Cascade"])
    func aLookupsConstraintDecides(constraint: String) async throws {
        let definitions = try SchemaNodes.definitions(
            """
            {"objects": {"Visit__c": {"fields": {"Account__c": {"type": "Lookup", "referenceTo": "Account",
              "relationshipName": "Visits", "deleteConstraint": "\(constraint)"}}}}}
            """)
        let org = try await TestOrg.open {
            $0.schema = definitions
            $0.selectedEntities = ["Account", "Visit__c"]
        }
        let account = try await org.create("Account", [("Name", .string("A"))])
        let visit = try await org.create("Visit__c", [("Account__c", .string(account.string))])
        let before = try await org.events().count
        let failure = await org.failure { () async throws(OrgError) in try await org.delete("Account", account) }
        let events = Array(try await org.events().dropFirst(before))
        let live = try await org.sandbox.snapshot(entity: "Visit__c")
        switch constraint {
        case "Restrict":
            #expect(failure?.errorCode == "DELETE_FAILED")
            #expect(events.isEmpty)
            #expect(live.first?.fields["Account__c"] == .string(account.string))
        case "Cascade":
            #expect(failure == nil)
            #expect(events.map(\.header.changeType) == [.delete, .delete])
            #expect(live.isEmpty)
        default:
            #expect(failure == nil)
            #expect(events.map(\.header.changeType) == [.delete, .update])
            #expect(events.last?.nulledFields == ["Account__c"])
            #expect(live.map(\.id) == [visit])
            #expect(live.first?.fields["Account__c"] ?? .null == .null)
        }
    }

    @Test func casesKeepTheirAccountAndContact() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create("Account", [("Name", .string("Voltbahn"))])
        let contact = try await org.create(
            "Contact",
            [("FirstName", .string("Ada")), ("LastName", .string("Byron")), ("AccountId", .string(account.string))])
        _ = try await org.create("Case", [("ContactId", .string(contact.string))])
        let before = try await org.received().count
        let ofAccount = await org.failure { () async throws(OrgError) in try await org.delete("Account", account) }
        #expect(ofAccount?.errorCode == "DELETE_FAILED")
        #expect(
            ofAccount?.message
                == "Your attempt to delete Voltbahn could not be completed because it is associated with the following "
                + "cases.: 00001000")
        let ofContact = await org.failure { () async throws(OrgError) in try await org.delete("Contact", contact) }
        #expect(ofContact?.message.hasPrefix("Your attempt to delete Ada Byron could not") == true)
        #expect(try await org.received().count == before)
        #expect(try await org.retrieve("Contact", contact)["Id"] == .string(contact.string))
    }

    @Test func refusedCallInsideATransactionChangesNothing() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create("Account", [("Name", .string("A"))])
        let contact = try await org.create(
            "Contact", [("LastName", .string("X")), ("AccountId", .string(account.string))])
        _ = try await org.create("Case", [("ContactId", .string(contact.string))])
        let before = try await org.received().count
        try await org.sandbox.transaction { transaction in
            #expect(throws: OrgError.self) { try transaction.delete("Account", account) }
            try transaction.update("Account", account, ["Site": .string("Bay 4")])
        }
        let events = try await org.events().dropFirst(before)
        #expect(events.map(\.header.changeType) == [.update])
        #expect(try await org.retrieve("Contact", contact)["IsDeleted"] == .boolean(false))
    }
}
