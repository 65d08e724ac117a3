import Testing

@testable import Doors

struct BulkCallTests {
    /// A client that followed the address got jobs of all types from its second page on.
    @Test func theNextPageOfAListKeepsItsFilters() {
        let query: [(name: String, value: String)] = [
            ("isPkChunkingEnabled", "false"), ("queryLocator", "old"), ("jobType", "V2 Query"), ("other", "1"),
        ]
        #expect(
            BulkCall.nextPage(of: "/jobs/query", locator: "new", query)
                == "/jobs/query?queryLocator=new&isPkChunkingEnabled=false&jobType=V2%20Query")
        #expect(BulkCall.nextPage(of: "/jobs/ingest", locator: "a", []) == "/jobs/ingest?queryLocator=a")
    }
}
