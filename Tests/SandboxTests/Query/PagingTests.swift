import ChangeEvents
import Doors
import Testing

@testable import Sandbox

/// Pages of a result, and rows in batches.
@Suite struct PagingTests {
    private static func org(accounts count: Int) async throws -> (TestOrg, [RecordID]) {
        let org = try await TestOrg.open()
        let ids = try await org.sandbox.transaction { transaction in
            try (0..<count).map { number in
                try transaction.create("Account", ["Name": .string("A\(number % 7)"), "Site": .string("\(number)")])
            }
        }
        return (org, ids)
    }

    private static func pages(
        _ org: TestOrg, _ soql: String, batchSize: Int?
    ) async throws -> (sizes: [Int], totals: Set<Int>, ids: [String]) {
        var page = try await org.sandbox.query(soql, scope: .live, batchSize: batchSize, context: org.context)
        var sizes = [page.records.count]
        var totals: Set<Int> = [page.totalSize]
        var ids = page.records.map { $0.dictionary["Id"] }
        while let locator = page.nextLocator {
            page = try await org.sandbox.nextPage(locator: locator, context: org.context)
            sizes.append(page.records.count)
            totals.insert(page.totalSize)
            ids += page.records.map { $0.dictionary["Id"] }
        }
        return (sizes, totals, ids.map { if case .string(let text)? = $0 { text } else { "" } })
    }

    @Test func pagesHoldEveryRowOnceInOrder() async throws {
        let (org, ids) = try await Self.org(accounts: 450)
        let plain = try await Self.pages(org, "SELECT Id FROM Account", batchSize: 200)
        #expect(plain.sizes == [200, 200, 50])
        #expect(plain.totals == [450])
        #expect(Set(plain.ids) == Set(ids.map(\.string)))
        let sorted = try await Self.pages(
            org, "SELECT Id, Name FROM Account ORDER BY Name DESC LIMIT 401", batchSize: 1)
        #expect(sorted.sizes == [200, 200, 1])
        #expect(Set(sorted.ids).count == 401)
        let whole = try await Self.pages(org, "SELECT Id FROM Account", batchSize: 99_999)
        #expect(whole.sizes == [450])
        let exact = try await Self.pages(org, "SELECT Id FROM Account LIMIT 400", batchSize: 200)
        #expect(exact.sizes == [200, 200])
    }

    @Test func locatorsAreReadAgainAndByTheirOwnerOnly() async throws {
        let (org, _) = try await Self.org(accounts: 450)
        let page = try await org.sandbox.query(
            "SELECT Id FROM Account", scope: .live, batchSize: 200, context: org.context)
        let locator = try #require(page.nextLocator)
        #expect(locator.hasPrefix("01g"))
        #expect(locator.hasSuffix("-200"))
        let second = try await org.sandbox.nextPage(locator: locator, context: org.context)
        #expect(try await org.sandbox.nextPage(locator: locator, context: org.context) == second)
        #expect(second.nextLocator?.hasSuffix("-400") == true)
        let other = try await org.sandbox.openSession(username: org.sandbox.usernames[1])
        let stranger = CallContext(session: other, apiVersion: "66.0", clientName: nil)
        for (bad, context) in [
            (locator, stranger), ("", org.context), ("01g000000000000-2000", org.context), (locator + "0", org.context),
            (String(locator.dropLast(4)), org.context), ("nonsense", org.context),
        ] {
            let error = await org.failure { () async throws(OrgError) in
                _ = try await org.sandbox.nextPage(locator: bad, context: context)
            }
            #expect(error?.errorCode == "INVALID_QUERY_LOCATOR", "\(bad)")
        }
    }

    @Test func locatorsLiveTwoDaysAndTenAtATime() async throws {
        let (org, _) = try await Self.org(accounts: 201)
        func open() async throws -> String {
            let page = try await org.sandbox.query(
                "SELECT Id FROM Account", scope: .live, batchSize: 200, context: org.context)
            return try #require(page.nextLocator)
        }
        func isAlive(_ locator: String) async -> Bool {
            await org.failure { () async throws(OrgError) in
                _ = try await org.sandbox.nextPage(locator: locator, context: org.context)
            } == nil
        }
        let first = try await open()
        org.clock.advance(.seconds(2 * 86_400 - 1))
        #expect(await isAlive(first))
        org.clock.advance(.seconds(1))
        #expect(await !isAlive(first))
        var locators: [String] = []
        for _ in 0..<11 { locators.append(try await open()) }
        #expect(await !isAlive(locators[0]))
        #expect(await isAlive(locators[1]))
        #expect(await isAlive(locators[10]))
    }

    @Test func whatIsDeletedMeanwhileIsLeftOut() async throws {
        let (org, ids) = try await Self.org(accounts: 210)
        let page = try await org.sandbox.query(
            "SELECT Id FROM Account ORDER BY Id", scope: .live, batchSize: 200, context: org.context)
        try await org.delete("Account", ids[205])
        let last = try await org.sandbox.nextPage(locator: try #require(page.nextLocator), context: org.context)
        #expect(last.totalSize == 210)
        #expect(last.records.count == 9)
    }

    @Test func manyChildrenHavePagesOfTheirOwn() async throws {
        let (org, accounts) = try await Self.org(accounts: 1)
        try await org.sandbox.transaction { transaction in
            for number in 0..<250 {
                _ = try transaction.create(
                    "Contact", ["LastName": .string("\(number)"), "AccountId": .string(accounts[0].string)])
            }
        }
        let page = try await org.sandbox.query(
            "SELECT Id, (SELECT LastName FROM Contacts) FROM Account", scope: .live, batchSize: 200,
            context: org.context)
        let contacts = try #require(page.records.first?.dictionary["Contacts"]?.dictionary)
        #expect(contacts["totalSize"] == .number("250"))
        #expect(contacts["done"] == .boolean(false))
        guard case .string(let url)? = contacts["nextRecordsUrl"], let slash = url.lastIndex(of: "/") else {
            Issue.record("no further page")
            return
        }
        let rest = try await org.sandbox.nextPage(
            locator: String(url[url.index(after: slash)...]), context: org.context)
        #expect(rest.records.count == 50)
        #expect(rest.records[0].dictionary["LastName"] != nil)
    }

    @Test(arguments: ["", " ORDER BY Site DESC", " LIMIT 333", " ORDER BY Site LIMIT 333"])
    func rowsComeInBatchesThatGoOn(_ clause: String) async throws {
        let (org, _) = try await Self.org(accounts: 450)
        let query = try await org.sandbox.rowQuery(
            "SELECT Id, Site, Owner.Alias, CreatedDate FROM Account\(clause)", scope: .live, context: org.context)
        #expect(query.object == "Account")
        #expect(query.columns == ["Id", "Site", "Owner.Alias", "CreatedDate"])
        var place: RowPlace?
        var sites: [FieldValue] = []
        var counts: [Int] = []
        repeat {
            let batch = try await org.sandbox.rows(of: query, after: place, limit: 100, context: org.context)
            #expect(batch.values.count == batch.rowCount * 4)
            for row in 0..<batch.rowCount { sites.append(batch.row(row).dropFirst().first ?? .null) }
            counts.append(batch.rowCount)
            place = batch.next
        } while place != nil
        let total = clause.contains("LIMIT") ? 333 : 450
        #expect(counts.dropLast().allSatisfy { $0 == 100 })
        #expect(sites.count == total)
        #expect(Set(sites).count == total)
        if clause.contains("DESC") { #expect(sites.first == .string("99")) }
    }

    @Test func rowsAreRefusedForWhatBulkCannotDo() async throws {
        let (org, _) = try await Self.org(accounts: 1)
        for soql in [
            "SELECT COUNT() FROM Account", "SELECT COUNT(Id) FROM Account GROUP BY Name",
            "SELECT Id FROM Account OFFSET 1",
            "SELECT Id, (SELECT Id FROM Contacts) FROM Account", "SELECT BillingAddress FROM Account",
            "SELECT x FROM Account",
        ] {
            let error = await org.failure { () async throws(OrgError) in
                _ = try await org.sandbox.rowQuery(soql, scope: .live, context: org.context)
            }
            #expect(error?.status == 400, "\(soql)")
        }
        let query = try await org.sandbox.rowQuery("SELECT Id FROM Account", scope: .all, context: org.context)
        for place in ["", "x", "1.2", "1.2.-3", "1.2.3.4"] {
            let error = await org.failure { () async throws(OrgError) in
                _ = try await org.sandbox.rows(
                    of: query, after: RowPlace(rawValue: place), limit: 10, context: org.context)
            }
            #expect(error?.errorCode == "INVALID_QUERY_LOCATOR", "\(place)")
        }
    }
}
