import ChangeEvents
import Foundation
import Sandbox
import TestSupport
import Testing
import Twin
import Upstream

@testable import millrace

struct FieldVisibilityTests {
    private static let address =
        #"{"type":"record","name":"Address","fields":[{"name":"Street","type":["null","string"]},"#
        + #"{"name":"Xyz","type":["null","string"]}]}"#

    /// A header, simple fields and a compound, as an org's schema has them.
    private func schema() throws -> EventSchema {
        let fields = [
            SchemaText.header, SchemaText.field("Subject", #""string""#, "Data:Text"),
            SchemaText.field("BillingAddress", Self.address, "Data:Address"),
            SchemaText.field("CreatedDate", #""long""#, "CreatedDate:DateTime"),
            SchemaText.field("Secret__c", #""string""#, "Data:Text:00N000000000001"),
            #"{"name":"UserPreferences","type":["null",{"type":"array","items":"string"}],"default":null}"#,
        ]
        return try EventSchema(
            json: #"{"name":"CaseChangeEvent","namespace":"com.sforce.eventbus","type":"record","fields":["#
                + fields.joined(separator: ",") + "]}")
    }

    private func described(_ names: String...) throws -> ObjectDescription {
        let fields = names.map { #"{"name":"\#($0)","type":"string"}"# }.joined(separator: ",")
        return try JSONDecoder().decode(
            ObjectDescription.self, from: Data(#"{"name":"Case","queryable":true,"fields":[\#(fields)]}"#.utf8))
    }

    private func object(_ fields: ReplicatedObject.Fields) -> ReplicatedObject {
        ReplicatedObject(name: "Case", fields: fields, topics: ["/data/ChangeEvents"])
    }

    @Test func nothingIsHiddenWhereEverythingIsDescribed() throws {
        // Of a compound either the whole or parts: what an org's settings leave out of it is not hidden.
        for compound in ["BillingAddress", "BillingStreet"] {
            let visibility = FieldVisibility(
                of: object(.all), described: try described("Id", "subject", compound, "CreatedDate", "Secret__c"),
                schema: try schema())
            #expect(visibility.hidden.isEmpty)
        }
    }

    @Test func whatTheSchemaAloneHasIsHidden() throws {
        let visibility = FieldVisibility(
            of: object(.all), described: try described("Id", "Subject", "CreatedDate"), schema: try schema())
        #expect(visibility.hidden == ["BillingAddress", "Secret__c"])
        #expect(visibility.hiddenNamed.isEmpty && visibility.unknownNamed.isEmpty)
    }

    @Test func onlyNamedFieldsMatterWhereFieldsAreNamed() throws {
        let visibility = FieldVisibility(
            of: object(.named(["Subject", "Secret__c", "BillingStreet", "Sbject"])),
            described: try described("Id", "Subject"), schema: try schema())
        #expect(visibility.hiddenNamed == ["Secret__c", "BillingStreet"])
        #expect(visibility.unknownNamed == ["Sbject"])
        // It comes without being named.
        #expect(visibility.hidden == ["CreatedDate"])
    }

    @Test func withoutASchemaNothingIsKnownToBeHidden() throws {
        let described = try described("Id", "Subject")
        #expect(FieldVisibility(of: object(.all), described: described, schema: nil).hidden.isEmpty)
        let named = FieldVisibility(of: object(.named(["Secret__c"])), described: described, schema: nil)
        #expect(named.hiddenNamed.isEmpty && named.unknownNamed == ["Secret__c"])
    }

    /// What the org describes against what its event schemas have, object by object.
    @Test(.timeLimit(.minutes(5)), arguments: [false, true])
    func anOrgHidesWhatItWasToldToHide(personAccounts: Bool) async throws {
        try await RunningOrg.with {
            $0.hasPersonAccounts = personAccounts
            $0.loadsSampleData = false
            $0.hiddenFields = ["Case.VIN__c", "account.billingaddress"]
        } _: { connection in
            let org = try OrgConnection(connection)
            let seen = try await OrgAPI.with(org, budget: APIBudget(), logger: RunningOrg.logger) { api in
                try await PubSubClient.withClient(of: org, logger: RunningOrg.logger) { client in
                    var seen: [String: [String]] = [:]
                    let names = Set(try await api.describeGlobal().map(\.name))
                    for name in names where names.contains(ChangeEventHeader.eventName(ofEntity: name)) {
                        let topic = try await client.topic("/data/" + ChangeEventHeader.eventName(ofEntity: name))
                        let schema = try await client.schema(try #require(topic.schemaID))
                        let object = ReplicatedObject(name: name, fields: .all, topics: [topic.name])
                        seen[name] =
                            FieldVisibility(of: object, described: try await api.describe(name), schema: schema).hidden
                    }
                    return seen
                }
            }
            #expect(seen.count > 10)
            #expect(
                seen.filter { !$0.value.isEmpty } == ["Case": ["VIN__c"], "Account": ["BillingAddress"]])
        }
    }
}
