import ChangeEvents
import Matching
import SOQL
import Testing

struct RecordSourceTests {
    private func source(_ fields: [String: FieldValue], isComplete: Bool = true) -> RecordSource {
        let image = RecordImage(entity: "Case", id: Changes.id, fields: fields, isComplete: isComplete)
        return RecordSource(
            header: Changes.input(.update, before: nil, after: nil).header, id: Changes.id, image: image,
            values: ["Other": .integer(1)])
    }

    @Test(arguments: [
        ("BillingCity", Value.string("Berlin")), ("billingcity", .string("Berlin")),
        ("BillingAddress.City", .string("Berlin")),
        ("billingADDRESS.CITY", .string("Berlin")), ("LastName", .string("Roth")), ("Name.LastName", .string("Roth")),
        ("Address.Street", .string("Weg 1")), ("Place__c.Latitude", .double(52.5)),
        ("Place__c.Latitude__s", .double(52.5)),
        ("BillingAddress.Country", .null), ("Name.Suffix", .null), ("Nothing", .null),
        ("Id", .string(Changes.id.string)),
        ("ID", .string(Changes.id.string)), ("ChangeEventHeader.changeType", .string("UPDATE")),
        ("changeeventheader.ENTITYNAME", .string("Case")),
        ("ChangeEventHeader.commitNumber", .integer(10_585_193_272_713)),
        ("ChangeEventHeader.sequenceNumber", .integer(1)),
        ("ChangeEventHeader.commitUser", .string("005xx000001X83aAAC")),
        ("ChangeEventHeader.commitTimestamp", .integer(1_783_593_000_000)), ("Colours", .string("Red;Blue")),
        ("Other", .null),
    ])
    func findsFieldsByEverySpelling(name: String, value: Value) {
        let source = source([
            "BillingCity": .string("Berlin"), "LastName": .string("Roth"), "Street": .string("Weg 1"),
            "Place__Latitude__s": .double(52.5), "Colours": .list(["Red", "Blue"]),
        ])
        #expect(source.value(of: name) == value)
    }

    @Test(arguments: [
        "Account.Name", "Owner.Id", "Contact.Account.Name", "ChangeEventHeader.recordIds",
        "ChangeEventHeader.changedFields",
        "ChangeEventHeader", "Name.City", "BillingAddress.LastName", "Place__c.Colour",
    ])
    func otherRecordsAreUnknown(name: String) {
        #expect(source([:]).value(of: name) == nil)
    }

    @Test func partialImagesDoNotKnowWhatIsMissing() {
        #expect(source([:], isComplete: false).value(of: "Status") == nil)
        #expect(source([:], isComplete: false).value(of: "BillingAddress.City") == nil)
        #expect(source(["Status": .null], isComplete: false).value(of: "Status") == .null)
    }

    @Test func fieldsThatCannotBeJudgedAreNamed() throws {
        let condition = try Condition(
            "Id != null AND status = 'x' AND BillingAddress.City = 'x' AND Stauts = 'x' AND Account.Name = 'x' AND ChangeEventHeader.changeType = 'CREATE' AND ChangeEventHeader.recordIds = 'x' AND ShippingAddress.City = 'y'"
        )
        #expect(
            condition.unjudgeableFields(flatNames: ["Status", "BillingCity"])
                == ["Account.Name", "ChangeEventHeader.recordIds", "ShippingAddress.City", "Stauts"])
    }
}
