import Logging
import Sandbox
import ServiceLifecycle
import TestSupport

@testable import millrace

/// A sandbox with its sample data, its doors open on free ports.
enum RunningOrg {
    static let logger = Logger(label: "org.tests") { _ in SwiftLogNoOpLogHandler() }

    /// Runs one for as long as `body` takes.
    static func with(
        _ configure: (inout Sandbox.Configuration) -> Void = { _ in },
        _ body: @escaping @Sendable (Connection) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        var configuration = Sandbox.Configuration()
        configuration.isDurable = false
        configure(&configuration)
        let server = try await OrgServer(
            directory: directory.path, addresses: OrgServer.Addresses(), corsOrigins: [], sandbox: configuration,
            logger: logger)
        let (stream, started) = AsyncStream.makeStream(of: Connection.self, bufferingPolicy: .bufferingNewest(1))
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: server.components { started.yield($0) }.map { .init(service: $0) }, logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask {
                var connections = stream.makeAsyncIterator()
                guard let connection = await connections.next() else { throw CancellationError() }
                do {
                    try await body(connection)
                } catch {
                    await group.triggerGracefulShutdown()
                    throw error
                }
                await group.triggerGracefulShutdown()
            }
            try await tasks.waitForAll()
        }
        withExtendedLifetime(directory) {}
    }
}
