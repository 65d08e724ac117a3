import Doors
import Foundation
import Logging
import NIOPosix
import Sandbox

/// An org without a synchronised disk behind its REST door, for `scripts/bench-rest` to measure.
///
/// Arguments: RECORDS [THREADS]. Makes that many accounts, prints `PORT n`, `TOKEN t` and `IDS a,b,…`, then for each line on
/// standard input the processor time so far and the head of the org's event log, as JSON; ends with the input.
func runRESTBenchmark(arguments: [String]) async throws {
    guard let records = arguments.first.flatMap({ Int($0) }), records > 0 else { throw UsageError() }
    let threads = arguments.dropFirst().first.flatMap { Int($0) } ?? 1
    let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
    var configuration = Sandbox.Configuration()
    configuration.isDurable = false
    configuration.loadsSampleData = false
    configuration.apiCallsMax = .max
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("bench-rest-\(UUID().uuidString)")
        .path
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let sandbox = try await Sandbox(directory: directory, configuration: configuration, logger: logger)
    let session = try await sandbox.openSession(username: sandbox.usernames[0])
    let context = CallContext(session: session, apiVersion: "66.0", clientName: "bench")
    var ids: [String] = []
    for number in 0..<records {
        let fields = [JSONValue.Member(name: "Name", value: .string("Account \(number)"))]
        ids.append(try await sandbox.create(object: "Account", fields: fields, context: context))
    }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
    let door = HTTPDoor(
        configuration: .init(host: "127.0.0.1", port: 0), routes: [RESTDoor(org: sandbox)],
        metrics: MetricsRegistry(), eventLoopGroup: group, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await door.run() }
        tasks.addTask { try await sandbox.run() }
        let port = try await door.listening.address().port ?? 0
        write("PORT \(port)\nTOKEN \(session.accessToken)\nIDS \(ids.joined(separator: ","))")
        // Waiting for a line holds a thread of the pool; the door has its own, and the store too.
        while readLine() != nil {
            let events = try await sandbox.twin.store.read { try $0.head().rawValue }
            write(#"{"processor_seconds": \#(processorSeconds()), "events": \#(events)}"#)
        }
        tasks.cancelAll()
        do {
            try await tasks.waitForAll()
        } catch is CancellationError {
            // What was asked for.
        }
    }
    try await group.shutdownGracefully()
}

private func write(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
}
