import ChangeEvents
import Doors
import Testing

@testable import Sandbox

struct UndeleteTests {
    @Test func theWholeCascadeComesBack() async throws {
        let org = try await TestOrg.open()
        let parent = try await org.create("Account", [("Name", .string("Parent"))])
        let child = try await org.create("Account", [("Name", .string("C")), ("ParentId", .string(parent.string))])
        let contact = try await org.create(
            "Contact", [("LastName", .string("L")), ("AccountId", .string(parent.string))])
        let own = try await org.create("Contact", [("LastName", .string("M")), ("AccountId", .string(parent.string))])
        try await org.delete("Contact", own)
        try await org.delete("Account", parent)
        #expect(try await org.retrieve("Account", child)["ParentId"] == .null)
        org.clock.advance(.seconds(5))
        try await org.sandbox.transaction { try $0.undelete("Account", parent) }
        #expect(try await org.retrieve("Account", parent)["Name"] == .string("Parent"))
        #expect(try await org.retrieve("Contact", contact)["AccountId"] == .string(parent.string))
        #expect(try await org.retrieve("Account", child)["ParentId"] == .string(parent.string))
        // What was deleted on its own stays deleted.
        let gone = await org.failure { () async throws(OrgError) in _ = try await org.retrieve("Contact", own) }
        #expect(gone?.errorCode == "ENTITY_IS_DELETED")
        let events = try await org.events()
        let undeleted = events.filter { $0.header.changeType == .undelete }
        #expect(undeleted.map(\.header.entityName) == ["Account", "Contact"])
        #expect(undeleted[0].values["Name"] == .string("Parent"))
        #expect(undeleted[1].values["LastName"] == .string("L"))
        #expect(undeleted.map(\.header.sequenceNumber) == [1, 2])
    }

    @Test func onlyWhatIsInTheBinComesBack() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create("Account", [("Name", .string("A"))])
        await #expect(throws: OrgError.notInRecycleBin()) {
            try await org.sandbox.transaction { try $0.undelete("Account", account) }
        }
        try await org.delete("Account", account)
        let count = try await org.sandbox.transaction { try $0.emptyRecycleBin() }
        #expect(count == 1)
        await #expect(throws: OrgError.recordNotFound()) {
            try await org.sandbox.transaction { try $0.undelete("Account", account) }
        }
        let gone = await org.failure { () async throws(OrgError) in _ = try await org.retrieve("Account", account) }
        #expect(gone?.errorCode == "NOT_FOUND")
        // Emptying the bin is told by no event.
        #expect(try await org.events().map(\.header.changeType) == [.create, .delete])
    }

    @Test func aReferenceToWhatIsGoneComesBackEmpty() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create("Account", [("Name", .string("A"))])
        let contact = try await org.create(
            "Contact", [("LastName", .string("L")), ("AccountId", .string(account.string))])
        try await org.delete("Contact", contact)
        try await org.delete("Account", account)
        try await org.sandbox.transaction { try $0.undelete("Contact", contact) }
        #expect(try await org.retrieve("Contact", contact)["AccountId"] == .null)
    }

    @Test func purgedRecordsAreGoneWithTheirDetails() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create("Account", [("Name", .string("A"))])
        let contact = try await org.create(
            "Contact", [("LastName", .string("L")), ("AccountId", .string(account.string))])
        try await org.sandbox.transaction { try $0.purge("Account", account) }
        for (object, id) in [("Account", account), ("Contact", contact)] {
            let gone = await org.failure { () async throws(OrgError) in _ = try await org.retrieve(object, id) }
            #expect(gone?.errorCode == "NOT_FOUND")
        }
        #expect(try await org.events().suffix(2).map(\.header.changeType) == [.delete, .delete])
    }

    /// A failed record of a collection leaves nothing: not itself, not its number, not its event.
    @Test func aSavepointTakesEverythingBack() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create("Account", [("Name", .string("A"))])
        let contact = try await org.create(
            "Contact", [("LastName", .string("L")), ("AccountId", .string(account.string))])
        try await org.sandbox.transaction { transaction in
            try transaction.update("Account", account, ["Site": .string("kept")])
            do {
                try transaction.savepoint {
                    try transaction.update("Account", account, ["Name": .string("lost")])
                    _ = try transaction.create("Case", ["Subject": .string("lost")])
                    try transaction.delete("Account", account)
                    throw OrgError.recordNotFound()
                }
            } catch is OrgError {}
            _ = try transaction.create("Case", ["Subject": .string("kept")])
        }
        #expect(try await org.retrieve("Account", account)["Name"] == .string("A"))
        #expect(try await org.retrieve("Account", account)["Site"] == .string("kept"))
        #expect(try await org.retrieve("Contact", contact)["AccountId"] == .string(account.string))
        let events = try await org.events().dropFirst(2)
        #expect(events.map(\.header.changeType) == [.update, .create])
        #expect(events.last?.values["CaseNumber"] == .string("00001000"))
        #expect(events.last?.values["Subject"] == .string("kept"))
    }
}
