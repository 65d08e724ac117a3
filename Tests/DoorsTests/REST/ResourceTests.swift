import Synchronization
import Testing

@testable import Doors

/// The resources beside plain rows: external ids, relationships, queries, searches, limits.
struct ResourceTests {
    @Test func upsertCreatesThenUpdates() async throws {
        try await RESTClient.use { client in
            let path = "/sobjects/Account/Ext__c/a%2F1"
            let created = try await client.send("PATCH", path, #"{"Name":"A"}"#)
            #expect(created.status == 201)
            #expect(created.body == #"{"id":"001000000000001AAA","success":true,"errors":[],"created":true}"#)
            #expect(created.header("location") == "/services/data/v66.0/sobjects/Account/001000000000001AAA")
            let updated = try await client.send("PATCH", path, #"{"Name":"B"}"#)
            #expect(updated.status == 200)
            #expect(updated.body == #"{"id":"001000000000001AAA","success":true,"errors":[],"created":false}"#)
            let read = try await client.get(path)
            #expect(read.body == #"{"Name":"B","Ext__c":"a/1"}"#)
            #expect(try await client.send("DELETE", path).status == 204)
            #expect(try await client.get(path).status == 404)
        }
    }

    /// Before version 46.0 an update had no body.
    @Test func olderVersionsSayLessOfAnUpsert() async throws {
        try await RESTClient.use { client in
            let headers = [("Authorization", "Bearer good!token"), ("Content-Type", "application/json")]
            let path = "/services/data/v45.0/sobjects/Account/Ext__c/1"
            #expect(try await client.running.send("PATCH", path, headers: headers, body: "{}").status == 201)
            let updated = try await client.running.send("PATCH", path, headers: headers, body: "{}")
            #expect(updated.status == 204)
            #expect(updated.body.isEmpty)
        }
    }

    @Test func severalMatchesAreListed() async throws {
        try await RESTClient.use { client in
            let answer = try await client.send("PATCH", "/sobjects/Account/Ext__c/several", "{}")
            #expect(answer.status == 300)
            #expect(answer.body == #"["/one","/two"]"#)
        }
    }

    @Test func upsertByIdWithoutOneCreates() async throws {
        try await RESTClient.use { client in
            let created = try await client.send("POST", "/sobjects/Account/Id", #"{"Name":"A"}"#)
            #expect(created.status == 201)
            #expect(created.body.contains(#""created":true"#))
            let updated = try await client.send(
                "PATCH", "/sobjects/Account/Id/001000000000001AAA", #"{"Name":"B"}"#)
            #expect(updated.status == 200)
        }
    }

    /// A publish succeeds, and `errors` is not empty.
    @Test func trap25APublishedEventSaysSoInItsErrors() async throws {
        try await RESTClient.use { client in
            let answer = try await client.send("POST", "/sobjects/Order__e", #"{"Number__c":1}"#)
            #expect(answer.status == 201)
            #expect(
                answer.body
                    == #"{"id":"001000000000001AAA","success":true,"errors":[{"statusCode":"OPERATION_ENQUEUED","message":"a-uuid","fields":[]}]}"#
            )
        }
    }

    @Test func relationshipsAreFollowed() async throws {
        try await RESTClient.use { client in
            _ = try await client.send("POST", "/sobjects/Account", #"{"Name":"A"}"#)
            let path = "/sobjects/Contact/003000000000001AAA"
            #expect(try await client.get(path + "/Parent").body == #"{"Name":"A"}"#)
            #expect(try await client.get(path + "/Nobody").status == 404)
            #expect(try await client.get(path + "/Nothing").status == 404)
            let children = try await client.get("/sobjects/Account/001000000000001AAA/Contacts?fields=Id,Name")
            #expect(children.status == 200)
            _ = try await client.get("/sobjects/Account/001000000000001AAA/Contacts")
            #expect(
                client.org.state.withLock { $0.queries } == [
                    "SELECT Id, Name FROM Contact WHERE AccountId = '001000000000001AAA'",
                    "SELECT Id FROM Contact WHERE AccountId = '001000000000001AAA'",
                ])
            // Spaces between names are dropped, so that no clause can come in with a field; anything but names is refused.
            _ = try await client.get("/sobjects/Account/001000000000001AAA/Contacts?fields=Id%20FROM%20User")
            #expect(client.org.state.withLock { $0.queries.allSatisfy { !$0.contains("FROM User") } })
            let injected = try await client.get("/sobjects/Account/001000000000001AAA/Contacts?fields=(SELECT")
            #expect(injected.status == 400)
            #expect(try await client.send("PATCH", path + "/Parent", #"{"Name":"B"}"#).status == 204)
            #expect(try await client.get(path + "/Parent").body == #"{"Name":"B"}"#)
            let blob = try await client.get("/sobjects/Attachment/00P000000000001AAA/Body")
            #expect((blob.body, blob.header("content-type")) == ("content", "text/plain"))
        }
    }

    @Test(arguments: [
        (nil, "null"), ("batchSize=500", "500"), ("batchSize=1", "200"), ("batchSize = 9999", "2000"),
        ("other=1", "null"),
        ("batchSize=many", "null"),
    ])
    func queries(options: String?, batchSize: String) async throws {
        try await RESTClient.use { client in
            let headers = options.map { [("Sforce-Query-Options", $0)] } ?? []
            let answer = try await client.get("/query?q=SELECT+Id+FROM+Account", headers: headers)
            #expect(answer.body.hasPrefix("{\"all\":false,\"batchSize\":\(batchSize),"))
            let all = try await client.get("/queryAll/?q=SELECT%20Id%20FROM%20Account", headers: headers)
            #expect(all.body.hasPrefix("{\"all\":true,"))
            #expect(client.org.state.withLock { $0.queries } == ["SELECT Id FROM Account", "SELECT Id FROM Account"])
        }
    }

    @Test func queriesNeedAText() async throws {
        try await RESTClient.use { client in
            let missing = try await client.get("/query")
            #expect(missing.body.contains("MALFORMED_QUERY"))
            #expect(try await client.get("/query?explain=SELECT+Id+FROM+Account").status == 400)
            #expect(
                try await client.get("/query/01g000000000001AAA-2000").body == #"{"locator":"01g000000000001AAA-2000"}"#
            )
        }
    }

    @Test func windowsOfChanges() async throws {
        try await RESTClient.use { client in
            let updated = try await client.get(
                "/sobjects/Account/updated/?start=2026-02-17T04:00:00%2B00:00&end=2026-02-17T05:00:00+00:00")
            #expect(updated.body == #"{"window":"2026-02-17T04:00:00+00:00 2026-02-17T05:00:00+00:00"}"#)
            #expect(try await client.get("/sobjects/Account/deleted?start=a&end=b").body == #"{"window":"a b"}"#)
            #expect(try await client.get("/sobjects/Account/deleted?start=a").status == 400)
        }
    }

    @Test func limits() async throws {
        try await RESTClient.use { client in
            let limits = try await client.get("/limits")
            #expect(limits.body.contains("DailyApiRequests"))
            let counts = try await client.get("/limits/recordCount?sObjects=Account,Contact")
            #expect(counts.body == #"{"sObjects":[{"count":7,"name":"Account"},{"count":7,"name":"Contact"}]}"#)
            #expect(try await client.get("/recent?limit=5").body == #"["all 5"]"#)
            #expect(try await client.get("/recent?limit=0").status == 400)
        }
    }

    @Test(arguments: [
        ("FIND {Joe}", ["Joe"], "ALL", [RecordSearch.Target](), 2_000),
        (
            "find {Joe AND \"Big Smith\"} in name fields returning Account limit 5", ["Joe", "Big Smith"], "NAME",
            [.init(object: "Account")], 5
        ),
        (
            #"FIND {Joe\}x*} IN ALL FIELDS RETURNING Account(Id, Name WHERE Name LIKE 'a)%' AND (X = 1) ORDER BY Name LIMIT 3), Contact(Id)"#,
            ["Joe}x*"], "ALL",
            [
                .init(
                    object: "Account", fields: ["Id", "Name"], condition: " Name LIKE 'a)%' AND (X = 1) ",
                    orderBy: " Name ",
                    limit: 3), .init(object: "Contact", fields: ["Id"]),
            ], 2_000
        ),
        // The words of the clauses stand in names as well.
        (
            "FIND {Joe} RETURNING Account(Id WHERE Work_Order__c = 1 AND Limit__c > 2 ORDER BY Order_Limit__c LIMIT 3)",
            ["Joe"], "ALL",
            [
                .init(
                    object: "Account", fields: ["Id"], condition: " Work_Order__c = 1 AND Limit__c > 2 ",
                    orderBy: " Order_Limit__c ", limit: 3)
            ], 2_000
        ),
    ])
    func searches(text: String, terms: [String], scope: String, targets: [RecordSearch.Target], limit: Int) throws {
        let search = try SOSLParser.parse(text)
        #expect(search.terms == terms)
        #expect(search.scope.rawValue == scope)
        #expect(search.targets == targets)
        #expect(search.limit == limit)
    }

    @Test(arguments: [
        "", "FIND", "FIND Joe", "FIND {Joe", "FIND {J}", "FIND {Joe OR Jim}", "FIND {\"Joe}", "FIND {(Joe)}",
        "FIND {Joe} IN SOME FIELDS", "FIND {Joe} RETURNING", "FIND {Joe} RETURNING Account(Id", "FIND {Joe} LIMIT 0",
        "FIND {Joe} WITH NETWORK = 'x'", "FIND {Joe} RETURNING Account(Id WHERE Name = 'x)",
        "FIND {Joe} RETURNING Account; x",
    ])
    func searchesThatAreRefused(text: String) {
        let error = #expect(throws: OrgError.self) { _ = try SOSLParser.parse(text) }
        #expect(error?.errorCode == "MALFORMED_SEARCH")
    }

    @Test func searchTermsHaveABound() throws {
        let longest = String(repeating: "ab ", count: SOSLParser.termBytesMax / 3)
        #expect(try SOSLParser.terms(longest).count == SOSLParser.termBytesMax / 3)
        #expect(throws: OrgError.self) { try SOSLParser.terms(longest + "ab ") }
    }

    @Test func searchesAreAnswered() async throws {
        try await RESTClient.use { client in
            let answer = try await client.get("/search?q=FIND+%7BJoe%7D+RETURNING+Account")
            #expect(answer.body == ##"{"searchRecords":["[\"Joe\"] ALL [\"Account\"] 2000"]}"##)
            let same = ##"{"searchRecords":["[\"Joe\"] NAME [\"Account\", \"Contact\"] 7"]}"##
            let get = try await client.get(
                "/parameterizedSearch?q=Joe&in=NAME&sobject=Account&sobject=Contact&fields=Id&overallLimit=7")
            #expect(get.body == same)
            let post = try await client.send(
                "POST", "/parameterizedSearch",
                #"{"q":"Joe","in":"NAME","sobjects":[{"name":"Account"},{"name":"Contact","limit":3}],"overallLimit":7}"#
            )
            #expect(post.body == same)
            #expect(try await client.get("/parameterizedSearch?q=Joe&in=SOME").status == 400)
        }
    }
}
