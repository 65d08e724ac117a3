import NIOCore
import Synchronization
import Testing
import Waiting

@testable import Doors

/// Connections that leave the HTTP door, over real sockets.
@Suite struct ConnectionTakeoverTests {
    private static let request = "GET /push?resume=1 HTTP/1.1\r\nHost: x\r\nX-One: 1\r\nx-one: 2\r\n\r\n"
    private static let upgrade =
        "GET /push HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

    @Test func firstRequestIsTaken() async throws {
        let taker = FakeTaker()
        try await withHTTPDoor(routes: [FakeRoutes()], takeovers: [taker]) { running in
            let answer = try await RawConnection.exchange(port: running.port, Self.request)
            #expect(answer == "HTTP/1.1 200 Taken\r\nContent-Length: 6\r\n\r\ntaken:")
        }
        let taken = taker.taken.withLock { $0 }
        let only = try #require(taken.first)
        #expect(taken.count == 1)
        #expect(only.request.method == "GET")
        #expect(only.request.uri == "/push?resume=1")
        #expect(only.request.path == "/push")
        #expect(only.request.headers.map(\.name) == ["Host", "X-One", "x-one"])
        #expect(only.request.values(of: "x-ONE") == ["1", "2"])
        #expect(only.address?.ipAddress == "127.0.0.1")
    }

    @Test func bytesBehindAnUpgradeAreHandedAlong() async throws {
        let taker = FakeTaker()
        try await withHTTPDoor(takeovers: [taker]) { running in
            let answer = try await RawConnection.exchange(port: running.port, Self.upgrade + "\u{1}frame\u{2}")
            #expect(answer.hasSuffix("taken:\u{1}frame\u{2}"))
        }
    }

    @Test func laterRequestOnAKeptConnectionIsTaken() async throws {
        let taker = FakeTaker()
        try await withHTTPDoor(routes: [FakeRoutes()], takeovers: [taker]) { running in
            try await RawConnection.open(port: running.port) { connection in
                for _ in 0..<3 {
                    try await connection.send("GET /plain HTTP/1.1\r\nHost: x\r\n\r\n")
                    _ = try await connection.read(until: "plain")
                    connection.forget()
                }
                try await connection.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
                _ = try await connection.read(until: "hello")
                connection.forget()
                try await connection.send(Self.upgrade)
                let answer = try await connection.readToEnd()
                #expect(answer.hasPrefix("HTTP/1.1 200 Taken"))
            }
        }
        #expect(taker.taken.withLock { $0.count } == 1)
    }

    /// The taker writes to the descriptor itself: if it came before the earlier responses were out, they would be lost.
    @Test func pipelinedTakeoverWaitsForEarlierResponses() async throws {
        let taker = FakeTaker()
        let routes = FakeRoutes()
        try await withHTTPDoor(routes: [routes], takeovers: [taker]) { running in
            try await RawConnection.open(port: running.port) { connection in
                try await connection.send(
                    "GET /plain HTTP/1.1\r\nHost: x\r\n\r\nGET /slow HTTP/1.1\r\nHost: x\r\n\r\n" + Self.upgrade
                        + "leftover")
                _ = try await connection.read(until: "plain")
                await routes.reached.wait()
                #expect(taker.taken.withLock { $0.isEmpty })
                routes.gate.raise()
                let answer = try await connection.readToEnd()
                let slow = try #require(answer.firstRange(of: "slow"))
                let taken = try #require(answer.firstRange(of: "HTTP/1.1 200 Taken"))
                #expect(slow.upperBound <= taken.lowerBound)
                #expect(answer.hasSuffix("taken:leftover"))
            }
        }
    }

    @Test func largeResponseIsOutBeforeTheTakeover() async throws {
        let taker = FakeTaker()
        try await withHTTPDoor(routes: [FakeRoutes()], takeovers: [taker]) { running in
            let body = String(repeating: "x", count: 4 << 20)
            let answer = try await RawConnection.exchange(
                port: running.port,
                "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)" + Self.request)
            #expect(answer.utf8.count(where: { $0 == UInt8(ascii: "x") }) >= body.utf8.count)
            #expect(answer.hasSuffix("taken:"))
        }
    }

    @Test func requestWithABodyIsNotTaken() async throws {
        let taker = FakeTaker()
        try await withHTTPDoor(takeovers: [taker]) { running in
            let answer = try await RawConnection.exchange(
                port: running.port, "GET /push HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            #expect(answer.hasPrefix("HTTP/1.1 400"))
        }
        #expect(taker.taken.withLock { $0.isEmpty })
    }

    @Test func otherPathsStayWithTheRoutes() async throws {
        let taker = FakeTaker()
        try await withHTTPDoor(routes: [FakeRoutes()], takeovers: [taker]) { running in
            let plain = try await running.get("/plain")
            #expect(plain.body == "plain")
            let wrongMethod = try await running.send("POST", "/push")
            #expect(wrongMethod.status == 404)
        }
        #expect(taker.taken.withLock { $0.isEmpty })
    }

    @Test func manyConnectionsAreTaken() async throws {
        let taker = FakeTaker()
        try await withHTTPDoor(takeovers: [taker]) { running in
            try await withThrowingTaskGroup(of: String.self) { group in
                for number in 0..<100 {
                    group.addTask { try await RawConnection.exchange(port: running.port, Self.upgrade + "\(number)") }
                }
                var answers: Set<String> = []
                for try await answer in group { answers.insert(answer) }
                #expect(answers.count == 100)
            }
            try await eventually { running.metrics.gauge("millrace_http_connections", help: "").value == 0 }
        }
        #expect(Set(taker.taken.withLock { $0.map(\.leftover) }) == Set((0..<100).map(String.init)))
    }
}
