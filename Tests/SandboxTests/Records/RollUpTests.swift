import ChangeEvents
import Doors
import Testing

@testable import Sandbox

struct RollUpTests {
    static let fleet = """
        {"objects": {
          "Fleet__c": {"fields": {
            "Cars__c": {"type": "Summary", "summaryOperation": "count", "summaryForeignKey": "Car__c.Fleet__c"},
            "Worth__c": {"type": "Summary", "summaryOperation": "sum", "summaryForeignKey": "Car__c.Fleet__c",
              "summarizedField": "Car__c.Price__c"},
            "Newest__c": {"type": "Summary", "summaryOperation": "max", "summaryForeignKey": "Car__c.Fleet__c",
              "summarizedField": "Car__c.Built__c"},
            "Cheapest_Sold__c": {"type": "Summary", "summaryOperation": "min", "summaryForeignKey": "Car__c.Fleet__c",
              "summarizedField": "Car__c.Price__c",
              "summaryFilterItems": [{"field": "Car__c.Sold__c", "operation": "equals", "value": "true"}]}}},
          "Car__c": {"fields": {
            "Fleet__c": {"type": "MasterDetail", "referenceTo": "Fleet__c", "relationshipName": "Cars",
              "reparentableMasterDetail": "true"},
            "Price__c": {"type": "Currency", "precision": 10, "scale": 2},
            "Built__c": {"type": "Date"}, "Sold__c": {"type": "Checkbox"}}}}}
        """

    private func org() async throws -> TestOrg {
        let definitions = try SchemaNodes.definitions(Self.fleet)
        return try await TestOrg.open {
            $0.schema = definitions
            $0.selectedEntities = ["Fleet__c", "Car__c"]
        }
    }

    @Test func mastersSumUpTheirDetails() async throws {
        let org = try await org()
        let fleet = try await org.create("Fleet__c", [("Name", .string("F"))])
        let other = try await org.create("Fleet__c", [("Name", .string("G"))])
        #expect(try await org.retrieve("Fleet__c", fleet)["Cars__c"] == .number("0.0"))
        #expect(try await org.retrieve("Fleet__c", fleet)["Newest__c"] == .null)
        var cars: [RecordID] = []
        for (price, built, sold) in [
            ("10.5", "2024-01-02", false), ("20", "2025-03-04", true), ("30", "2023-05-06", true),
        ] {
            cars.append(
                try await org.create(
                    "Car__c",
                    [
                        ("Fleet__c", .string(fleet.string)), ("Price__c", .number(price)), ("Built__c", .string(built)),
                        ("Sold__c", .boolean(sold)),
                    ]))
        }
        var record = try await org.retrieve("Fleet__c", fleet)
        #expect(record["Cars__c"] == .number("3.0"))
        #expect(record["Worth__c"] == .number("60.5"))
        #expect(record["Newest__c"] == .string("2025-03-04"))
        #expect(record["Cheapest_Sold__c"] == .number("20.0"))
        org.clock.advance(.seconds(2))
        try await org.update("Car__c", cars[1], [("Fleet__c", .string(other.string))])
        record = try await org.retrieve("Fleet__c", fleet)
        #expect(record["Cars__c"] == .number("2.0"))
        #expect(record["Cheapest_Sold__c"] == .number("30.0"))
        #expect(try await org.retrieve("Fleet__c", other)["Worth__c"] == .number("20.0"))
        try await org.delete("Car__c", cars[2])
        #expect(try await org.retrieve("Fleet__c", fleet)["Cheapest_Sold__c"] == .null)
        let last = cars[2]
        try await org.sandbox.transaction { try $0.undelete("Car__c", last) }
        #expect(try await org.retrieve("Fleet__c", fleet)["Cheapest_Sold__c"] == .number("30.0"))
    }

    /// Several details in one transaction change their master once, and the event is the master's.
    @Test func theMastersChangeIsPublishedOnce() async throws {
        let org = try await org()
        let fleet = try await org.create("Fleet__c", [("Name", .string("F"))])
        org.clock.advance(.seconds(2))
        try await org.sandbox.transaction { transaction in
            for price in [1.0, 2, 3] {
                _ = try transaction.create(
                    "Car__c", ["Fleet__c": .string(fleet.string), "Price__c": .double(price)])
            }
        }
        let updates = try await org.events("/data/Fleet__ChangeEvent").filter { $0.header.changeType == .update }
        #expect(updates.count == 1)
        #expect(updates.first?.changedFields == ["LastModifiedDate", "Cars__c", "Worth__c"])
        #expect(updates.first?.values["Worth__c"] == .double(6))
        #expect(updates.first?.header.sequenceNumber == 4)
    }

    @Test func aDetailNeedsItsMasterAndGoesWithIt() async throws {
        let org = try await org()
        let missing = await org.failure { () async throws(OrgError) in _ = try await org.create("Car__c", []) }
        #expect(missing?.errorCode == "REQUIRED_FIELD_MISSING")
        let fleet = try await org.create("Fleet__c", [("Name", .string("F"))])
        let car = try await org.create("Car__c", [("Fleet__c", .string(fleet.string))])
        #expect(try await org.retrieve("Car__c", car)["OwnerId"] == nil)
        let written = await org.failure { () async throws(OrgError) in
            try await org.update("Fleet__c", fleet, [("Cars__c", .number("9"))])
        }
        #expect(written?.errorCode == "INVALID_FIELD_FOR_INSERT_UPDATE")
        try await org.delete("Fleet__c", fleet)
        let gone = await org.failure { () async throws(OrgError) in _ = try await org.retrieve("Car__c", car) }
        #expect(gone?.errorCode == "ENTITY_IS_DELETED")
        let alone = await #expect(throws: OrgError.self) {
            try await org.sandbox.transaction { try $0.undelete("Car__c", car) }
        }
        #expect(alone?.errorCode == "UNDELETE_FAILED")
    }

    /// A roll-up added to an org with records is right for them at once.
    @Test func aNewRollUpCountsWhatIsThere() async throws {
        let org = try await org()
        let fleet = try await org.create("Fleet__c", [("Name", .string("F"))])
        _ = try await org.create("Car__c", [("Fleet__c", .string(fleet.string)), ("Price__c", .number("7"))])
        try await org.sandbox.deploy(
            SchemaNodes.definitions(
                Self.fleet.replacing(
                    #""Cars__c": {"#,
                    with: """
                        "Top__c": {"type": "Summary", "summaryOperation": "max", "summaryForeignKey": "Car__c.Fleet__c",
                          "summarizedField": "Car__c.Price__c"}, "Cars__c": {
                        """)))
        #expect(try await org.retrieve("Fleet__c", fleet)["Top__c"] == .number("7.0"))
    }

    @Test func anOrdersTotalFollowsItsProducts() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create("Account", [("Name", .string("A"))])
        let order = try await org.create(
            "Order",
            [
                ("AccountId", .string(account.string)), ("EffectiveDate", .string("2026-02-01")),
                ("Status", .string("Draft")),
            ])
        let record = try await org.retrieve("Order", order)
        #expect(record["OrderNumber"] == .string("00000100"))
        #expect(record["TotalAmount"] == .number("0.0"))
        _ = try await org.create(
            "OrderItem",
            [("OrderId", .string(order.string)), ("Quantity", .number("3")), ("UnitPrice", .number("9.99"))])
        #expect(try await org.retrieve("Order", order)["TotalAmount"] == .number("29.97"))
    }
}
