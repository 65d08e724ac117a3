import HTTPTypes
import NIOCore
import Synchronization
import Testing

@testable import Doors

/// What headers do: content types, compression, conditions, the limit, the deprecated versions.
struct RESTHeaderTests {
    private static let row = "/sobjects/Account/001000000000001AAA"

    private func withRow(_ body: @escaping @Sendable (RESTClient) async throws -> Void) async throws {
        try await RESTClient.use { client in
            _ = try await client.send("POST", "/sobjects/Account", #"{"Name":"A"}"#)
            try await body(client)
        }
    }

    @Test(arguments: [
        ("application/json", 200), ("application/json;charset=UTF-8", 200), ("*/*", 200), ("application/*;q=0.5", 200),
        ("text/html, application/xhtml+xml, */*;q=0.8", 200), ("application/xml", 406), ("text/csv", 406),
        ("application/json;q=0", 406),
    ])
    func onlyJSONIsAnswered(accept: String, status: Int) async throws {
        try await withRow { client in
            let answer = try await client.get(Self.row, headers: [("Accept", accept)])
            #expect(answer.status == status)
            if status == 406 { #expect(answer.body.contains(#""errorCode":"NOT_ACCEPTABLE""#)) }
        }
    }

    @Test func longAnswersArePackedWhenAsked() async throws {
        try await RESTClient.use { client in
            let name = (0..<1_500).map(String.init).joined(separator: " ")
            _ = try await client.send("POST", "/sobjects/Account", #"{"Name":"\#(name)"}"#)
            let packed = try await client.get(Self.row, headers: [("Accept-Encoding", "gzip, deflate")])
            #expect(packed.header("content-encoding") == "gzip")
            #expect(packed.header("etag") == "\"tag=--gzip\"")
            let plain = try await client.get(Self.row, headers: [("Accept-Encoding", "identity")])
            #expect(plain.header("content-encoding") == nil)
            #expect(plain.header("etag") == "\"tag=\"")
            #expect(plain.body.contains(name))
            let refused = try await client.get(Self.row, headers: [("Accept-Encoding", "gzip;q=0")])
            #expect(refused.header("content-encoding") == nil)
            #expect(refused.header("etag") == "\"tag=\"")
        }
    }

    @Test func packedBodiesAreUnpacked() throws {
        let text = String(repeating: #"{"Name":"Müller"}"#, count: 500)
        let packed = try #require(Gzip.compressed(ByteBuffer(string: text)))
        #expect(packed.readableBytes < 500)
        let unpacked = try Gzip.unpacked(packed, bytesMax: 1 << 20)
        #expect(String(buffer: unpacked) == text)
        #expect(throws: NIOTooManyBytesError.self) { _ = try Gzip.unpacked(packed, bytesMax: 1_000) }
        #expect(throws: OrgError.self) {
            _ = try Gzip.unpacked(packed.getSlice(at: packed.readerIndex, length: 20) ?? packed, bytesMax: 1 << 20)
        }
        #expect(throws: OrgError.self) { _ = try Gzip.unpacked(ByteBuffer(string: "not packed"), bytesMax: 1 << 20) }
        // Only the first member was read, and what stood behind it was dropped without a word.
        var twice = packed
        twice.writeImmutableBuffer(packed)
        #expect(try Gzip.unpacked(twice, bytesMax: 1 << 20).readableBytes == 2 * text.utf8.count)
        var withRest = packed
        withRest.writeString("no member")
        #expect(throws: OrgError.self) { _ = try Gzip.unpacked(withRest, bytesMax: 1 << 20) }
    }

    @Test func unknownEncodingsAreRefused() async throws {
        try await RESTClient.use { client in
            let answer = try await client.send(
                "POST", "/sobjects/Account", "{}", headers: [("Content-Encoding", "br")])
            #expect(answer.status == 415)
            #expect(client.org.state.withLock { $0.records.isEmpty })
        }
    }

    @Test(arguments: [
        ("If-None-Match", "\"tag=\"", 304), ("If-None-Match", "\"tag=--gzip\"", 304),
        ("If-None-Match", "W/\"tag=\"", 304), ("If-None-Match", "\"other\"", 200),
        ("If-None-Match", "\"a\", \"tag=\"", 304),
        ("If-Match", "\"tag=\"", 200), ("If-Match", "*", 200), ("If-Match", "\"other\"", 412),
        ("If-Modified-Since", "Tue, 17 Feb 2026 04:03:15 GMT", 304),
        ("If-Modified-Since", "Tue, 17 Feb 2026 04:03:14 GMT", 200),
        ("If-Unmodified-Since", "Tue, 17 Feb 2026 04:03:15 GMT", 200),
        ("If-Unmodified-Since", "Tue, 17 Feb 2026 04:03:14 GMT", 412),
        ("If-Modified-Since", "yesterday", 200), ("If-Unmodified-Since", "2026-02-17", 200),
    ])
    func readsWithConditions(header: String, value: String, status: Int) async throws {
        try await withRow { client in
            let answer = try await client.get(Self.row, headers: [(header, value)])
            #expect(answer.status == status)
            if status == 304 { #expect(answer.body.isEmpty) }
            if status == 412 { #expect(answer.body.contains(#""errorCode":"PRECONDITION_FAILED""#)) }
        }
    }

    @Test(arguments: [
        ("If-Match", "\"tag=\"", 204), ("If-Match", "\"other\"", 412), ("If-None-Match", "\"tag=\"", 412),
        ("If-Unmodified-Since", "Tue, 17 Feb 2026 04:03:15 GMT", 204),
        ("If-Unmodified-Since", "Tue, 17 Feb 2026 04:03:14 GMT", 412),
        ("If-Modified-Since", "Tue, 17 Feb 2026 04:03:15 GMT", 412),
        ("If-Unmodified-Since", "tomorrow", 400), ("If-Modified-Since", "Tue, 31 Feb 2026 04:03:15 GMT", 400),
    ])
    func writesWithConditions(header: String, value: String, status: Int) async throws {
        try await withRow { client in
            let answer = try await client.send("PATCH", Self.row, #"{"Name":"B"}"#, headers: [(header, value)])
            #expect(answer.status == status)
            let name = client.org.state.withLock { $0.records["001000000000001AAA"]?.first?.value }
            #expect(name == .string(status == 204 ? "B" : "A"))
        }
    }

    @Test func onlySomeRowsHaveTags() async throws {
        try await withRow { client in
            let contact = try await client.get("/sobjects/Contact/001000000000001AAA")
            #expect(contact.header("etag") == nil)
            #expect(contact.header("last-modified") == "Tue, 17 Feb 2026 04:03:15 GMT")
        }
    }

    @Test func descriptionsAreSentWhenTheyHaveChanged() async throws {
        try await RESTClient.use { client in
            for path in ["/sobjects", "/sobjects/Account", "/sobjects/Account/describe"] {
                let first = try await client.get(path)
                #expect(first.header("last-modified") == "Tue, 17 Feb 2026 04:03:15 GMT")
                let date = ("If-Modified-Since", "Tue, 17 Feb 2026 04:03:15 GMT")
                #expect(try await client.get(path, headers: [date]).status == 304)
            }
        }
    }

    @Test func deprecatedVersionsAreServedWithAWarning() async throws {
        try await RESTClient.use { client in
            let headers = [("Authorization", "Bearer good!token")]
            let old = try await client.running.get("/services/data/v31.0/sobjects", headers: headers)
            #expect(old.status == 200)
            #expect(old.header("warning")?.hasPrefix("299 - \"") == true)
            #expect(try await client.get("/sobjects").header("warning") == nil)
        }
    }

    /// A SOAP call, for which nobody has to log in to be recorded, could name a client of megabytes.
    @Test func clientNamesAreCut() throws {
        let name = String(repeating: "n", count: CallContext.clientNameMax)
        let options = try #require(HTTPField.Name("Sforce-Call-Options"))
        #expect(RESTRequest.clientName(in: [options: "client= \(name) "]) == name)
        #expect(RESTRequest.clientName(in: [options: "client=\(name)e"]) == name)
        for text in [" \(name) ", name + "e"] {
            let envelope =
                "<Envelope><Header><CallOptions><client>\(text)</client></CallOptions></Header><Body><login/></Body></Envelope>"
            #expect(try SOAPCall(ByteBuffer(string: envelope)).clientName == name)
        }
    }

    @Test func everyCallIsRecordedWithItsNumber() async throws {
        try await RESTClient.use { client in
            let answer = try await client.get(
                "/sobjects/Account/describe?x=1", headers: [("Sforce-Call-Options", "client=tests")])
            let refused = try await client.running.get("/services/data/v66.0/limits")
            #expect(refused.status == 401)
            let calls = client.org.state.withLock { $0.recorded }
            #expect(calls.count == 2)
            #expect(calls[0].requestID == answer.header("x-request-id"))
            #expect(calls[0].resource == "/v66.0/sobjects/Account/describe")
            #expect(calls[0].entity == "Account")
            #expect((calls[0].method, calls[0].status, calls[0].version) == ("GET", 200, "66.0"))
            #expect(calls[0].clientName == "tests")
            #expect(calls[0].clientAddress == "127.0.0.1")
            #expect(calls[0].countsAgainstLimit && !calls[1].countsAgainstLimit)
            #expect(calls[1].session == nil)
        }
    }

    @Test func allowedMethodsStandInTheirHeader() async throws {
        try await RESTClient.use { client in
            let answer = try await client.send("PUT", Self.row, "{}")
            #expect(answer.status == 405)
            #expect(answer.header("allow") == "DELETE,GET,HEAD,PATCH,POST")
        }
    }

    @Test(
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (1_771_300_995_999, "Tue, 17 Feb 2026 04:03:15 GMT"),
            (951_782_400_000, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_102_444_799_000, "Thu, 31 Dec 2099 23:59:59 GMT"),
        ] as [(Int64, String)])
    func datesOfHTTP(milliseconds: Int64, text: String) {
        #expect(HTTPDate.text(milliseconds) == text)
        #expect(HTTPDate.milliseconds(text) == milliseconds / 1_000 * 1_000)
    }

    @Test(arguments: [
        "", "Tue, 17 Feb 2026", "17.02.2026 04:03:15 GMT", "Tue, 30 Feb 2026 04:03:15 GMT",
        "Tue, 17 Feb 2026 24:03:15 GMT", "Tue, 17 Feb 2026 04:03:15 CET", "Tue, 17 Feb 2026 04:03:15",
        "Tue, 17 Fev 2026 04:03:15 GMT",
    ])
    func whatIsNoDateOfHTTP(text: String) {
        #expect(HTTPDate.milliseconds(text) == nil)
    }
}
