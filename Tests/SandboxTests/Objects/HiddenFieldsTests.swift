import ChangeEvents
import Doors
import Store
import Testing
import Twin

@testable import Sandbox

/// Field-level security: what `Configuration.hiddenFields` names is in no answer to a user of the API.
struct HiddenFieldsTests {
    /// An org with a case whose hidden fields have values.
    private func org() async throws -> (TestOrg, RecordID) {
        let open = try await TestOrg.open()
        let id = try await open.create(
            "Case", [("Subject", .string("Seen")), ("VIN__c", .string("WVWZZZ1JZXW000001"))])
        return (try await open.reopened { $0.hiddenFields = ["case.vin__c", "Account.BillingAddress"] }, id)
    }

    private func names(_ org: TestOrg, _ object: String) async throws -> Set<String> {
        let described = try await org.sandbox.describe(object: object, context: org.context).dictionary
        return Set(
            (described["fields"] ?? .null).elements.compactMap { field in
                guard case .string(let name)? = field.dictionary["name"] else { return nil }
                return name
            })
    }

    @Test func describeLeavesThemOut() async throws {
        let (org, _) = try await org()
        let ofCase = try await names(org, "Case")
        #expect(ofCase.contains("Mileage__c") && !ofCase.contains("VIN__c"))
        let ofEvent = try await names(org, "CaseChangeEvent")
        #expect(ofEvent.contains("Mileage__c") && !ofEvent.contains("VIN__c"))
        let ofAccount = try await names(org, "Account")
        #expect(ofAccount.contains("ShippingCity") && ofAccount.isDisjoint(with: ["BillingAddress", "BillingCity"]))
    }

    @Test func queriesAndReadsDoNotKnowThem() async throws {
        let (org, id) = try await org()
        for soql in [
            "SELECT VIN__c FROM Case", "SELECT Id FROM Case WHERE VIN__c != null", "SELECT BillingCity FROM Account",
            "SELECT Id FROM Case ORDER BY VIN__c",
        ] {
            let error = await org.failure { () async throws(OrgError) in
                _ = try await org.sandbox.query(soql, scope: .live, batchSize: nil, context: org.context)
            }
            #expect(error?.errorCode == "INVALID_FIELD", "\(soql)")
        }
        let record = try await org.retrieve("Case", id)
        #expect(record["Subject"] == .string("Seen") && record["VIN__c"] == nil)
        let error = await org.failure { () async throws(OrgError) in
            _ = try await org.retrieve("Case", id, fields: ["VIN__c"])
        }
        #expect(error?.errorCode == "INVALID_FIELD")
    }

    @Test func writingThemIsRefused() async throws {
        let (org, id) = try await org()
        let errors = [
            await org.failure { () async throws(OrgError) in
                _ = try await org.create("Case", [("VIN__c", .string("1"))])
            },
            await org.failure { () async throws(OrgError) in try await org.update("Case", id, [("VIN__c", .null)]) },
            await org.failure { () async throws(OrgError) in
                _ = try await org.create("Account", [("Name", .string("A")), ("BillingCity", .string("Kiel"))])
            },
        ]
        #expect(errors.map { $0?.errorCode } == Array(repeating: "INVALID_FIELD", count: 3))
        let job = try await org.ingest("Case", .insert, "Subject,VIN__c\nA,1\n")
        #expect(job.state == .failed && job.errorMessage == "InvalidBatch : Field name not found : VIN__c")
    }

    @Test func eventsHaveNullInTheirPlaceAndTheSchemaHasThem() async throws {
        let (org, id) = try await org()
        try await org.sandbox.transaction { transaction in
            try transaction.update("Case", id, ["VIN__c": .string("WVWZZZ1JZXW000002"), "Subject": .string("Still")])
        }
        _ = try await org.sandbox.transaction { transaction in
            try transaction.create("Case", ["VIN__c": .string("WVWZZZ1JZXW000003")])
        }
        let received = try await org.received().suffix(2)
        let text = try await org.sandbox.schemaJSON(try #require(received.first).schemaID.string, caller: org.caller)
        let schema = try EventSchema(json: text)
        #expect(schema.fields.contains { $0.name == "VIN__c" })
        let events = try received.map { try schema.changeEvent(of: $0.payload) }
        #expect(events.map(\.header.changeType) == [.update, .create])
        for event in events { #expect(event.values["VIN__c"] ?? .null == .null) }
        #expect(events[0].values["Subject"] == .string("Still"))
        #expect(!events[0].changedFields.contains("VIN__c") && events[0].changedFields.contains("Subject"))
        // The truth is another matter.
        let record = try await org.sandbox.twin.store.read { try $0.record(entity: "Case", id: id) }
        #expect(record?.image.fields["VIN__c"] == .string("WVWZZZ1JZXW000002"))
    }

    @Test(arguments: [
        ("VIN__c", "an object and a field"), ("Spaceship.Name", "no object Spaceship"),
        ("Case.Colour__c", "Case has no field Colour__c"), ("Account.BillingCity", "part of BillingAddress"),
        ("Case.OwnerId", "everybody sees OwnerId"), ("Account.Name", "everybody sees Name"),
    ])
    func whatCannotBeHiddenIsSaidAtTheStart(name: String, words: String) async throws {
        let error = await #expect(throws: SandboxError.self) {
            _ = try await TestOrg.open { $0.hiddenFields = [name] }
        }
        #expect(error?.message.contains(words) == true && error?.message.hasPrefix(name) == true)
    }

    @Test func whoMayNotReceiveATopicIsTold() async throws {
        let org = try await TestOrg.open()
        org.sandbox.setEventAccess(
            EventAccess(viewsAllData: false, viewsAllRecordsOf: ["Case"]), userID: org.caller.userID)
        #expect(try await org.sandbox.topic("/data/CaseChangeEvent", caller: org.caller).canSubscribe)
        #expect(try await !org.sandbox.topic("/data/AccountChangeEvent", caller: org.caller).canSubscribe)
        #expect(try await org.sandbox.topic("/data/ChangeEvents", caller: org.caller).canSubscribe)
    }
}
