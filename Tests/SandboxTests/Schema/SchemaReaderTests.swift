import Doors
import Testing

@testable import Sandbox

struct SchemaReaderTests {
    /// A field with these members, in a document that is otherwise right; answers its mistakes.
    private func mistakes(_ field: String, on object: String = "Account") -> [String] {
        mistakes(document: #"{"objects": {"\#(object)": {"fields": {"F__c": \#(field)}}}}"#)
    }

    private func mistakes(document: String) -> [String] {
        do {
            _ = try SchemaNodes.definitions(document)
            return []
        } catch let error as SchemaMistakes {
            return error.mistakes.map(\.message)
        } catch {
            return ["\(error)"]
        }
    }

    @Test(arguments: [
        (#"{}"#, "Account.F__c.type is missing"),
        (#"{"type": "Txt"}"#, "Account.F__c.type must be one of"),
        (#"{"type": "Text"}"#, "Account.F__c.length is missing: 1 to 255"),
        (#"{"type": "Text", "length": 256}"#, "Account.F__c.length must be 1 to 255"),
        (#"{"type": "Text", "length": "x"}"#, "Account.F__c.length must be a whole number"),
        (#"{"type": "Number", "length": 5}"#, "Account.F__c.length does not belong here"),
        (#"{"type": "Number", "precision": 19}"#, "Account.F__c.precision must be 1 to 18"),
        (#"{"type": "Number", "precision": 3, "scale": 4}"#, "Account.F__c.scale must not be more than the precision"),
        (#"{"type": "Checkbox", "required": "true"}"#, "Account.F__c.required cannot be true of a Checkbox"),
        (#"{"type": "Checkbox", "unique": "true"}"#, "Account.F__c.unique cannot be true of this field"),
        (#"{"type": "Date", "externalId": "true"}"#, "Account.F__c.externalId cannot be true of this field"),
        (#"{"type": "Checkbox", "defaultValue": "yes"}"#, "Account.F__c.defaultValue must be true or false"),
        (#"{"type": "Picklist"}"#, "Account.F__c.values is missing"),
        (#"{"type": "Picklist", "values": ["a", "a"]}"#, "Account.F__c.values holds a twice"),
        (#"{"type": "Picklist", "values": ["a"], "defaultValue": "b"}"#, "Account.F__c.defaultValue is not one of"),
        (#"{"type": "Lookup"}"#, "Account.F__c.referenceTo is missing"),
        (#"{"type": "Lookup", "referenceTo": "Nothing__c"}"#, "Account.F__c.referenceTo names Nothing__c"),
        (
            #"{"type": "MasterDetail", "referenceTo": "Contact"}"#,
            "Account.F__c.type cannot be MasterDetail on a standard"
        ),
        (#"{"type": "Lookup", "referenceTo": "Contact", "deleteConstraint": "x"}"#, "must be one of SetNull, Restrict"),
        (
            #"{"type": "AutoNumber", "displayFormat": "A-{x}"}"#,
            "Account.F__c.displayFormat must hold the number's place"
        ),
        (#"{"type": "AutoNumber", "displayFormat": "{0}{0}"}"#, "Account.F__c.displayFormat must hold"),
        (#"{"type": "Summary"}"#, "Account.F__c.summaryOperation is missing"),
        (
            #"{"type": "Summary", "summaryOperation": "count", "summaryForeignKey": "Contact.AccountId"}"#,
            "summaryForeignKey must be a MasterDetail field"
        ),
        (
            #"{"type": "Text", "length": 5, "lenght": 5}"#,
            "unknown key Account.F__c.lenght: the keys here are type, label"
        ),
        (#"{"type": "Phone", "formula": "1"}"#, "Account.F__c.formula cannot result in Phone"),
        (#""Text""#, "Account.F__c must be keys with values"),
    ])
    func aWrongFieldSaysWhy(field: String, expected: String) {
        let found = mistakes(field)
        #expect(found.contains { $0.contains(expected) }, "\(found)")
    }

    @Test(arguments: [
        (#"{"objekts": {}}"#, "unknown key objekts: the keys here are objects, events"),
        (#"{"objects": []}"#, "objects must be names with what they are"),
        (#"{"objects": {"9X__c": {}}}"#, "9X__c is not the API name of a custom object"),
        (#"{"objects": {"A__b__c": {}}}"#, "A__b__c is not the API name of a custom object"),
        (#"{"objects": {"Account": {"label": "X"}}}"#, "Account.label of Account cannot be set"),
        (#"{"objects": {"Acount": {"fields": {"A__c": {"type": "Checkbox"}}}}}"#, "Acount is no object of the org"),
        (
            #"{"objects": {"Account": {"fields": {"A": {"type": "Checkbox"}}}}}"#,
            "A is not the API name of a custom field"
        ),
        (#"{"events": {"X__c": {}}}"#, "X__c is not the API name of a platform event"),
        (#"{"events": {"X__e": {"publishBehavior": "Later"}}}"#, "X__e.publishBehavior must be one of"),
        (
            #"{"events": {"X__e": {"fields": {"P__c": {"type": "Phone"}}}}}"#,
            "X__e.P__c.type must be one of Checkbox, Date"
        ),
        (
            #"{"objects": {"X__c": {"nameField": {"type": "Text", "displayFormat": "{0}"}}}}"#,
            "belongs to an AutoNumber"
        ),
    ])
    func aWrongDocumentSaysWhy(document: String, expected: String) {
        let found = mistakes(document: document)
        #expect(found.contains { $0.contains(expected) }, "\(found)")
    }

    @Test func allMistakesAreListed() {
        let found = mistakes(
            document: """
                {"objects": {"Account": {"fields": {"A__c": {"type": "Text"}, "B__c": {"type": "Nope"}, "C": {}}}},
                 "events": {"X__e": {"publishBehavior": "Later"}}, "other": 1}
                """)
        #expect(found.count == 5, "\(found)")
    }

    @Test func theFormOfTheMetadataAPIIsTaken() throws {
        let schema = try SchemaNodes.definitions(
            """
            {"objects": {"Account": {"fields": {"Tier__c": {"type": "Picklist", "label": "Tier", "required": "false",
              "trackHistory": "false", "valueSet": {"restricted": "true", "valueSetDefinition": {"sorted": "false",
                "value": [{"fullName": "Gold", "default": "false", "label": "Gold"},
                          {"valueName": "Silver", "default": "true"}]}}}}}}}
            """
        ).schema
        let metadata = try #require(schema.field("Tier__c", of: "Account")).metadata
        #expect(metadata.restricted)
        #expect(metadata.values == [.init(name: "Gold"), .init(name: "Silver", isDefault: true)])
    }

    @Test(arguments: [
        ("V-{0000}", 7, "V-0007"), ("{0}", 123, "123"), ("{YYYY}/{MM}-{00}", 5, "2026/02-05"),
        ("{00000000}", 1_000, "00001000"),
    ])
    func automaticNumbersAreFormatted(format: String, number: UInt64, expected: String) throws {
        #expect(try #require(AutoNumberFormat(format)).text(number, now: 1_771_300_995_250) == expected)
    }

    /// Of any length, a format could make names of any length.
    @Test func theNumberHasTenDigitsAtMost() {
        #expect(AutoNumberFormat("{0000000000}") != nil)
        #expect(AutoNumberFormat("{00000000000}") == nil)
        #expect(AutoNumberFormat("{}") == nil)
    }
}
