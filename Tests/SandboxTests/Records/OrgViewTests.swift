import ChangeEvents
import Doors
import Testing

@testable import Sandbox

/// The org inside one call of the doors: one transaction, with parts that can fail by themselves.
struct OrgViewTests {
    private struct Enough: Error {}

    private static func account(_ name: String) -> [JSONValue.Member] {
        [.init(name: "Name", value: .string(name))]
    }

    @Test func whatIsThrownUndoesEverything() async throws {
        let org = try await TestOrg.open()
        await #expect(throws: Enough.self) {
            try await org.sandbox.writing(org.context) { work in
                _ = try work.create("Account", Self.account("A"))
                throw Enough()
            }
        }
        let count = try await org.sandbox.reading(org.context) { try $0.recordCounts(of: ["Account"]).first?.count }
        #expect(count == 0)
        let events = try await org.events()
        #expect(events.isEmpty)
    }

    @Test func aPartThatFailsIsUndoneAlone() async throws {
        let org = try await TestOrg.open()
        let kept = try await org.sandbox.writing(org.context) { work in
            let kept = try work.create("Account", Self.account("Kept"))
            try work.part {
                _ = try work.create("Account", Self.account("Undone"))
                try work.update("Account", kept.id, Self.account("Undone too"))
                return false
            }
            do {
                try work.part {
                    _ = try work.create("Account", Self.account("Undone"))
                    throw Enough()
                }
            } catch is Enough {
                // What the part threw, after it was undone.
            }
            return kept.id
        }
        let names = try await org.sandbox.reading(org.context) { work in
            try work.query("SELECT Name FROM Account", includingDeleted: true, batchSize: nil)
        }
        let found = names.dictionary["records"]?.elements.compactMap { $0.dictionary["Name"] } ?? []
        #expect(found == [JSONValue.string("Kept")])
        let events = try await org.events()
        #expect(events.map(\.header.recordIDs) == [[kept]])
        #expect(events.map(\.header.changeType) == [.create])
    }

    @Test func oneCallIsOneTransaction() async throws {
        let org = try await TestOrg.open()
        try await org.sandbox.writing(org.context) { work in
            let parent = try work.create("Account", Self.account("A"))
            _ = try work.create(
                "Contact",
                [.init(name: "LastName", value: .string("B")), .init(name: "AccountId", value: .string(parent.id))])
            // It sees what it has done.
            let found = try work.query(
                "SELECT Id FROM Contact WHERE AccountId = '\(parent.id)'", includingDeleted: false, batchSize: nil)
            #expect(found.dictionary["totalSize"] == .number("1"))
            #expect(
                try work.retrieve("Account", parent.id, fields: ["Name"]).document.dictionary["Name"] == .string("A"))
        }
        let headers = try await org.events().map(\.header)
        #expect(headers.count == 2)
        #expect(Set(headers.map(\.transactionKey)).count == 1)
        #expect(headers.map(\.sequenceNumber) == [1, 2])
    }

    @Test func rowsHaveTheirTag() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create("Account", [("Name", .string("A"))])
        let tag = { @Sendable in
            try await org.sandbox.reading(org.context) {
                try $0.retrieve("Account", account.string, fields: ["Id"]).entityTag
            }
        }
        let first = try #require(try await tag())
        let same = try await tag()
        #expect(same == first)
        try await org.update("Account", account, [("Phone", .string("1"))])
        let changed = try await tag()
        #expect(changed != first)
        let contact = try await org.create("Contact", [("LastName", .string("B"))])
        let none = try await org.sandbox.reading(org.context) {
            try $0.retrieve("Contact", contact.string, fields: nil).entityTag
        }
        #expect(none == nil)
    }

    @Test func aSearchFindsWordsInTheirFields() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create(
            "Account", [("Name", .string("O'Neill & 100% Söhne")), ("Phone", .string("4711"))])
        _ = try await org.create("Account", [("Name", .string("Other"))])
        func found(_ terms: [String], _ scope: RecordSearch.Scope) async throws -> [JSONValue] {
            let search = RecordSearch(terms: terms, scope: scope, targets: [.init(object: "Account")], limit: 10)
            return try await org.sandbox.reading(org.context) { try $0.search(search) }
                .compactMap { $0.dictionary["Id"] }
        }
        let id = JSONValue.string(account.string)
        #expect(try await found(["o'neill", "100%"], .name) == [id])
        #expect(try await found(["4711"], .all) == [id])
        #expect(try await found(["4711"], .phone) == [id])
        #expect(try await found(["4711"], .name).isEmpty)
        #expect(try await found(["o'ne*söhne"], .name) == [id])
        #expect(try await found(["100_"], .name).isEmpty)
        #expect(try await found(["nobody"], .all).isEmpty)
    }
}
