import ChangeEvents
import Doors
import Foundation
import Store
import TestSupport
import Testing

@testable import Sandbox

/// An org with a few accounts, contacts and cases, and short ways to ask it.
struct QueryFixture: Sendable {
    let org: TestOrg
    let accounts: [RecordID]
    let contacts: [RecordID]
    let cases: [RecordID]

    static func open() async throws -> QueryFixture {
        let org = try await TestOrg.open()
        var accounts: [RecordID] = []
        let firms: [(String, String?, String?, String?)] = [
            ("Acme", "Energy", "1500000", "Berlin"), ("acme Nord", "Energy", "2500000.5", "Kiel"),
            ("Zürich AG", "Banking", nil, "Zürich"), ("100% Öko_Strom", nil, "7", nil),
        ]
        for (name, industry, revenue, city) in firms {
            accounts.append(
                try await org.create(
                    "Account",
                    [
                        ("Name", .string(name)), ("Industry", industry.map { .string($0) } ?? .null),
                        ("AnnualRevenue", revenue.map { .number($0) } ?? .null),
                        ("BillingCity", city.map { .string($0) } ?? .null),
                    ]))
        }
        var contacts: [RecordID] = []
        for (index, name) in ["Ada", "Bo", "Cy"].enumerated() {
            contacts.append(
                try await org.create(
                    "Contact",
                    [
                        ("FirstName", .string(name)), ("LastName", .string("Lovelace")),
                        ("AccountId", .string(accounts[index / 2].string)), ("Email", .string("\(name)@example.com")),
                    ]))
        }
        var cases: [RecordID] = []
        for number in 0..<6 {
            cases.append(
                try await org.create(
                    "Case",
                    [
                        ("Subject", .string("Case \(number)")), ("Status", .string(number < 4 ? "New" : "Working")),
                        ("Priority", .string(number.isMultiple(of: 2) ? "High" : "Low")),
                        ("ContactId", number < 5 ? .string(contacts[number % 2].string) : .null),
                    ]))
        }
        return QueryFixture(org: org, accounts: accounts, contacts: contacts, cases: cases)
    }

    func page(
        _ soql: String, _ scope: QueryScope = .live, batchSize: Int? = nil
    ) async throws(OrgError) -> QueryPage {
        try await org.sandbox.query(soql, scope: scope, batchSize: batchSize, context: org.context)
    }

    func records(_ soql: String, _ scope: QueryScope = .live) async throws(OrgError) -> [[String: JSONValue]] {
        try await page(soql, scope).records.map(\.dictionary)
    }

    /// One column of all records, nulls as `"null"`.
    func column(_ name: String, _ soql: String, _ scope: QueryScope = .live) async throws(OrgError) -> [String] {
        try await records(soql, scope).map { record in
            switch record[name] {
            case .string(let text)?, .number(let text)?: text
            case .boolean(let flag)?: String(flag)
            case .null?: "null"
            default: "?"
            }
        }
    }

    func names(where condition: String) async throws(OrgError) -> Set<String> {
        Set(try await column("Name", "SELECT Name FROM Account WHERE \(condition)"))
    }

    func refusal(_ soql: String) async -> OrgError? {
        do {
            let page = try await page(soql)
            Issue.record("\(soql) was answered with \(page.totalSize) rows")
            return nil
        } catch {
            return error
        }
    }
}
