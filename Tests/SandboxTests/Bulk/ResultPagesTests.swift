import HTTPTypes
import Testing

@testable import Doors
@testable import Sandbox

/// The addresses that `resultPages` answers are what clients call next, as they are.
struct ResultPagesTests {
    /// What the door's resources answer to a request for this address.
    private func answer(
        _ org: TestOrg, _ method: String, _ url: String, _ document: JSONValue? = nil
    ) async throws -> RESTAnswer {
        let target = try #require(RESTTarget(part: url, allowsShort: false), "\(url)")
        #expect(target.elements.first == "v66.0")
        var routes = RESTRoutes()
        BulkQueryResources(bulk: org.sandbox).add(to: &routes)
        let call = RESTCall(
            method: method, path: Array(target.elements.dropFirst()), query: target.query, headers: [:],
            context: org.context, dispatcher: RESTDispatcher(records: org.sandbox, routes: routes), document: document)
        return try await call.dispatcher.answer(call)
    }

    private func document(_ org: TestOrg, _ url: String) async throws -> JSONObject {
        let answer = try await answer(org, "GET", url)
        #expect(answer.status.code == 200, "\(url)")
        return try #require(JSONObject(answer.document))
    }

    private func header(_ name: String, _ answer: RESTAnswer) throws -> String? {
        answer.headers[try #require(HTTPField.Name(name))]
    }

    /// The names in a page. Its header lines are the door's; its rows come from the org by the same locator, since a
    /// body is written to connections only.
    private func names(_ org: TestOrg, _ url: String, _ jobID: String) async throws -> [String] {
        // Clients put it behind the instance's address, with a slash between or without.
        let path = url.hasPrefix("/") ? url : "/" + url
        #expect(path.hasPrefix("/services/data/v66.0/jobs/query/\(jobID)/results?locator="))
        let answer = try await answer(org, "GET", path)
        #expect(answer.status.code == 200)
        guard case .stream(_, let type) = answer.body else {
            Issue.record("a page is no stream: \(url)")
            return []
        }
        #expect(type.hasPrefix("text/csv"))
        let target = try #require(RESTTarget(part: path, allowsShort: false))
        let locator = try #require(target.query.first { $0.name == "locator" }?.value)
        let page = try await org.sandbox.queryResults(of: jobID, locator: locator, rowsMax: nil, context: org.context)
        let rows = try await org.rows(of: page.document)
        #expect(rows.first == ["Name"])
        #expect(try header("Sforce-NumberOfRecords", answer) == String(rows.count - 1))
        #expect(try header("Sforce-Locator", answer) == page.nextLocator ?? "null")
        return rows.dropFirst().map { $0[0] }
    }

    @Test func addressesOfPagesLeadToAllRows() async throws {
        let org = try await TestOrg.open { $0.bulkResultRows = 3 }
        let expected = (0..<20).map { "A\($0)" }
        let filled = try await org.ingest("Account", .insert, "Name\n" + expected.joined(separator: "\n"))
        #expect(filled.recordsFailed == 0)
        let created = try await answer(
            org, "POST", "/services/data/v66.0/jobs/query",
            .members(("operation", .string("query")), ("query", .string("SELECT Name FROM Account"))))
        #expect(created.status.code == 200)
        let job = try #require(JSONObject(created.document)?.text("id"))
        try await org.sandbox.finishBulkWork()

        var url: String? = "/services/data/v66.0/jobs/query/\(job)/resultPages"
        var pages: [[String]] = []
        var answers: [Int] = []
        while let current = url {
            let document = try await document(org, current)
            let addresses = try #require(document.array("resultPages")).map { JSONObject($0)?.text("resultUrl") }
            answers.append(addresses.count)
            for address in addresses { pages.append(try await names(org, try #require(address), job)) }
            url = document.text("nextRecordsUrl")
            #expect(document.flag("done") == (url == nil))
            // Null, and not left out.
            if url == nil { #expect(document["nextRecordsUrl"] == .some(.null)) }
            try #require(answers.count < 10, "it never ends")
        }
        #expect(answers == [5, 2])
        #expect(pages.map(\.count) == [3, 3, 3, 3, 3, 3, 2])
        #expect(pages.flatMap { $0 }.sorted() == expected.sorted())
    }

    @Test func aForeignLocatorIsRefusedInCapitals() async throws {
        let org = try await TestOrg.open()
        let job = try await org.sandbox.createQueryJob(
            NewQueryJob(soql: "SELECT Name FROM Account", operation: .query), context: org.context)
        try await org.sandbox.finishBulkWork()
        for place in ["results", "resultPages"] {
            let answer = try await answer(
                org, "GET", "/services/data/v66.0/jobs/query/\(job.id)/\(place)?locator=nonsense")
            #expect(answer.status.code == 400)
            #expect(JSONObject(answer.document.elements.first)?.text("errorCode") == "INVALIDQUERYLOCATOR")
        }
    }
}
