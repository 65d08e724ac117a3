import Synchronization
import Testing

@testable import Doors

/// `/composite/sobjects` and `/composite/tree`: many records in one call.
struct CollectionTests {
    private func records(_ names: [String], allOrNone: Bool = false, type: String = "Account") -> String {
        let records = names.map { #"{"attributes":{"type":"\#(type)"},"Name":"\#($0)"}"# }
        return #"{"allOrNone":\#(allOrNone),"records":["# + records.joined(separator: ",") + "]}"
    }

    /// Collections tell an error's code as `statusCode`.
    @Test func trap29GoodRecordsStayWithoutAllOrNone() async throws {
        try await RESTClient.use { client in
            let answer = try await client.send("POST", "/composite/sobjects", records(["A", "Bad", "B"]))
            #expect(answer.status == 200)
            #expect(
                answer.body
                    == #"[{"id":"001000000000001AAA","success":true,"errors":[]},{"success":false,"errors":[{"statusCode":"BAD_NAME","message":"Bad is bad","fields":["Name"]}]},{"id":"001000000000002AAA","success":true,"errors":[]}]"#
            )
            #expect(client.org.state.withLock { $0.records.count } == 2)
        }
    }

    @Test func allOrNoneTellsEveryMistakeAndKeepsNothing() async throws {
        try await RESTClient.use { client in
            let answer = try await client.send(
                "POST", "/composite/sobjects", records(["A", "Bad", "B", "Bad too"], allOrNone: true))
            #expect(answer.status == 200)
            #expect(answer.body.split(separator: "ALL_OR_NONE_OPERATION_ROLLED_BACK").count == 3)
            #expect(answer.body.split(separator: "BAD_NAME").count == 3)
            #expect(client.org.state.withLock { $0.records.isEmpty })
        }
    }

    @Test func recordsAreChangedUpsertedReadAndDeleted() async throws {
        try await RESTClient.use { client in
            _ = try await client.send("POST", "/composite/sobjects", records(["A", "B"]))
            let changed = try await client.send(
                "PATCH", "/composite/sobjects",
                #"{"records":[{"attributes":{"type":"Account"},"id":"001000000000001AAA","Name":"C"},{"attributes":{"type":"Account"},"Name":"D"}]}"#
            )
            #expect(
                changed.body.hasPrefix(
                    #"[{"id":"001000000000001AAA","success":true,"errors":[]},{"success":false,"errors":[{"statusCode":"MISSING_ARGUMENT""#
                ))
            let upserted = try await client.send(
                "PATCH", "/composite/sobjects/Account/Ext__c",
                #"{"records":[{"attributes":{"type":"Account"},"Ext__c":"1","Name":"E"},{"attributes":{"type":"Account"},"Ext__c":"1","Name":"F"},{"attributes":{"type":"Account"},"Name":"G"},{"attributes":{"type":"Contact"},"Ext__c":"2"}]}"#
            )
            #expect(
                upserted.body.hasPrefix(
                    #"[{"id":"001000000000003AAA","success":true,"errors":[],"created":true},{"id":"001000000000003AAA","success":true,"errors":[],"created":false},{"success":false"#
                ))
            #expect(upserted.body.contains("INVALID_TYPE"))
            let read = try await client.get(
                "/composite/sobjects/Account?ids=001000000000003AAA,001000000000009AAA&fields=Name")
            #expect(read.body == #"[{"Name":"F"},null]"#)
            let posted = try await client.send(
                "POST", "/composite/sobjects/Account",
                #"{"ids":["001000000000009AAA","001000000000001AAA"],"fields":["Name"]}"#)
            #expect(posted.body == #"[null,{"Name":"C"}]"#)
            let deleted = try await client.send(
                "DELETE", "/composite/sobjects?ids=001000000000001AAA,001000000000009AAA,xyz&allOrNone=false")
            #expect(
                deleted.body.hasPrefix(#"[{"id":"001000000000001AAA","success":true,"errors":[]},{"success":false"#))
            #expect(deleted.body.contains("MALFORMED_ID"))
            let all = try await client.send(
                "DELETE", "/composite/sobjects?ids=001000000000002AAA,001000000000009AAA&allOrNone=true")
            #expect(all.body.contains("ALL_OR_NONE_OPERATION_ROLLED_BACK"))
            #expect(client.org.state.withLock { $0.records["001000000000002AAA"] } != nil)
        }
    }

    @Test func thereMayBeTwoHundred() async throws {
        try await RESTClient.use { client in
            let names = (0...200).map { "N\($0)" }
            let most = try await client.send("POST", "/composite/sobjects", records(Array(names.prefix(200))))
            #expect(most.status == 200)
            let tooMany = try await client.send("POST", "/composite/sobjects", records(names))
            #expect(tooMany.status == 400)
            #expect(tooMany.body.contains("EXCEEDED_ID_LIMIT"))
            let runs = (0..<11).map { #"{"attributes":{"type":"T\#($0)"}}"# }.joined(separator: ",")
            #expect(try await client.send("POST", "/composite/sobjects", #"{"records":[\#(runs)]}"#).status == 400)
        }
    }

    @Test(arguments: [
        "[]", "{}", #"{"records":{}}"#, #"{"records":[1]}"#, #"{"records":[],"allOrNone":"maybe"}"#,
        #"{"records":[],"allOrNone":1}"#,
    ])
    func whatIsNoCollection(body: String) async throws {
        try await RESTClient.use { client in
            let answer = try await client.send("POST", "/composite/sobjects", body)
            #expect(answer.status == 400)
        }
    }

    @Test func aRecordWithoutTypeFailsByItself() async throws {
        try await RESTClient.use { client in
            let answer = try await client.send("POST", "/composite/sobjects", #"{"records":[{"Name":"A"}]}"#)
            #expect(answer.status == 200)
            #expect(answer.body.contains("INVALID_TYPE"))
        }
    }

    private func tree(_ child: String) -> String {
        #"{"records":[{"attributes":{"type":"Account","referenceId":"r1"},"Name":"A","Contacts":{"records":[{"attributes":{"type":"Contact","referenceId":"r2"},"Name":"\#(child)"}]}},{"attributes":{"type":"Account","referenceId":"r3"},"Name":"B"}]}"#
    }

    @Test func treesAreCreatedFromTheirRoots() async throws {
        try await RESTClient.use { client in
            let answer = try await client.send("POST", "/composite/tree/Account", tree("C"))
            #expect(answer.status == 201)
            #expect(
                answer.body
                    == #"{"hasErrors":false,"results":[{"referenceId":"r1","id":"001000000000001AAA"},{"referenceId":"r2","id":"001000000000002AAA"},{"referenceId":"r3","id":"001000000000003AAA"}]}"#
            )
            #expect(
                client.org.state.withLock { $0.records["001000000000002AAA"] } == [
                    .init(name: "Name", value: .string("C")),
                    .init(name: "AccountId", value: .string("001000000000001AAA")),
                ])
        }
    }

    @Test func aTreeWithAMistakeLeavesNothing() async throws {
        try await RESTClient.use { client in
            let answer = try await client.send("POST", "/composite/tree/Account", tree("Bad"))
            #expect(answer.status == 400)
            #expect(
                answer.body
                    == #"{"hasErrors":true,"results":[{"referenceId":"r2","errors":[{"statusCode":"BAD_NAME","message":"Bad is bad","fields":["Name"]}]}]}"#
            )
            #expect(client.org.state.withLock { $0.records.isEmpty })
        }
    }

    @Test(arguments: [
        #"{"records":[]}"#, #"{"records":[{"Name":"A"}]}"#,
        #"{"records":[{"attributes":{"type":"Account"},"Name":"A"}]}"#,
        #"{"records":[{"attributes":{"type":"Contact","referenceId":"r"}}]}"#,
        #"{"records":[{"attributes":{"type":"Account","referenceId":"r"}},{"attributes":{"type":"Account","referenceId":"r"}}]}"#,
        #"{"records":[{"attributes":{"type":"Account","referenceId":"r"},"Nobodies":{"records":[]}}]}"#,
    ])
    func whatIsNoTree(body: String) async throws {
        try await RESTClient.use { client in
            let answer = try await client.send("POST", "/composite/tree/Account", body)
            #expect(answer.status == 400)
            #expect(client.org.state.withLock { $0.records.isEmpty })
        }
    }
}
