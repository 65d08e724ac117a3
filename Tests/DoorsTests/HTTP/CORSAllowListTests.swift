import Testing

@testable import Doors

/// Which pages may call, and what browsers are told.
@Suite struct CORSAllowListTests {
    @Test func entriesMatchExactlyOrBelowADomain() {
        let list = CORSAllowList(origins: [
            "https://www.example.com", "http://localhost:3000", "https://*.shop.example",
        ])
        #expect(list.allows("https://www.example.com"))
        #expect(list.allows("https://WWW.example.com"))
        #expect(list.allows("http://localhost:3000"))
        #expect(list.allows("https://a.shop.example"))
        #expect(list.allows("https://a.b.shop.example"))

        #expect(!list.allows("http://www.example.com"))
        #expect(!list.allows("https://www.example.com:8443"))
        #expect(!list.allows("https://www.example.com.evil.example"))
        #expect(!list.allows("https://shop.example"))
        #expect(!list.allows("https://evilshop.example"))
        #expect(!list.allows("https://evil.example/.shop.example"))
        #expect(!list.allows("https://evil.example:1@a.shop.example"))
        #expect(!list.allows("http://a.shop.example"))
        #expect(!list.allows("null"))
        #expect(!list.allows(""))
    }

    @Test func emptyListSaysNothing() async throws {
        try await withHTTPDoor(routes: [FakeRoutes()]) { running in
            let answer = try await running.get("/plain", headers: [("Origin", "https://www.example.com")])
            #expect(answer.status == 200)
            #expect(!answer.headers.contains { $0.0.lowercased().hasPrefix("access-control") })
        }
    }

    @Test func listedOriginIsToldAndOthersAreNot() async throws {
        let configuration = HTTPDoor.Configuration(corsOrigins: ["https://www.example.com"])
        try await withHTTPDoor(configuration, routes: [FakeRoutes()]) { running in
            let listed = try await running.get("/plain", headers: [("Origin", "https://www.example.com")])
            #expect(listed.header("access-control-allow-origin") == "https://www.example.com")
            #expect(listed.header("vary") == "Origin")
            #expect(listed.header("access-control-expose-headers")?.contains("sforce-locator") == true)
            let failed = try await running.get("/nothing", headers: [("Origin", "https://www.example.com")])
            #expect(failed.status == 404)
            #expect(
                failed.header("access-control-allow-origin") == "https://www.example.com", "a page may read errors too")
            let other = try await running.get("/plain", headers: [("Origin", "https://evil.example")])
            #expect(other.status == 200)
            #expect(other.header("access-control-allow-origin") == nil)
            #expect(other.header("vary") == "Origin", "caches must not serve one origin's answer to another")
        }
    }

    @Test func preflightNamesMethodsAndHeaders() async throws {
        let configuration = HTTPDoor.Configuration(corsOrigins: ["https://www.example.com"])
        try await withHTTPDoor(configuration, routes: [FakeRoutes()]) { running in
            let preflight = try await running.send(
                "OPTIONS", "/things/1",
                headers: [
                    ("Origin", "https://www.example.com"), ("Access-Control-Request-Method", "PATCH"),
                    ("Access-Control-Request-Headers", "authorization, sforce-something-new, x-other"),
                ])
            #expect(preflight.status == 204)
            #expect(preflight.header("access-control-allow-origin") == "https://www.example.com")
            // PUT carries the rows of a bulk job.
            #expect(preflight.header("access-control-allow-methods") == "GET, POST, PUT, PATCH, DELETE, HEAD")
            let headers = try #require(preflight.header("access-control-allow-headers"))
            #expect(headers.contains("authorization"))
            #expect(headers.contains("sforce-something-new"))
            #expect(!headers.contains("x-other"))

            let refused = try await running.send(
                "OPTIONS", "/things/1",
                headers: [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "PATCH")])
            #expect(refused.status == 403)
            #expect(refused.header("access-control-allow-origin") == nil)
            #expect(refused.body.contains("CORS_ORIGIN_NOT_ALLOWED"))
        }
    }
}
