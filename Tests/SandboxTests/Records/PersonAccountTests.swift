import ChangeEvents
import Doors
import TestSupport
import Testing

@testable import Sandbox

struct PersonAccountTests {
    static let schema = #"{"objects": {"Contact": {"fields": {"Level__c": {"type": "Text", "length": 20}}}}}"#

    private func org() async throws -> TestOrg {
        let definitions = try SchemaNodes.definitions(Self.schema, personAccounts: true)
        return try await TestOrg.open {
            $0.hasPersonAccounts = true
            $0.schema = definitions
        }
    }

    @Test(.enabled(if: Fixtures.arePresent, Comment(rawValue: Fixtures.absence))) func theSchemaIsThatOfARealOrg()
        throws
    {
        for (object, file) in [
            ("Account", "AccountChangeEvent.i8wgJwwM-AVcDbFkbRl5Nw"),
            ("Contact", "ContactChangeEvent.YHKH1xWTqwF24lvYNGguGA"),
        ] {
            let real = try EventSchema(json: Fixtures.text("schemas/\(file).avsc"))
            let own = try #require(Catalogue.standard(personAccounts: true).object(object))
            let ours = try CapturedObject(own).schema
            let standard = real.fields.filter { !$0.name.hasSuffix("__c") && !$0.name.hasSuffix("__pc") }
                .filter { !["ContactSource", "BuyerAttributes"].contains($0.name) }
            #expect(ours.fields.map(\.name) == standard.map(\.name))
            for (mine, theirs) in zip(ours.fields, standard) {
                #expect(mine.kind == theirs.kind, "\(mine.name)")
                #expect(mine.flatNames.filter { !theirs.flatNames.contains($0) } == [], "\(mine.name)")
            }
        }
    }

    @Test func aPersonIsAnAccountAndAContact() async throws {
        let org = try await org()
        let id = try await org.create(
            "Account",
            [
                ("LastName", .string("Weber")), ("FirstName", .string("Ada")),
                ("PersonEmail", .string("ada@x.example")),
                ("PersonMailingCity", .string("Kiel")), ("Phone", .string("1")), ("Level__pc", .string("Gold")),
            ])
        let account = try await org.retrieve("Account", id)
        #expect(account["Name"] == .string("Ada Weber"))
        #expect(account["IsPersonAccount"] == .boolean(true))
        guard case .string(let text) = account["PersonContactId"] ?? .null, let contactID = RecordID(text) else {
            Issue.record("a person has a contact")
            return
        }
        let contact = try await org.retrieve("Contact", contactID)
        #expect(contact["AccountId"] == .string(id.string))
        #expect(contact["Email"] == .string("ada@x.example"))
        #expect(contact["MailingCity"] == .string("Kiel"))
        #expect(contact["Level__c"] == .string("Gold"))
        #expect(contact["Phone"] == .string("1"))
        let created = try await org.events()
        #expect(created.map(\.header.entityName) == ["Account", "Contact"])
        #expect(created[0].values["LastName"] == .string("Weber"))
        #expect(created[0].values["Name"] ?? .null == .null)
        #expect(created[0].values["Level__pc"] == .string("Gold"))
        #expect(created[0].values["PersonContactId"] == .string(text))
        #expect(created[1].values["IsPersonAccount"] == .boolean(true))

        org.clock.advance(.seconds(2))
        try await org.update("Account", id, [("PersonEmail", .string("new@x.example"))])
        #expect(try await org.retrieve("Contact", contactID)["Email"] == .string("new@x.example"))
        org.clock.advance(.seconds(2))
        try await org.update("Account", id, [("Site", .string("s")), ("FirstName", .string("Eve"))])
        #expect(try await org.retrieve("Account", id)["Name"] == .string("Eve Weber"))
        let updates = try await org.events().dropFirst(2)
        // The contact is told every time: its time of change is kept equal.
        #expect(updates.map(\.header.entityName) == ["Account", "Contact", "Account", "Contact"])
        #expect(Set(Array(updates)[2].changedFields) == ["Name.FirstName", "Site", "LastModifiedDate"])
        #expect(Set(Array(updates)[3].changedFields) == ["Name.FirstName", "LastModifiedDate"])

        try await org.delete("Account", id)
        try await org.sandbox.transaction { try $0.undelete("Account", id) }
        let last = try await org.events().suffix(4)
        #expect(last.map(\.header.changeType) == [.delete, .delete, .undelete, .undelete])
        #expect(last.map(\.header.entityName) == ["Account", "Contact", "Account", "Contact"])
        #expect(try await org.retrieve("Contact", contactID)["FirstName"] == .string("Eve"))
    }

    @Test func businessesAreAsBefore() async throws {
        let org = try await org()
        let id = try await org.create("Account", [("Name", .string("Volt"))])
        let account = try await org.retrieve("Account", id)
        #expect(account["IsPersonAccount"] == .boolean(false))
        #expect(account["RecordTypeId"] == .string(PersonAccounts.businessRecordType))
        let event = try #require(try await org.events().first)
        #expect(event.values["Name"] == .string("Volt"))
        #expect(try await org.events().count == 1)
        org.clock.advance(.seconds(2))
        try await org.update("Account", id, [("Name", .string("Ohm"))])
        #expect(try await org.events().last?.changedFields.sorted() == ["LastModifiedDate", "Name"])
    }

    @Test func whatDoesNotBelongIsRefused() async throws {
        let org = try await org()
        let person = try await org.create("Account", [("LastName", .string("W"))])
        let business = try await org.create("Account", [("Name", .string("B"))])
        guard case .string(let text)? = try await org.retrieve("Account", person)["PersonContactId"],
            let contact = RecordID(text)
        else {
            Issue.record("a person has a contact")
            return
        }
        let attempts: [(String, RecordID, String, String)] = [
            ("Account", person, "Name", "INVALID_FIELD_FOR_INSERT_UPDATE"),
            ("Account", business, "PersonEmail", "INVALID_FIELD_FOR_INSERT_UPDATE"),
            ("Account", business, "LastName", "INVALID_FIELD_FOR_INSERT_UPDATE"),
            ("Account", business, "RecordTypeId", "INVALID_FIELD_FOR_INSERT_UPDATE"),
            ("Contact", contact, "Title", "INVALID_OPERATION"),
        ]
        for (object, id, field, code) in attempts {
            let error = await org.failure { () async throws(OrgError) in
                try await org.update(object, id, [(field, .string("a@b.example"))])
            }
            #expect(error?.errorCode == code, "\(field)")
        }
        let deleted = await org.failure { () async throws(OrgError) in try await org.delete("Contact", contact) }
        #expect(deleted?.errorCode == "INVALID_OPERATION")
        let emptied = await org.failure { () async throws(OrgError) in
            try await org.update("Account", person, [("LastName", .null)])
        }
        #expect(emptied?.errorCode == "REQUIRED_FIELD_MISSING")
    }
}
