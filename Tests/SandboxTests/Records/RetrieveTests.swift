import ChangeEvents
import Doors
import Testing

@testable import Sandbox

struct RetrieveTests {
    @Test func compoundsAreAnswered() async throws {
        let org = try await TestOrg.open()
        let contact = try await org.create(
            "Contact",
            [
                ("FirstName", .string("Ada")), ("LastName", .string("Byron")), ("Salutation", .string("Ms.")),
                ("MailingCity", .string("London")), ("MailingLatitude", .number("51.5")),
            ])
        let record = try await org.retrieve("Contact", contact)
        #expect(record["Name"] == .string("Ada Byron"))
        #expect(record["OtherAddress"] == .null)
        #expect(
            record["MailingAddress"]
                == .object([
                    .init(name: "city", value: .string("London")), .init(name: "country", value: .null),
                    .init(name: "geocodeAccuracy", value: .null), .init(name: "latitude", value: .number("51.5")),
                    .init(name: "longitude", value: .null), .init(name: "postalCode", value: .null),
                    .init(name: "state", value: .null), .init(name: "street", value: .null),
                ]))
    }

    @Test func fieldsAreAnsweredAsAsked() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Case", [("Subject", .string("S"))])
        let answer = try await org.sandbox.retrieve(
            object: "Case", id: id.string, fields: ["subject", "Status"], context: org.context)
        guard case .object(let members) = answer else {
            Issue.record("not an object")
            return
        }
        #expect(members.map(\.name) == ["attributes", "Subject", "Status", "Id"])
        let error = await org.failure { () async throws(OrgError) in
            _ = try await org.retrieve("Case", id, fields: ["Colour"])
        }
        #expect(error?.errorCode == "INVALID_FIELD")
        #expect(error?.message == "No such column 'Colour' on sobject of type Case")
    }

    @Test func unknownRecordsAreNotFound() async throws {
        let org = try await TestOrg.open()
        func failure(_ id: String) async -> OrgError? {
            await org.failure { () async throws(OrgError) in
                _ = try await org.sandbox.retrieve(object: "Case", id: id, fields: nil, context: org.context)
            }
        }
        #expect(
            await failure("5005g00000ZZZZZ")
                == OrgError(status: 404, errorCode: "NOT_FOUND", message: "The requested resource does not exist"))
        let malformed = await failure("Name")
        #expect(malformed?.status == 404)
        #expect(malformed?.message == "Provided external ID field does not exist or is not accessible: Name")
    }

    @Test func usersCanBeRead() async throws {
        let org = try await TestOrg.open()
        let id = try #require(RecordID(org.context.session.userID))
        let user = try await org.retrieve("User", id)
        #expect(user["Name"] == .string("Integration User"))
        #expect(user["Username"] == .string(org.context.session.username))
    }
}
