import ChangeEvents
import Doors
import Testing

@testable import Sandbox

/// What an org does by itself to opportunities, tasks, products and orders when they are saved.
struct StandardRuleTests {
    private static let now = JSONValue.string("2026-02-17T04:03:15.000+0000")

    private func opportunity(_ org: TestOrg, _ fields: [(String, JSONValue)] = []) async throws -> RecordID {
        try await org.create(
            "Opportunity",
            [
                ("Name", .string("Fleet")), ("StageName", .string("Value Proposition")),
                ("CloseDate", .string("2026-06-30")), ("Amount", .number("1001.01")),
            ] + fields)
    }

    @Test func theStageOfAnOpportunityDecides() async throws {
        let org = try await TestOrg.open()
        let id = try await opportunity(org)
        let open = try await org.retrieve("Opportunity", id)
        #expect(open["Probability"] == .number("50.0"))
        #expect(open["ForecastCategory"] == .string("Pipeline"))
        #expect(open["ForecastCategoryName"] == .string("Pipeline"))
        #expect(open["IsClosed"] == .boolean(false))
        #expect(open["IsWon"] == .boolean(false))
        // Half a cent goes up.
        #expect(open["ExpectedRevenue"] == .number("500.51"))
        #expect(open["LastStageChangeDate"] == .null)
        try await org.update("Opportunity", id, [("StageName", .string("Closed Won"))])
        let won = try await org.retrieve("Opportunity", id)
        #expect(won["Probability"] == .number("100.0"))
        #expect(won["ForecastCategory"] == .string("Closed"))
        #expect(won["IsClosed"] == .boolean(true))
        #expect(won["IsWon"] == .boolean(true))
        #expect(won["LastStageChangeDate"] == Self.now)
        try await org.update("Opportunity", id, [("StageName", .string("Closed Lost"))])
        let lost = try await org.retrieve("Opportunity", id)
        #expect(lost["IsClosed"] == .boolean(true))
        #expect(lost["IsWon"] == .boolean(false))
        #expect(lost["ExpectedRevenue"] == .number("0.0"))
    }

    @Test func whatIsGivenBesidesTheStageStays() async throws {
        let org = try await TestOrg.open()
        let id = try await opportunity(
            org, [("Probability", .number("65")), ("ForecastCategoryName", .string("Best Case"))])
        let record = try await org.retrieve("Opportunity", id)
        #expect(record["Probability"] == .number("65.0"))
        #expect(record["ForecastCategoryName"] == .string("Best Case"))
        try await org.update("Opportunity", id, [("Amount", .null)])
        #expect(try await org.retrieve("Opportunity", id)["ExpectedRevenue"] == .null)
    }

    @Test func aTaskIsCompletedAndReopened() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create("Account", [("Name", .string("A"))])
        let contact = try await org.create(
            "Contact", [("LastName", .string("B")), ("AccountId", .string(account.string))])
        let id = try await org.create(
            "Task",
            [
                ("Subject", .string("Call")), ("Priority", .string("High")), ("Status", .string("Completed")),
                ("WhoId", .string(contact.string)),
            ])
        let done = try await org.retrieve("Task", id)
        #expect(done["IsClosed"] == .boolean(true))
        #expect(done["IsHighPriority"] == .boolean(true))
        #expect(done["CompletedDateTime"] == Self.now)
        // Of the person that the task is with.
        #expect(done["AccountId"] == .string(account.string))
        org.clock.advance(.seconds(60))
        try await org.update("Task", id, [("Status", .string("In Progress")), ("Priority", .string("Normal"))])
        let again = try await org.retrieve("Task", id)
        #expect(again["IsClosed"] == .boolean(false))
        #expect(again["IsHighPriority"] == .boolean(false))
        #expect(again["CompletedDateTime"] == .null)
    }

    /// What it is about decides before the person does.
    @Test func aTaskBelongsToTheAccountOfItsCase() async throws {
        let org = try await TestOrg.open()
        let accounts = [
            try await org.create("Account", [("Name", .string("A"))]),
            try await org.create("Account", [("Name", .string("B"))]),
        ]
        let contact = try await org.create(
            "Contact", [("LastName", .string("C")), ("AccountId", .string(accounts[0].string))])
        let about = try await org.create(
            "Case", [("Subject", .string("Noise")), ("AccountId", .string(accounts[1].string))])
        let task = try await org.create(
            "Task",
            [
                ("Subject", .string("Call")), ("WhatId", .string(about.string)), ("WhoId", .string(contact.string)),
            ])
        #expect(try await org.retrieve("Task", task)["AccountId"] == .string(accounts[1].string))
        // A case of no account says nothing.
        let loose = try await org.create("Case", [("Subject", .string("Smell"))])
        try await org.update("Task", task, [("WhatId", .string(loose.string))])
        #expect(try await org.retrieve("Task", task)["AccountId"] == .string(accounts[0].string))
        try await org.update("Task", task, [("WhoId", .null)])
        #expect(try await org.retrieve("Task", task)["AccountId"] == .null)
    }

    @Test func anOrderProductIsThatOfItsPriceBookEntry() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create("Account", [("Name", .string("A"))])
        let product = try await org.create("Product2", [("Name", .string("Cell")), ("IsActive", .boolean(true))])
        let book = try await org.create("Pricebook2", [("Name", .string("List")), ("IsActive", .boolean(true))])
        let entry = try await org.create(
            "PricebookEntry",
            [
                ("Pricebook2Id", .string(book.string)), ("Product2Id", .string(product.string)),
                ("UnitPrice", .number("0.5")),
            ])
        let order = try await org.create(
            "Order",
            [
                ("AccountId", .string(account.string)), ("EffectiveDate", .string("2026-03-01")),
                ("Status", .string("Draft")), ("Pricebook2Id", .string(book.string)),
            ])
        let id = try await org.create(
            "OrderItem",
            [
                ("OrderId", .string(order.string)), ("PricebookEntryId", .string(entry.string)),
                ("Quantity", .number("2.5")), ("UnitPrice", .number("0.5")),
            ])
        let item = try await org.retrieve("OrderItem", id)
        #expect(item["Product2Id"] == .string(product.string))
        #expect(item["TotalPrice"] == .number("1.25"))
        #expect(item["AvailableQuantity"] == .number("2.5"))
        try await org.update("OrderItem", id, [("Quantity", .number("4"))])
        let more = try await org.retrieve("OrderItem", id)
        #expect(more["Product2Id"] == .string(product.string))
        #expect(more["TotalPrice"] == .number("2.0"))
        #expect(more["AvailableQuantity"] == .number("4.0"))
    }

    @Test func anOrderAddsUpItsProductsAndIsActivated() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create("Account", [("Name", .string("A"))])
        let product = try await org.create(
            "Product2", [("Name", .string("Cell")), ("ProductCode", .string("C-1")), ("IsActive", .boolean(true))])
        let book = try await org.create("Pricebook2", [("Name", .string("List")), ("IsActive", .boolean(true))])
        let entry = try await org.create(
            "PricebookEntry",
            [
                ("Pricebook2Id", .string(book.string)), ("Product2Id", .string(product.string)),
                ("UnitPrice", .number("0.335")),
            ])
        let price = try await org.retrieve("PricebookEntry", entry)
        #expect(price["Name"] == .string("Cell"))
        #expect(price["ProductCode"] == .string("C-1"))
        #expect(price["UnitPrice"] == .number("0.34"))
        let order = try await org.create(
            "Order",
            [
                ("AccountId", .string(account.string)), ("EffectiveDate", .string("2026-03-01")),
                ("Status", .string("Draft")), ("Pricebook2Id", .string(book.string)),
            ])
        #expect(try await org.retrieve("Order", order)["OrderNumber"] == .string("00000100"))
        for quantity in ["3", "1.5"] {
            _ = try await org.create(
                "OrderItem",
                [
                    ("OrderId", .string(order.string)), ("PricebookEntryId", .string(entry.string)),
                    ("Product2Id", .string(product.string)), ("Quantity", .number(quantity)),
                    ("UnitPrice", .number("0.35")),
                ])
        }
        // 1.05, and 0.525 that is rounded.
        #expect(try await org.retrieve("Order", order)["TotalAmount"] == .number("1.58"))
        org.clock.advance(.seconds(60))
        try await org.update("Order", order, [("Status", .string("Activated"))])
        let active = try await org.retrieve("Order", order)
        #expect(active["StatusCode"] == .string("Activated"))
        #expect(active["ActivatedDate"] == .string("2026-02-17T04:04:15.000+0000"))
        #expect(active["ActivatedById"] == .string(org.context.session.userID))
        try await org.update("Order", order, [("Status", .string("Draft"))])
        #expect(try await org.retrieve("Order", order)["ActivatedById"] == .null)
        let refused = await org.failure { () async throws(OrgError) in
            try await org.delete("PricebookEntry", entry)
        }
        #expect(refused?.errorCode == "DELETE_FAILED")
        try await org.delete("Order", order)
        #expect(try await org.sandbox.snapshot(entity: "OrderItem").isEmpty)
    }

    @Test func theLastWriterIsNamed() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Account", [("Name", .string("A"))])
        let session = try await org.sandbox.openSession(username: org.sandbox.usernames[1])
        let other = CallContext(session: session, apiVersion: "66.0", clientName: nil)
        try await org.sandbox.writing(other) {
            try $0.update("Account", id.string, [.init(name: "Name", value: .string("B"))])
        }
        let record = try await org.retrieve("Account", id)
        #expect(record["CreatedById"] == .string(org.context.session.userID))
        #expect(record["LastModifiedById"] == .string(session.userID))
        #expect(session.userID != org.context.session.userID)
    }

    /// Of features that this org has not. The fields are there because event schemas have them.
    private static let missing: Set<String> = ["DandBCompany", "Individual", "OperatingHours"]

    /// Every other reference names an object that there is.
    @Test func referencesLeadToObjects() async throws {
        let org = try await TestOrg.open()
        let catalogue = org.sandbox.catalogue
        for object in catalogue.objects {
            for field in object.fields {
                for target in field.reference?.objects ?? [] where !Self.missing.contains(target) {
                    #expect(catalogue.object(target) != nil, "\(object.name).\(field.name) leads to \(target)")
                }
            }
        }
    }
}
