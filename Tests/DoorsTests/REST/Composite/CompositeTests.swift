import Synchronization
import Testing

@testable import Doors

/// `/composite`, `/composite/graph` and `/composite/batch`: several calls in one.
struct CompositeTests {
    private func part(_ method: String, _ url: String, _ reference: String, _ body: String? = nil) -> String {
        #"{"method":"\#(method)","url":"/services/data/v66.0\#(url)","referenceId":"\#(reference)""#
            + (body.map { #","body":\#($0)}"# } ?? "}")
    }

    private func composite(_ parts: [String], allOrNone: Bool = false) -> String {
        #"{"allOrNone":\#(allOrNone),"compositeRequest":["# + parts.joined(separator: ",") + "]}"
    }

    @Test func partsReferToEachOther() async throws {
        try await RESTClient.use { client in
            let answer = try await client.send(
                "POST", "/composite",
                composite([
                    part("POST", "/sobjects/Account", "made", #"{"Name":"A"}"#),
                    part(
                        "POST", "/sobjects/Contact", "child",
                        #"{"AccountId":"@{made.id}","Text":"of @{made.id}, @{made.success}","Flag":"@{made.success}"}"#),
                    part("GET", "/sobjects/Contact/@{child.id}?fields=Text,Flag", "read"),
                    part("GET", "/query?q=SELECT+Id+FROM+Account", "found"),
                    part("PATCH", "/sobjects/Account/@{found.records[0].Id}", "changed", #"{"Name":"B"}"#),
                ]))
            #expect(answer.status == 200)
            #expect(
                answer.body.hasPrefix(
                    #"{"compositeResponse":[{"body":{"id":"001000000000001AAA","success":true,"errors":[]},"httpHeaders":{"Location":"/services/data/v66.0/sobjects/Account/001000000000001AAA"},"httpStatusCode":201,"referenceId":"made"},"#
                ))
            #expect(answer.body.contains(#"{"body":{"Text":"of 001000000000001AAA, true","Flag":true},"#))
            #expect(
                answer.body.hasSuffix(
                    #"{"body":null,"httpHeaders":{},"httpStatusCode":204,"referenceId":"changed"}]}"#))
            #expect(answer.header("sforce-limit-info") == "api-usage=1/15000")
            #expect(
                client.org.state.withLock { $0.records["001000000000001AAA"] } == [
                    .init(name: "Name", value: .string("B"))
                ])
        }
    }

    @Test func aFailedPartTakesThoseWithItThatReferToIt() async throws {
        try await RESTClient.use { client in
            let answer = try await client.send(
                "POST", "/composite",
                composite([
                    part("POST", "/sobjects/Account", "bad", #"{"Name":"Bad"}"#),
                    part("POST", "/sobjects/Contact", "child", #"{"AccountId":"@{bad.id}"}"#),
                    part("POST", "/sobjects/Account", "good", #"{"Name":"Good"}"#),
                ]))
            #expect(
                answer.body.contains(#"{"body":[{"message":"Bad is bad","errorCode":"BAD_NAME","fields":["Name"]}]"#))
            #expect(
                answer.body.contains(
                    #"{"body":[{"message":"Invalid reference specified. No value for bad.id found in bad","errorCode":"PROCESSING_HALTED"}],"httpHeaders":{},"httpStatusCode":400,"referenceId":"child"}"#
                ))
            #expect(client.org.state.withLock { $0.records.count } == 1)
        }
    }

    /// Each reference may stand for a long text: eight megabytes of them stood for hundreds of gigabytes.
    @Test func referencesStandForNoMoreThanABody() throws {
        var references = CompositeReferences()
        let megabyte = JSONValue.string(String(repeating: "x", count: 1 << 20))
        references.add("r", .object([.init(name: "Text", value: megabyte)]))
        let count = RESTDispatcher.bodyBytesMax >> 20
        _ = try references.resolved(.string(String(repeating: "@{r.Text}", count: count - 1) + "."))
        _ = try references.resolvedURL("/@{r.Text}")
        #expect { try references.resolved(.array([.string("a@{r.Text}")])) } throws: {
            ($0 as? OrgError)?.errorCode == "LIMIT_EXCEEDED"
        }
    }

    @Test func allOrNoneUndoesEverything() async throws {
        try await RESTClient.use { client in
            let answer = try await client.send(
                "POST", "/composite",
                composite(
                    [
                        part("POST", "/sobjects/Account", "good", #"{"Name":"Good"}"#),
                        part("POST", "/sobjects/Account", "bad", #"{"Name":"Bad"}"#),
                        part("POST", "/sobjects/Account", "later", #"{"Name":"Later"}"#),
                    ], allOrNone: true))
            #expect(answer.status == 200)
            let halted =
                #"[{"message":"The transaction was rolled back since another operation in the same transaction failed.","errorCode":"PROCESSING_HALTED"}],"httpHeaders":{},"httpStatusCode":400,"referenceId":"#
            #expect(answer.body.contains(halted + #""good""#))
            #expect(answer.body.contains(halted + #""later""#))
            #expect(answer.body.contains(#""errorCode":"BAD_NAME""#))
            #expect(client.org.state.withLock { $0.records.isEmpty && $0.rollbacks == 1 })
        }
    }

    @Test func aCollectionThatFailsInAPartLeavesNothing() async throws {
        try await RESTClient.use { client in
            let records =
                #"{"allOrNone":true,"records":[{"attributes":{"type":"Account"},"Name":"A"},{"attributes":{"type":"Account"},"Name":"Bad"}]}"#
            let answer = try await client.send(
                "POST", "/composite",
                composite([
                    part("POST", "/sobjects/Account", "kept", #"{"Name":"Kept"}"#),
                    part("POST", "/composite/sobjects", "several", records),
                ]))
            #expect(answer.body.contains("ALL_OR_NONE_OPERATION_ROLLED_BACK"))
            #expect(client.org.state.withLock { $0.records.count } == 1)
        }
    }

    @Test func partsOfEveryKindAnswerInTheirPlace() async throws {
        try await RESTClient.use { client in
            let answer = try await client.send(
                "POST", "/composite",
                composite([
                    part("GET", "/nothing", "unknown"), part("PUT", "/sobjects/Account", "method"),
                    part("GET", "/limits", "service"), part("POST", "/composite", "nested", "{}"),
                    part("GET", "/sobjects/Account/describe", "describe"),
                ]))
            for (status, reference) in [
                (404, "unknown"), (405, "method"), (400, "service"), (400, "nested"), (200, "describe"),
            ] {
                #expect(answer.body.contains("\"httpStatusCode\":\(status),\"referenceId\":\"\(reference)\""))
            }
            #expect(answer.body.contains(#""httpHeaders":{"Allow":"GET,HEAD,POST"}"#))
        }
    }

    @Test(arguments: [
        "[]", "{}", #"{"compositeRequest":[]}"#, #"{"compositeRequest":{}}"#, #"{"compositeRequest":[1]}"#,
        #"{"compositeRequest":[{"url":"/services/data/v66.0/limits","referenceId":"a"}]}"#,
        #"{"compositeRequest":[{"method":"GET","referenceId":"a"}]}"#,
        #"{"compositeRequest":[{"method":"GET","url":"/services/data/v66.0/limits"}]}"#,
        #"{"compositeRequest":[{"method":"TRACE","url":"/services/data/v66.0/limits","referenceId":"a"}]}"#,
        #"{"compositeRequest":[{"method":"GET","url":"/services/data/v66.0/limits","referenceId":"1a"}]}"#,
        #"{"compositeRequest":[{"method":"GET","url":"/services/data/v66.0/limits","referenceId":"a b"}]}"#,
        #"{"allOrNone":"perhaps","compositeRequest":[{"method":"GET","url":"/services/data/v66.0/limits","referenceId":"a"}]}"#,
        #"{"compositeRequest":[{"method":"GET","url":"/services/data/v66.0/limits","referenceId":"a","httpHeaders":{"Authorization":"x"}}]}"#,
        #"{"compositeRequest":[{"method":"GET","url":"/a","referenceId":"a"},{"method":"GET","url":"/a","referenceId":"a"}]}"#,
    ])
    func whatIsNoCompositeRequest(body: String) async throws {
        try await RESTClient.use { client in
            let answer = try await client.send("POST", "/composite", body)
            #expect(answer.status == 400)
            #expect(answer.body.hasPrefix(#"[{"message":""#))
        }
    }

    @Test func thereMayBeTwentyFiveParts() async throws {
        try await RESTClient.use { client in
            let parts = (0..<26).map { part("GET", "/sobjects", "p\($0)") }
            #expect(try await client.send("POST", "/composite", composite(Array(parts.prefix(25)))).status == 200)
            let tooMany = try await client.send("POST", "/composite", composite(parts))
            #expect(tooMany.status == 400)
            #expect(tooMany.body.contains("LIMIT_EXCEEDED"))
            let queries = (0..<6).map { part("GET", "/query?q=SELECT+Id+FROM+Account", "q\($0)") }
            #expect(try await client.send("POST", "/composite", composite(Array(queries.prefix(5)))).status == 200)
            #expect(try await client.send("POST", "/composite", composite(queries)).status == 400)
        }
    }

    @Test func graphsSucceedAndFailByThemselves() async throws {
        try await RESTClient.use { client in
            let good =
                #"{"graphId":"one","compositeRequest":["#
                + part("POST", "/sobjects/Contact", "child", #"{"AccountId":"@{parent.id}"}"#) + ","
                + part("POST", "/sobjects/Account", "parent", #"{"Name":"A"}"#) + "]}"
            let bad =
                #"{"graphId":"two","compositeRequest":["#
                + part("POST", "/sobjects/Account", "first", #"{"Name":"B"}"#) + ","
                + part("POST", "/sobjects/Account", "second", #"{"Name":"Bad"}"#) + "]}"
            let ring =
                #"{"graphId":"three","compositeRequest":["#
                + part("POST", "/sobjects/Account", "a", #"{"Name":"@{b.id}"}"#) + ","
                + part("POST", "/sobjects/Account", "b", #"{"Name":"@{a.id}"}"#) + "]}"
            let answer = try await client.send("POST", "/composite/graph", #"{"graphs":[\#(good),\#(bad),\#(ring)]}"#)
            #expect(answer.status == 200)
            #expect(
                answer.body.hasPrefix(
                    #"{"graphs":[{"graphId":"one","graphResponse":{"compositeResponse":[{"body":{"id":"001000000000002AAA""#
                ))
            #expect(answer.body.contains(#""referenceId":"parent"}]},"isSuccessful":true}"#))
            #expect(
                answer.body.contains(
                    #""errorCode":"PROCESSING_HALTED"}],"httpHeaders":{},"httpStatusCode":400,"referenceId":"first"}"#))
            #expect(answer.body.contains(#""errorCode":"BAD_NAME""#))
            #expect(answer.body.contains("ring"))
            #expect(client.org.state.withLock { $0.records.count } == 2)
        }
    }

    @Test(arguments: [
        "{}", #"{"graphs":[]}"#, #"{"graphs":[{}]}"#, #"{"graphs":[{"graphId":"a"}]}"#,
        #"{"graphs":[{"graphId":"a","compositeRequest":[]},{"graphId":"a","compositeRequest":[]}]}"#,
    ])
    func whatIsNoGraph(body: String) async throws {
        try await RESTClient.use { client in
            let answer = try await client.send("POST", "/composite/graph", body)
            #expect(answer.status == 400)
        }
    }

    @Test func batchesAreIndependent() async throws {
        try await RESTClient.use { client in
            let parts =
                #"[{"method":"POST","url":"v66.0/sobjects/Account","richInput":{"Name":"A"}},{"method":"POST","url":"/services/data/v66.0/sobjects/Account","richInput":{"Name":"Bad"}},{"method":"GET","url":"v66.0/limits"},{"method":"DELETE","url":"v66.0/sobjects/Account/001000000000001AAA"}]"#
            let answer = try await client.send("POST", "/composite/batch", #"{"batchRequests":\#(parts)}"#)
            #expect(answer.status == 200)
            #expect(
                answer.body.hasPrefix(
                    #"{"hasErrors":true,"results":[{"statusCode":201,"result":{"id":"001000000000001AAA""#))
            #expect(answer.body.contains(#"{"statusCode":400,"result":[{"message":"Bad is bad","#))
            #expect(answer.body.contains(#"{"statusCode":200,"result":{"DailyApiRequests""#))
            #expect(answer.body.hasSuffix(#"{"statusCode":204,"result":null}]}"#))
            let halted = try await client.send(
                "POST", "/composite/batch", #"{"haltOnError":true,"batchRequests":\#(parts)}"#)
            #expect(
                halted.body.contains(
                    #"{"statusCode":412,"result":[{"message":"Batch processing halted per request","errorCode":"BATCH_PROCESSING_HALTED"}]}"#
                ))
            for body in ["{}", #"{"batchRequests":[]}"#, #"{"batchRequests":[{}]}"#] {
                #expect(try await client.send("POST", "/composite/batch", body).status == 400)
            }
        }
    }
}
