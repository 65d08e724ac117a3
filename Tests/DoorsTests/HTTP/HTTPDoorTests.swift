import AsyncHTTPClient
import NIOCore
import NIOPosix
import Testing
import Waiting

@testable import Doors

/// The door itself: limits, malformed requests, endings. Real sockets.
@Suite struct HTTPDoorTests {
    private static func limits(_ change: (inout HTTPDoor.Limits) -> Void) -> HTTPDoor.Configuration {
        var configuration = HTTPDoor.Configuration()
        change(&configuration.limits)
        return configuration
    }

    @Test func unknownPathAndMethodAreTold() async throws {
        try await withHTTPDoor(routes: [FakeRoutes()]) { running in
            let unknown = try await running.get("/nothing/here")
            #expect(unknown.status == 404)
            #expect(unknown.body == #"[{"message":"The requested resource does not exist","errorCode":"NOT_FOUND"}]"#)
            #expect(unknown.header("content-type") == "application/json;charset=UTF-8")

            let wrong = try await running.send("DELETE", "/things/7")
            #expect(wrong.status == 405)
            #expect(wrong.header("allow") == "GET,HEAD,PATCH")
            #expect(
                wrong.body
                    == #"[{"message":"HTTP Method 'DELETE' not allowed. Allowed are GET,HEAD,PATCH","errorCode":"METHOD_NOT_ALLOWED"}]"#
            )
            let head = try await running.send("HEAD", "/things/7")
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
        }
    }

    @Test func failureOfARouteTellsNothingAboutIt() async throws {
        try await withHTTPDoor(routes: [FakeRoutes()]) { running in
            let answer = try await running.get("/broken")
            #expect(answer.status == 500)
            #expect(answer.body.contains("UNKNOWN_EXCEPTION"))
            #expect(!answer.body.contains("Broken"))
        }
    }

    struct Malformed: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let request: String
        let status: Int

        init(_ description: String, _ request: String, _ status: Int) {
            testDescription = description
            self.request = request
            self.status = status
        }
    }

    @Test(arguments: [
        Malformed("not HTTP", "this is not HTTP\r\n\r\n", 400),
        Malformed("no Host", "GET / HTTP/1.1\r\n\r\n", 400),
        Malformed("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        Malformed("HTTP/3.0", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
        Malformed("header without colon", "GET / HTTP/1.1\r\nHost: a\r\nno colon here\r\n\r\n", 400),
        Malformed("absolute target", "GET http://elsewhere/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        Malformed("CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        Malformed(
            "length overflows", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
        Malformed(
            "two lengths", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
        Malformed(
            "length and chunked",
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc", 400),
        Malformed("body too long", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n", 413),
        Malformed("target too long", "GET /\(String(repeating: "a", count: 16_384)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        Malformed(
            "target far too long", "GET /\(String(repeating: "a", count: 200_000)) HTTP/1.1\r\nHost: a\r\n\r\n", 431),
        Malformed(
            "header too long", "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 16_384))\r\n\r\n", 431),
        Malformed(
            "too many headers", "GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: 1\r\n", count: 300))\r\n", 431),
        Malformed(
            "header far too long",
            "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 1_000_000))\r\n\r\n", 431),
    ])
    func malformedRequestIsRefusedAndTheConnectionCloses(malformed: Malformed) async throws {
        try await withHTTPDoor(routes: [FakeRoutes()]) { running in
            let answer = try await RawConnection.exchange(port: running.port, malformed.request)
            #expect(answer.hasPrefix("HTTP/1.1 \(malformed.status) "), "\(answer.prefix(300))")
            #expect(answer.lowercased().contains("connection: close"))
            #expect(answer.hasSuffix("}]"), "a JSON array: \(answer.suffix(200))")
            #expect(answer.contains("errorCode"))
        }
    }

    @Test func targetAtTheLimitIsServed() async throws {
        try await withHTTPDoor(routes: [FakeRoutes()]) { running in
            let answer = try await running.get("/things/" + String(repeating: "a", count: 16_384 - 8))
            #expect(answer.status == 200)
        }
    }

    @Test func refusalComesAfterEarlierResponses() async throws {
        let routes = FakeRoutes()
        try await withHTTPDoor(routes: [routes]) { running in
            try await RawConnection.open(port: running.port) { connection in
                try await connection.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n")
                await routes.reached.wait()
                routes.gate.raise()
                let answer = try await connection.readToEnd()
                let slow = try #require(answer.firstRange(of: "slow"))
                let refused = try #require(answer.firstRange(of: "HTTP/1.1 400"))
                #expect(slow.upperBound <= refused.lowerBound)
            }
        }
    }

    @Test func bodyLimitHoldsForChunkedBodiesToo() async throws {
        try await withHTTPDoor(Self.limits { $0.bodyBytesMax = 1000 }, routes: [FakeRoutes()]) { running in
            let fits = try await running.send("POST", "/echo", body: String(repeating: "a", count: 1000))
            #expect(fits.status == 200)
            #expect(fits.body.count == 1000)
            let chunk = "190\r\n" + String(repeating: "a", count: 400) + "\r\n"
            let answer = try await RawConnection.exchange(
                port: running.port,
                "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk + chunk
                    + "0\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 413"), "\(answer)")
            #expect(answer.contains("REQUEST_TOO_LARGE"))
        }
    }

    @Test func brokenChunkIsAnsweredWith400() async throws {
        try await withHTTPDoor(routes: [FakeRoutes()]) { running in
            let answer = try await RawConnection.exchange(
                port: running.port,
                "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 400"), "\(answer)")
        }
    }

    @Test func bodyThatStopsIsAnsweredWith408() async throws {
        try await withHTTPDoor(Self.limits { $0.requestTimeout = .milliseconds(50) }, routes: [FakeRoutes()]) {
            running in
            let answer = try await RawConnection.exchange(
                port: running.port, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
            #expect(answer.hasPrefix("HTTP/1.1 408"), "\(answer)")
        }
    }

    @Test func connectionWithoutARequestIsClosed() async throws {
        try await withHTTPDoor(Self.limits { $0.idleTimeout = .milliseconds(500) }, routes: [FakeRoutes()]) { running in
            let half = try await RawConnection.exchange(port: running.port, "GET /pla")
            #expect(half.isEmpty)
        }
    }

    /// Slowloris: headers that keep coming are no request, however long they do, and nobody else waits for them.
    @Test func headersThatTrickleAreCutOff() async throws {
        try await withHTTPDoor(Self.limits { $0.idleTimeout = .milliseconds(500) }, routes: [FakeRoutes()]) { running in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await RawConnection.open(port: running.port) { connection in
                            try await connection.send("GET /plain HTTP/1.1\r\nHost: a\r\n")
                            // A header each 20 ms: 20 s of them, if nobody ends it.
                            for number in 0..<1000 {
                                do {
                                    try await connection.send("X-\(number): a\r\n")
                                } catch {
                                    return true
                                }
                                try await Task.sleep(for: .milliseconds(20))
                            }
                            return false
                        }
                    }
                }
                let answer = try await RawConnection.exchange(
                    port: running.port, "GET /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                #expect(answer.hasPrefix("HTTP/1.1 200"), "\(answer)")
                for try await isCutOff in group { #expect(isCutOff) }
            }
        }
    }

    @Test func clientThatNeverReadsIsCutOff() async throws {
        let configuration = Self.limits { limits in
            limits.writeStallTimeout = .milliseconds(100)
            limits.bodyBytesMax = 64 << 20
        }
        try await withHTTPDoor(configuration, routes: [FakeRoutes()]) { running in
            try await RawConnection.open(port: running.port) { connection in
                let body = String(repeating: "a", count: 32 << 20)
                try await connection.send(
                    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
                // Nothing is read here until the door has given up.
                try await eventually { running.metrics.gauge("millrace_http_connections", help: "").value == 0 }
                #expect(connection.received.readableBytes == 0)
            }
        }
    }

    @Test func http10AndConnectionCloseEndAfterTheResponse() async throws {
        try await withHTTPDoor(routes: [FakeRoutes()]) { running in
            for request in [
                "GET /plain HTTP/1.0\r\n\r\n", "GET /plain HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n",
            ] {
                let answer = try await RawConnection.exchange(port: running.port, request)
                #expect(answer.hasSuffix("plain"), "\(answer)")
                #expect(answer.lowercased().contains("connection: close"))
            }
        }
    }

    /// NIO's decoder reads nothing behind a request that asks for an upgrade; kept open, the connection would hang.
    @Test func upgradeThatNobodyTakesIsServedAndClosed() async throws {
        try await withHTTPDoor(routes: [FakeRoutes()]) { running in
            let answer = try await RawConnection.exchange(
                port: running.port,
                "GET /plain HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n")
            #expect(answer.hasSuffix("plain"))
            #expect(answer.lowercased().contains("connection: close"))
        }
    }

    @Test func expectationIsAnsweredBeforeTheBody() async throws {
        try await withHTTPDoor(routes: [FakeRoutes()]) { running in
            try await RawConnection.open(port: running.port) { connection in
                try await connection.send(
                    "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
                let proceed = try await connection.read(until: "\r\n\r\n")
                #expect(proceed == "HTTP/1.1 100 Continue\r\n\r\n")
                connection.forget()
                try await connection.send("hello")
                let answer = try await connection.read(until: "hello")
                #expect(answer.hasPrefix("HTTP/1.1 200"))
            }
        }
    }

    @Test func gracefulShutdownFinishesWhatIsInFlight() async throws {
        let routes = FakeRoutes()
        try await withHTTPDoor(routes: [routes]) { running in
            try await RawConnection.open(port: running.port) { connection in
                try await connection.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
                await routes.reached.wait()
                await running.door.shutDown()
                // A new connection is refused while the old request is still being answered.
                try await eventually {
                    do {
                        _ = try await RawConnection.exchange(
                            port: running.port, "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
                        return false
                    } catch is NIOConnectionError {
                        return true
                    } catch {
                        // Accepted by the kernel before the listener closed, and closed with it: not refused yet.
                        return false
                    }
                }
                routes.gate.raise()
                #expect(try await connection.readToEnd().hasSuffix("slow"))
            }
        }
    }

    @Test func takenPortIsAnError() async throws {
        try await withHTTPDoor { running in
            var configuration = HTTPDoor.Configuration()
            configuration.port = running.port
            let second = HTTPDoor(
                configuration: configuration, routes: [], metrics: MetricsRegistry(),
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: testLogger)
            let error = await #expect(throws: DoorError.self) { try await second.run() }
            #expect(error?.code == .address)
            #expect(error?.description.contains(String(running.port)) == true)
            await #expect(throws: DoorError.self) { try await second.listening.address() }
        }
    }

    @Test func requestsAreCounted() async throws {
        try await withHTTPDoor(routes: [FakeRoutes()]) { running in
            _ = try await running.get("/plain")
            _ = try await running.get("/nothing")
            _ = try await RawConnection.exchange(port: running.port, "nonsense\r\n\r\n")
            let text = String(buffer: running.metrics.render())
            #expect(text.contains("millrace_http_requests_total{method=\"GET\",status=\"200\"} 1\n"))
            #expect(text.contains("millrace_http_requests_total{method=\"GET\",status=\"404\"} 1\n"))
            #expect(text.contains("millrace_http_refused_total{status=\"400\"} 1\n"))
            #expect(text.contains("millrace_http_request_seconds_count 2\n"))
        }
    }
}
