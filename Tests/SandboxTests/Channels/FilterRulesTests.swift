import Doors
import Testing

@testable import Sandbox

struct FilterRulesTests {
    private static let account = ChannelEvents.Event(name: "AccountChangeEvent", product: .data, object: .account)
    private static let `case` = ChannelEvents.Event(name: "CaseChangeEvent", product: .data, object: .case)
    private static let contact = ChannelEvents.Event(name: "ContactChangeEvent", product: .data, object: .contact)

    private func refusal(_ text: String, _ event: ChannelEvents.Event) -> OrgError? {
        do throws(OrgError) {
            _ = try FilterRules.condition(text, for: event)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        "Industry = 'Agriculture' AND NumberOfEmployees > 1000", "BillingAddress.City = 'Oslo'",
        "billingaddress.latitude > 1.5", "Name LIKE 'A%'", "ChangeEventHeader.changeType = 'UPDATE'",
        "ChangeEventHeader.commitNumber > 10.0", "CreatedDate > 2021-07-09T10:30:11-08:00", "CreatedDate > 2021-07-09",
        "Industry = null", "AnnualRevenue != null", "INDUSTRY != ''",
    ])
    func accountFilters(_ text: String) {
        #expect(refusal(text, Self.account) == nil)
    }

    @Test(arguments: [
        "BillingCity = 'Oslo'", "BillingAddress = 'Oslo'", "BillingAddress.Planet = 'X'", "Owner.Name = 'X'",
        "ChangeEventHeader.recordIds = '1'", "ChangeEventHeader.nulledFields = '1'",
        "ChangeEventHeader.diffFields = '1'", "ChangeEventHeader.changedFields = 'Industry'", "Nothing = 1", "Id = '1'",
        "IsDeleted = false", "Industry = 1", "NumberOfEmployees = '1'", "NumberOfEmployees LIKE '1%'",
        "CreatedDate = 'today'", "NumberOfEmployees > 2147483648", "Industry IN ('A')", "Parent.Name = 'A'",
    ])
    func accountFiltersThatAreRefused(_ text: String) {
        let error = refusal(text, Self.account)
        #expect(error?.errorCode == "FIELD_INTEGRITY_EXCEPTION")
        #expect(error?.fields == ["filterExpression"])
    }

    @Test func checkboxesCompareForEqualityOnly() {
        #expect(refusal("IsEscalated = true", Self.case) == nil)
        #expect(refusal("IsEscalated != false", Self.case) == nil)
        #expect(refusal("IsEscalated > false", Self.case) != nil)
        #expect(refusal("IsEscalated = 1", Self.case) != nil)
    }

    @Test func aPersonsNameIsNamedByItsParts() {
        #expect(refusal("Name.LastName = 'Ada'", Self.contact) == nil)
        #expect(refusal("Name = 'Ada'", Self.contact) != nil)
        #expect(refusal("LastName = 'Ada'", Self.contact) != nil)
    }

    @Test func bigIntegersSayWhatToWrite() {
        let message = refusal("NumberOfEmployees > 2147483648", Self.account)?.message ?? ""
        #expect(message.contains("A number format error occurred"))
        #expect(message.contains("2147483648.0"))
    }
}
