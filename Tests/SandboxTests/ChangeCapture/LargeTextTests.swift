import ChangeEvents
import Doors
import Testing

@testable import Sandbox

/// Long texts go out as differences, and large events as gaps.
struct LargeTextTests {
    private static let lines = (1...40).map { "Line \($0) of the description, long enough to count." }

    private func update(from old: [String], to new: [String], separator: String = "\n") async throws -> ChangeEvent {
        let org = try await TestOrg.open()
        let id = try await org.create(
            "Account", [("Name", .string("A")), ("Description", .string(old.joined(separator: separator)))])
        org.clock.advance(.seconds(1))
        try await org.update("Account", id, [("Description", .string(new.joined(separator: separator)))])
        return try #require(try await org.events().last)
    }

    @Test(arguments: ["\n", "\r\n"])
    func trap22AChangedLineIsADifference(_ separator: String) async throws {
        var changed = Self.lines
        changed[1] = "Another second line."
        let event = try await update(from: Self.lines, to: changed, separator: separator)
        #expect(event.diffFields == ["Description"])
        #expect(event.changedFields.contains("Description"))
        guard case .string(let diff) = event.values["Description"] else {
            Issue.record("no difference")
            return
        }
        #expect(diff.hasPrefix("--- \n+++ "))
        #expect(diff.hasSuffix("@@ -2,1 +2,1 @@\n-\(Self.lines[1])\n+Another second line."))
        let old = Self.lines.joined(separator: separator)
        #expect(try TextDiff.apply(diff, to: old) == changed.joined(separator: separator))
    }

    @Test func mostlyNewTextsGoOutWhole() async throws {
        let event = try await update(from: Self.lines, to: Self.lines.map { $0 + "!" })
        #expect(event.diffFields.isEmpty)
        #expect(event.values["Description"] == .string(Self.lines.map { $0 + "!" }.joined(separator: "\n")))
    }

    @Test func createdTextsAreWhole() async throws {
        let org = try await TestOrg.open()
        let text = Self.lines.joined(separator: "\n")
        _ = try await org.create("Account", [("Name", .string("A")), ("Description", .string(text))])
        let event = try #require(try await org.events().last)
        #expect(event.values["Description"] == .string(text))
        #expect(event.header.diffFields.isEmpty)
    }

    @Test func anEventAboveOneMegabyteIsAGap() async throws {
        let fields = (1...36).map { #""T\#($0)__c": {"type": "LongTextArea", "length": 32768}"# }
        let definitions = try SchemaNodes.definitions(
            #"{"objects": {"Big__c": {"label": "Big", "fields": {\#(fields.joined(separator: ","))}}}}"#)
        let org = try await TestOrg.open {
            $0.schema = definitions
            $0.selectedEntities = ["Big__c"]
        }
        let text = String(repeating: "x", count: 32_000)
        let values = Dictionary(uniqueKeysWithValues: (1...36).map { ("T\($0)__c", FieldValue.string(text)) })
        let named = values.merging(["Name": .string("Big")]) { $1 }
        let id = try await org.sandbox.transaction { try $0.create("Big__c", named) }
        let event = try #require(try await org.events().last)
        #expect(event.header.changeType == .gapCreate)
        #expect(event.header.recordIDs == [id.string])
        #expect(event.values.isEmpty)
        #expect(event.changedFields.isEmpty)
        org.clock.advance(.seconds(1))
        try await org.sandbox.transaction {
            try $0.update("Big__c", id, values.mapValues { _ in .string(String(repeating: "y", count: 32_000)) })
        }
        #expect(try await org.events().last?.header.changeType == .gapUpdate)
        org.clock.advance(.seconds(1))
        try await org.sandbox.transaction { try $0.delete("Big__c", id) }
        #expect(try await org.events().last?.header.changeType == .delete)
        org.clock.advance(.seconds(1))
        try await org.sandbox.transaction { try $0.undelete("Big__c", id) }
        #expect(try await org.events().last?.header.changeType == .gapUndelete)
    }

    /// The bound of an org, reached in truth: more than 100,000 changed fields in one transaction.
    @Test func aHundredThousandChangesAreToldOneByOneAndNoMore() async throws {
        let names = (1...200).map { "F\($0)__c" }
        let fields = names.map { #""\#($0)": {"type": "Text", "length": 5}"# }.joined(separator: ",")
        let definitions = try SchemaNodes.definitions(#"{"objects": {"Wide__c": {"fields": {\#(fields)}}}}"#)
        let org = try await TestOrg.open {
            $0.schema = definitions
            $0.selectedEntities = ["Wide__c"]
        }
        let ids = try await org.sandbox.transaction { transaction in
            try (0..<500).map { try transaction.create("Wide__c", ["Name": .string("\($0)")]) }
        }
        org.clock.advance(.seconds(1))
        let before = try await org.received().count
        try await org.sandbox.transaction { transaction in
            for (number, id) in ids.enumerated() {
                let values = names.map { ($0, FieldValue.string("\(number)")) }
                try transaction.update("Wide__c", id, Dictionary(uniqueKeysWithValues: values))
            }
        }
        // Two hundred fields and LastModifiedDate of each record.
        let told = 100_000 / 201
        let headers = try await org.events().dropFirst(before).map(\.header)
        #expect(headers.map(\.changeType) == Array(repeating: .update, count: told) + [.gapOverflow])
    }

    /// An update counts its changed fields, and after the bound comes one event per object.
    @Test func trap17OverflowCountsChangedFields() async throws {
        let org = try await TestOrg.open { $0.changesPerTransactionMax = 8 }
        let ids = try await org.sandbox.transaction { transaction in
            try (1...4).map { try transaction.create("Account", ["Name": .string("\($0)")]) }
        }
        org.clock.advance(.seconds(1))
        try await org.sandbox.transaction { transaction in
            // Fax, Phone and LastModifiedDate: three changes each, all different.
            for (number, id) in ids.enumerated() {
                try transaction.update(
                    "Account", id, ["Fax": .string("\(number)"), "Phone": .string("\(number)")])
            }
        }
        let events = try await org.events().dropFirst(4)
        #expect(events.map(\.header.changeType) == [.update, .update, .gapOverflow])
        #expect(events.last?.header.recordIDs == ["000000000000000AAA"])
        #expect(events.map(\.header.sequenceNumber) == [1, 2, 3])
        #expect(Set(events.map(\.header.transactionKey)).count == 1)
    }

    @Test(arguments: [ChangeType.gapCreate, .gapUpdate, .gapDelete, .gapUndelete])
    func gapsOnCommand(_ type: ChangeType) async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Case", [])
        try await org.sandbox.publishGap(type, object: "case", ids: [id])
        let event = try #require(try await org.events().last)
        #expect(event.header.changeType == type)
        #expect(event.header.recordIDs == [id.string])
        #expect(event.header.changeOrigin.isEmpty)
        #expect(event.values.isEmpty)
    }

    @Test func trap16OverflowAndConversionNameNoRecord() async throws {
        let org = try await TestOrg.open()
        try await org.sandbox.publishOverflow(object: "Account")
        try await org.sandbox.publishConversion(object: "Account")
        let events = try await org.events()
        #expect(events.map(\.header.recordIDs) == [["000000000000000AAA"], ["001*"]])
        #expect(events.map(\.header.changeType) == [.gapOverflow, .update])
    }
}
