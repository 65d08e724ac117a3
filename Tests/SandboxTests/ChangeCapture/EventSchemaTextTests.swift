import ChangeEvents
import Foundation
import TestSupport
import Testing

@testable import Sandbox

struct EventSchemaTextTests {
    /// The order of the guide's Account example (an org without record types and person accounts), by which its printed
    /// bitmaps can be checked.
    @Test(.enabled(if: Fixtures.arePresent, Comment(rawValue: Fixtures.absence))) func accountHasTheOrderOfTheGuide()
        throws
    {
        struct Bitmaps: Decodable {
            struct Example: Decodable {
                var order: String?
                var nested: [String: String]?
                var bitmap: [String]
                var names: [String]?
            }
            var orders: [String: [String]]
            var cases: [Example]
        }
        let bitmaps = try JSONDecoder().decode(Bitmaps.self, from: Data(try Fixtures.text("events/bitmaps.json").utf8))
        let expected = try #require(bitmaps.orders["Account_no_record_type"]).filter { !$0.hasSuffix("__c") }
        let account = try CapturedObject(.account)
        #expect(account.schema.fields.map(\.name) == expected)
        let examples = bitmaps.cases.filter { $0.order == "Account_no_record_type" }
        #expect(examples.count >= 4)
        for example in examples {
            let names = try #require(example.names)
            #expect(Set(try account.schema.names(ofBitmap: example.bitmap)) == Set(names))
            #expect(try account.schema.bitmap(ofNames: names) == example.bitmap)
        }
    }

    /// The guide's converted lead: its bitmap names what conversion sets, in the order that leads have there.
    @Test func leadHasTheOrderOfTheGuide() throws {
        let lead = try CapturedObject(.lead).schema
        #expect(
            try lead.names(ofBitmap: ["0x08F81000"]) == [
                "Status", "IsConverted", "ConvertedDate", "ConvertedAccountId", "ConvertedContactId",
                "ConvertedOpportunityId", "LastModifiedDate",
            ])
    }

    @Test(.enabled(if: Fixtures.arePresent, Comment(rawValue: Fixtures.absence)))
    func contactKeepsTheOrderOfARealSchema() throws {
        let real = try EventSchema(json: Fixtures.text("schemas/ContactChangeEvent.YHKH1xWTqwF24lvYNGguGA.avsc"))
        let ours = try CapturedObject(.contact).schema
        let known = Set(real.fields.map(\.name))
        let ourNames = ours.fields.map(\.name)
        #expect(ourNames.allSatisfy { known.contains($0) })
        #expect(real.fields.map(\.name).filter { Set(ourNames).contains($0) } == ourNames)
        let kinds = Dictionary(uniqueKeysWithValues: real.fields.map { ($0.name, $0.kind) })
        for field in ours.fields { #expect(field.kind == kinds[field.name], "\(field.name)") }
    }

    /// The fields of `CaseChangeEvent` in an org with products on cases, entitlements and self-service, in their order, as type
    /// definitions generated from such an org list them.
    private static let caseOfAnOrg = [
        "ChangeEventHeader", "CaseNumber", "ContactId", "AccountId", "AssetId", "ProductId", "EntitlementId",
        "SourceId",
        "BusinessHoursId", "ParentId", "SuppliedName", "SuppliedEmail", "SuppliedPhone", "SuppliedCompany", "Type",
        "Status",
        "Reason", "Origin", "IsVisibleInSelfService", "Subject", "Priority", "Description", "IsClosed", "ClosedDate",
        "IsEscalated", "HasCommentsUnreadByOwner", "HasSelfServiceComments", "OwnerId", "IsClosedOnCreate",
        "IsSelfServiceClosed", "SlaStartDate", "SlaExitDate", "IsStopped", "StopStartDate", "CreatedDate",
        "CreatedById",
        "LastModifiedDate", "LastModifiedById",
    ]
    /// What this org lacks: features that it does not have, and references to objects that it does not have.
    private static let caseOfFeatures: Set = [
        "AssetId", "ProductId", "EntitlementId", "SourceId", "BusinessHoursId", "IsVisibleInSelfService",
        "HasCommentsUnreadByOwner", "HasSelfServiceComments", "IsSelfServiceClosed", "SlaStartDate", "SlaExitDate",
        "IsStopped", "StopStartDate",
    ]

    @Test func caseKeepsTheOrderOfARealOrg() throws {
        let names = try CapturedObject(.case).schema.fields.map(\.name).filter { !$0.hasSuffix("__c") }
        #expect(names == Self.caseOfAnOrg.filter { !Self.caseOfFeatures.contains($0) })
    }

    @Test func topLevelKeysStandInOrderAndTheIDIsTheirs() throws {
        for object in [ObjectDefinition.account, .contact, .case] {
            let schema = try CapturedObject(object).schema
            let text = schema.json
            #expect(
                text.hasPrefix(
                    #"{"name":"\#(object.name)ChangeEvent","namespace":"com.sforce.eventbus","type":"record","fields":["#
                ))
            #expect(text.hasSuffix("],\"uuid\":\"\(schema.id.string)\"}"))
            #expect(!text.contains("\n"))
            #expect(schema.id.string.utf8.count == 22)
            #expect(schema.isChangeEvent)
            #expect(
                text.components(separatedBy: "\"name\":\"Address\",\"fields\"").count == (object.name == "Case" ? 1 : 2)
            )
        }
    }

    @Test func leftOutFieldsAreLeftOut() throws {
        let names = Set(try CapturedObject(.case).fields.map(\.bitmapName))
        #expect(names.isDisjoint(with: ["Id", "IsDeleted", "SystemModstamp", "ContactEmail", "ContactPhone"]))
        #expect(names.isSuperset(of: ["CaseNumber", "IsClosed", "ClosedDate", "VIN__c"]))
    }
}
