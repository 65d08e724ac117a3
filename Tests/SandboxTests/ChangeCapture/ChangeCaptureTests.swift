import ChangeEvents
import Doors
import Testing

@testable import Sandbox

struct ChangeCaptureTests {
    @Test func createCarriesAllFieldsAndATrueHeader() async throws {
        let org = try await TestOrg.open(client: "Astro")
        let id = try await org.create(
            "Account",
            [("Name", .string("Voltbahn")), ("BillingCity", .string("Zürich")), ("AnnualRevenue", .number("1.5e6"))])
        let event = try #require(try await org.events().first)
        let header = event.header
        #expect(header.entityName == "Account")
        #expect(header.recordIDs == [id.string])
        #expect(header.changeType == .create)
        #expect(header.changeOrigin == "com/salesforce/api/rest/66.0;client=Astro")
        #expect(header.transactionKey.utf8.count == 36)
        #expect(header.transactionKey.hasPrefix("000"))
        #expect(header.sequenceNumber == 1)
        #expect(header.commitTimestamp == 1_771_300_995_000)
        #expect(header.commitNumber > 10_000_000_000)
        #expect(header.commitUser == org.context.session.userID)
        #expect(header.changedFields.isEmpty)
        #expect(header.nulledFields.isEmpty)
        #expect(header.diffFields.isEmpty)
        #expect(event.values["Name"] == .string("Voltbahn"))
        #expect(event.values["BillingCity"] == .string("Zürich"))
        #expect(event.values["BillingStreet"] == .null)
        #expect(event.values["AnnualRevenue"] == .double(1_500_000))
        #expect(event.values["CreatedDate"] == .dateTime(milliseconds: 1_771_300_995_000))
        #expect(event.values["SystemModstamp"] == nil)
    }

    @Test func originNamesNoClientWhereNoneIsGiven() async throws {
        let org = try await TestOrg.open()
        _ = try await org.create("Case", [])
        #expect(try await org.events().first?.header.changeOrigin == "com/salesforce/api/rest/66.0")
    }

    @Test func updateCarriesChangedFieldsOnly() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Account", [("Name", .string("A")), ("Industry", .string("Retail"))])
        org.clock.advance(.seconds(1))
        try await org.update("Account", id, [("Industry", .string("Energy")), ("Name", .string("A"))])
        let event = try #require(try await org.events().last)
        #expect(event.header.changeType == .update)
        // As the guide prints it for this order of fields: Industry and LastModifiedDate.
        #expect(event.header.changedFields == ["0x400800"])
        #expect(event.header.nulledFields.isEmpty)
        #expect(event.changedFields == ["Industry", "LastModifiedDate"])
        // The user is the same as before: LastModifiedById stays out.
        #expect(
            event.values == [
                "Industry": .string("Energy"), "LastModifiedDate": .dateTime(milliseconds: 1_771_300_996_000),
            ])
    }

    @Test func changedComponentsStandInTheNestedBitmap() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create(
            "Account", [("Name", .string("A")), ("ShippingCity", .string("Oslo")), ("ShippingStreet", .string("1"))])
        org.clock.advance(.seconds(1))
        try await org.update("Account", id, [("ShippingStreet", .string("2")), ("ShippingCity", .null)])
        let event = try #require(try await org.events().last)
        #expect(event.header.changedFields == ["0x400000", "5-0x03"])
        #expect(event.header.nulledFields == ["5-0x02"])
        #expect(event.changedFields == ["LastModifiedDate", "ShippingAddress.Street", "ShippingAddress.City"])
        #expect(event.nulledFields == ["ShippingAddress.City"])
        #expect(event.values["ShippingStreet"] == .string("2"))
        #expect(event.values["ShippingCity"] == .null)
        #expect(event.values["ShippingState"] == nil)
    }

    @Test func componentChangeAloneHasNoTopLevelBitmap() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Contact", [("LastName", .string("X"))])
        // In the same second LastModifiedDate stays as it was.
        try await org.update("Contact", id, [("FirstName", .string("Ada"))])
        let event = try #require(try await org.events().last)
        #expect(event.header.changedFields == ["2-0x02"])
        #expect(event.changedFields == ["Name.FirstName"])
    }

    @Test func anotherUserIsNamed() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Case", [])
        let agent = try await org.sandbox.openSession(username: org.sandbox.usernames[1])
        try await org.sandbox.update(
            object: "Case", id: id.string, fields: [.init(name: "Subject", value: .string("S"))],
            context: CallContext(session: agent, apiVersion: "66.0", clientName: nil))
        let event = try #require(try await org.events().last)
        #expect(event.header.commitUser == agent.userID)
        #expect(event.values["LastModifiedById"] == .string(agent.userID))
    }

    @Test func deleteCarriesNothing() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Case", [("Subject", .string("S"))])
        try await org.delete("Case", id)
        let event = try #require(try await org.events().last)
        #expect(event.header.changeType == .delete)
        #expect(event.header.recordIDs == [id.string])
        #expect(event.values.isEmpty)
    }

    @Test func derivedFieldsMakeNoEvent() async throws {
        let org = try await TestOrg.open()
        let contact = try await org.create("Contact", [("LastName", .string("X"))])
        _ = try await org.create("Case", [("ContactId", .string(contact.string))])
        org.clock.advance(.seconds(1))
        try await org.update("Contact", contact, [("Email", .string("x@y.example"))])
        let events = try await org.events()
        #expect(events.map(\.header.entityName) == ["Contact", "Case", "Contact"])
    }

    @Test func rollbackPublishesNothingAndGivesItsNumbersBack() async throws {
        struct Refused: Error {}
        let org = try await TestOrg.open()
        await #expect(throws: Refused.self) {
            try await org.sandbox.transaction { transaction in
                _ = try transaction.create("Case", ["Subject": .string("never")])
                throw Refused()
            }
        }
        #expect(try await org.received().isEmpty)
        #expect(try await org.sandbox.snapshot(entity: "Case").isEmpty)
        let id = try await org.create("Case", [])
        #expect(try await org.retrieve("Case", id)["CaseNumber"] == .string("00001000"))
    }

    @Test func transactionSharesItsNumbers() async throws {
        let org = try await TestOrg.open()
        try await org.sandbox.transaction { transaction in
            for name in ["Bulk 1", "Bulk 2", "Bulk 3"] {
                _ = try transaction.create("Account", ["Name": .string(name)])
            }
        }
        _ = try await org.create("Case", [])
        let headers = try await org.events().map(\.header)
        let first = headers.prefix(3)
        #expect(first.map(\.sequenceNumber) == [1, 2, 3])
        #expect(Set(first.map(\.transactionKey)).count == 1)
        #expect(Set(first.map(\.commitNumber)).count == 1)
        #expect(first.allSatisfy { $0.changeOrigin.isEmpty })
        #expect(headers[3].sequenceNumber == 1)
        #expect(headers[3].commitNumber > headers[0].commitNumber)
        #expect(headers[3].transactionKey != headers[0].transactionKey)
    }

    @Test func severalChangesOfOneRecordAreOneEvent() async throws {
        let org = try await TestOrg.open()
        let kept = try await org.create("Account", [("Name", .string("K"))])
        org.clock.advance(.seconds(1))
        let before = try await org.received().count
        let created = try await org.sandbox.transaction { transaction -> RecordID in
            let id = try transaction.create("Account", ["Name": .string("A")])
            try transaction.update("Account", kept, ["Site": .string("1")])
            try transaction.update("Account", id, ["Name": .string("B")])
            try transaction.update("Account", kept, ["Site": .null, "Fax": .string("2")])
            let gone = try transaction.create("Account", ["Name": .string("gone")])
            try transaction.delete("Account", gone)
            return id
        }
        let events = Array(try await org.events().dropFirst(before))
        #expect(events.map(\.header.changeType) == [.create, .update])
        #expect(events[0].header.recordIDs == [created.string])
        #expect(events[0].values["Name"] == .string("B"))
        // Site is as it was before the transaction.
        #expect(events[1].changedFields == ["Fax", "LastModifiedDate"])
    }

    @Test func sameChangeOfSeveralRecordsIsMerged() async throws {
        let org = try await TestOrg.open()
        var ids: [RecordID] = []
        for index in 0..<3 { ids.append(try await org.create("Case", [("Subject", .string("\(index)"))])) }
        org.clock.advance(.seconds(1))
        let all = ids
        try await org.sandbox.transaction { transaction in
            for id in all { try transaction.update("Case", id, ["Priority": .string("High")]) }
        }
        let last = try #require(try await org.events().last)
        #expect(last.header.recordIDs == ids.map(\.string))
        #expect(last.changedFields == ["Priority", "LastModifiedDate"])
        #expect(try await org.received().count == 4)
    }

    @Test func updateThatChangesNothingStillMovesLastModifiedDate() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Case", [("Subject", .string("S"))])
        org.clock.advance(.seconds(1))
        try await org.update("Case", id, [("Subject", .string("S"))])
        #expect(try await org.events().last?.changedFields == ["LastModifiedDate"])
        // Within the same second nothing at all changes: no event.
        try await org.update("Case", id, [("Subject", .string("S"))])
        #expect(try await org.received().count == 2)
    }

    @Test func overflowIsOneEventPerObject() async throws {
        let org = try await TestOrg.open { $0.changesPerTransactionMax = 2 }
        try await org.sandbox.transaction { transaction in
            for index in 0..<4 { _ = try transaction.create("Case", ["Subject": .string("\(index)")]) }
            for index in 0..<2 { _ = try transaction.create("Account", ["Name": .string("\(index)")]) }
        }
        let headers = try await org.events().map(\.header)
        #expect(headers.map(\.changeType) == [.create, .create, .gapOverflow, .gapOverflow])
        #expect(headers.map(\.entityName) == ["Case", "Case", "Case", "Account"])
        #expect(headers[2].recordIDs == ["000000000000000AAA"])
        #expect(headers.map(\.sequenceNumber) == [1, 2, 3, 4])
    }

    @Test func objectsThatAreNotSelectedAreNotPublished() async throws {
        let org = try await TestOrg.open { $0.selectedEntities = ["Case"] }
        _ = try await org.create("Account", [("Name", .string("A"))])
        _ = try await org.create("Case", [])
        #expect(try await org.events().map(\.header.entityName) == ["Case"])
    }

    @Test func eventsHaveUUIDsAndIncreasingReplayIDs() async throws {
        let org = try await TestOrg.open()
        for _ in 0..<20 { _ = try await org.create("Case", []) }
        let events = try await org.received()
        #expect(Set(events.map(\.eventID)).count == 20)
        #expect(events.allSatisfy { $0.eventID.utf8.count == 36 })
        #expect(events.allSatisfy { $0.replayID.bytes.count == 10 })
        let counters = events.compactMap(\.replayID.counter)
        #expect(counters.count == 20)
        #expect(zip(counters, counters.dropFirst()).allSatisfy { $0 < $1 })
    }
}
