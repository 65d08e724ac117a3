import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import Doors

/// Fails instead of hanging: what a test waits for comes within seconds, on a busy machine within tens of them, or not at
/// all. Shorter than what the doors do by their own clocks, at the least a minute, so that no test passes by those.
func withDeadline<Answer: Sendable>(
    _ limit: Duration = .seconds(45), _ body: @escaping @Sendable () async throws -> Answer
) async throws -> Answer {
    try await withThrowingTaskGroup(of: Answer.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            throw DeadlinePassed()
        }
        defer { group.cancelAll() }
        guard let answer = try await group.next() else { throw DeadlinePassed() }
        return answer
    }
}

struct DeadlinePassed: Error {}

/// Polls until something holds.
func eventually(_ condition: @Sendable () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(45)
    while try await !condition() {
        guard .now < deadline else { throw DeadlinePassed() }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// A quiet logger.
let testLogger = {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
}()

/// Where a door under test listens.
struct RunningDoor: Sendable {
    let door: HTTPDoor
    let port: Int
    let metrics: MetricsRegistry

    var url: String { "http://127.0.0.1:\(port)" }

    func get(_ path: String, headers: [(String, String)] = []) async throws -> TestResponse {
        try await send("GET", path, headers: headers)
    }

    func send(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: String? = nil
    ) async throws -> TestResponse {
        var request = HTTPClientRequest(url: url + path)
        request.method = .init(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        return try await TestResponse(HTTPClient.shared.execute(request, timeout: .seconds(45)))
    }
}

struct TestResponse: Sendable {
    let status: Int
    let headers: [(String, String)]
    let body: String

    init(_ response: HTTPClientResponse) async throws {
        status = Int(response.status.code)
        headers = response.headers.map { ($0.name, $0.value) }
        body = String(buffer: try await response.body.collect(upTo: 16 << 20))
    }

    func header(_ name: String) -> String? {
        headers.first { $0.0.lowercased() == name.lowercased() }?.1
    }
}

/// Opens an HTTP door on a free port for the time of a test and shuts it gracefully.
func withHTTPDoor<Answer: Sendable>(
    _ configuration: HTTPDoor.Configuration = .init(), routes: [any HTTPRoutes] = [],
    takeovers: [any ConnectionTakeover] = [], _ body: @escaping @Sendable (RunningDoor) async throws -> Answer
) async throws -> Answer {
    let metrics = MetricsRegistry()
    let door = HTTPDoor(
        configuration: configuration, routes: routes, takeovers: takeovers, metrics: metrics,
        eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: testLogger)
    return try await withDeadline(.seconds(90)) {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await door.run() }
            let address = try await door.listening.address()
            let port = try #require(address.port)
            let answer = try await body(RunningDoor(door: door, port: port, metrics: metrics))
            await door.shutDown()
            try await group.waitForAll()
            return answer
        }
    }
}
