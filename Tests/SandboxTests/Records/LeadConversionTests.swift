import ChangeEvents
import Doors
import Testing

@testable import Sandbox

struct LeadConversionTests {
    private func org() async throws -> TestOrg {
        try await TestOrg.open { $0.selectedEntities = ["Account", "Contact", "Opportunity", "Lead"] }
    }

    /// The order of section 4.7: account, contact, opportunity, lead, in one transaction.
    @Test func conversionMakesThreeRecordsInOrder() async throws {
        let org = try await org()
        let lead = try await org.create(
            "Lead",
            [
                ("LastName", .string("Nakamura")), ("FirstName", .string("Jo")), ("Company", .string("Volt AG")),
                ("Email", .string("jo@volt.example")), ("City", .string("Kiel")), ("LeadSource", .string("Web")),
            ])
        let task = try await org.create("Task", [("Subject", .string("Call")), ("WhoId", .string(lead.string))])
        org.clock.advance(.seconds(9))
        let converted = try await org.sandbox.transaction { try $0.convert(LeadConversion(leadID: lead)) }
        let events = try await org.events().suffix(4)
        #expect(events.map(\.header.entityName) == ["Account", "Contact", "Opportunity", "Lead"])
        #expect(events.map(\.header.changeType) == [.create, .create, .create, .update])
        #expect(events.map(\.header.sequenceNumber) == [1, 2, 3, 4])
        #expect(Set(events.map(\.header.transactionKey)).count == 1)
        #expect(
            events.last?.changedFields == [
                "Status", "IsConverted", "ConvertedDate", "ConvertedAccountId", "ConvertedContactId",
                "ConvertedOpportunityId", "LastModifiedDate",
            ])
        let account = try await org.retrieve("Account", converted.accountID)
        #expect(account["Name"] == .string("Volt AG"))
        #expect(account["BillingCity"] == .string("Kiel"))
        let contact = try await org.retrieve("Contact", converted.contactID)
        #expect(contact["Name"] == .string("Jo Nakamura"))
        #expect(contact["AccountId"] == .string(converted.accountID.string))
        let opportunity = try await org.retrieve("Opportunity", try #require(converted.opportunityID))
        #expect(opportunity["CloseDate"] == .string("2026-03-31"))
        #expect(opportunity["StageName"] == .string("Prospecting"))
        #expect(try await org.retrieve("Task", task)["WhoId"] == .string(converted.contactID.string))
        #expect(try await org.retrieve("Task", task)["AccountId"] == .string(converted.accountID.string))
    }

    @Test func aConvertedLeadIsFixed() async throws {
        let org = try await org()
        let lead = try await org.create("Lead", [("LastName", .string("N")), ("Company", .string("V"))])
        let converted = try await org.sandbox.transaction { transaction in
            var conversion = LeadConversion(leadID: lead)
            conversion.createsOpportunity = false
            return try transaction.convert(conversion)
        }
        #expect(converted.opportunityID == nil)
        let refused = await org.failure { () async throws(OrgError) in
            try await org.update("Lead", lead, [("City", .string("X"))])
        }
        #expect(refused?.errorCode == "CANNOT_UPDATE_CONVERTED_LEAD")
        await #expect(throws: OrgError.self) {
            try await org.sandbox.transaction { _ = try $0.convert(LeadConversion(leadID: lead)) }
        }
    }
}
