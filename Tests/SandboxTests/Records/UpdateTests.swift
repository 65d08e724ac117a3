import ChangeEvents
import Doors
import Testing

@testable import Sandbox

struct UpdateTests {
    @Test func onlyNamedFieldsChange() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Case", [("Subject", .string("A")), ("Priority", .string("High"))])
        org.clock.advance(.seconds(60))
        try await org.update("Case", id, [("Subject", .string("B"))])
        let record = try await org.retrieve("Case", id)
        #expect(record["Subject"] == .string("B"))
        #expect(record["Priority"] == .string("High"))
        #expect(record["CreatedDate"] == .string("2026-02-17T04:03:15.000+0000"))
        #expect(record["LastModifiedDate"] == .string("2026-02-17T04:04:15.000+0000"))
    }

    @Test func nullAndEmptyTextEmptyAField() async throws {
        let org = try await TestOrg.open()
        for value in [JSONValue.null, .string("")] {
            let id = try await org.create("Case", [("Subject", .string("A"))])
            try await org.update("Case", id, [("Subject", value)])
            #expect(try await org.retrieve("Case", id)["Subject"] == .null)
        }
    }

    @Test func requiredFieldCannotBeEmptied() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Account", [("Name", .string("A"))])
        let error = await org.failure { () async throws(OrgError) in
            try await org.update("Account", id, [("Name", .null)])
        }
        #expect(error?.errorCode == "REQUIRED_FIELD_MISSING")
        #expect(error?.fields == ["Name"])
        #expect(try await org.retrieve("Account", id)["Name"] == .string("A"))
    }

    @Test func closingSetsClosedDateAndReopeningClearsIt() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Case", [])
        org.clock.advance(.seconds(5))
        try await org.update("Case", id, [("Status", .string("Closed"))])
        var record = try await org.retrieve("Case", id)
        #expect(record["IsClosed"] == .boolean(true))
        #expect(record["ClosedDate"] == .string("2026-02-17T04:03:20.000+0000"))
        #expect(record["IsClosedOnCreate"] == .boolean(false))
        // A later change of a closed case does not close it again.
        org.clock.advance(.seconds(5))
        try await org.update("Case", id, [("Subject", .string("x"))])
        #expect(try await org.retrieve("Case", id)["ClosedDate"] == .string("2026-02-17T04:03:20.000+0000"))
        try await org.update("Case", id, [("Status", .string("Working"))])
        record = try await org.retrieve("Case", id)
        #expect(record["IsClosed"] == .boolean(false))
        #expect(record["ClosedDate"] == .null)
    }

    @Test func recordThatIsNotThereDeletedOrOfAnotherObject() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create("Account", [("Name", .string("A"))])
        func failure(_ object: String, _ id: String) async -> OrgError? {
            await org.failure { () async throws(OrgError) in
                try await org.sandbox.update(object: object, id: id, fields: [], context: org.context)
            }
        }
        let malformed = await failure("Account", "12")
        #expect(malformed?.status == 400)
        #expect(malformed?.errorCode == "MALFORMED_ID")
        #expect(await failure("Case", account.string)?.errorCode == "MALFORMED_ID")
        // One wrong character of the checksum.
        #expect(await failure("Account", account.string.dropLast() + "5")?.errorCode == "MALFORMED_ID")
        let missing = await failure("Account", "0015g00000ZZZZZ")
        #expect(
            missing == OrgError(status: 404, errorCode: "NOT_FOUND", message: "The requested resource does not exist"))
        try await org.delete("Account", account)
        let deleted = await failure("Account", account.string)
        #expect(deleted?.status == 404)
        #expect(deleted?.errorCode == "ENTITY_IS_DELETED")
    }

    @Test func hierarchyCannotBecomeARing() async throws {
        let org = try await TestOrg.open()
        let parent = try await org.create("Account", [("Name", .string("P"))])
        let child = try await org.create("Account", [("Name", .string("C")), ("ParentId", .string(parent.string))])
        let error = await org.failure { () async throws(OrgError) in
            try await org.update("Account", parent, [("ParentId", .string(child.string))])
        }
        #expect(error?.errorCode == "CIRCULAR_DEPENDENCY")
    }

    @Test func datesAreReadAndAnswered() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Contact", [("LastName", .string("X")), ("Birthdate", .string("1985-12-10"))])
        try await org.update("Contact", id, [("EmailBouncedDate", .string("2026-02-17T05:03:15.999+01:00"))])
        let record = try await org.retrieve("Contact", id)
        #expect(record["Birthdate"] == .string("1985-12-10"))
        #expect(record["EmailBouncedDate"] == .string("2026-02-17T04:03:15.000+0000"))
        for wrong in ["2026-02-30", "17.02.2026", "2026-2-3"] {
            let error = await org.failure { () async throws(OrgError) in
                try await org.update("Contact", id, [("Birthdate", .string(wrong))])
            }
            #expect(error?.errorCode == "JSON_PARSER_ERROR")
        }
    }
}
