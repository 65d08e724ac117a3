import Dispatch
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

/// A part of the program with a life of its own, as the service group sees it: `run` until `stop` is called (graceful) or
/// the task is cancelled (abrupt).
struct Component: Service {
    let name: String
    private let body: @Sendable () async throws -> Void
    private let stop: @Sendable () -> Void

    /// - Parameter stop: begins the graceful end and returns at once; `run` then finishes what is in flight and returns. Not
    ///   needed by what follows the service group by itself.
    init(_ name: String, run: @escaping @Sendable () async throws -> Void, stop: @escaping @Sendable () -> Void = {}) {
        self.name = name
        self.body = run
        self.stop = stop
    }

    /// A component that has nothing to finish: the graceful end cancels it.
    static func cancelled(_ name: String, run: @escaping @Sendable () async throws -> Void) -> Component {
        Component(name) {
            do {
                try await cancelWhenGracefulShutdown { try await run() }
            } catch is CancellationError where Task.isShuttingDownGracefully {
                return
            }
        }
    }

    /// Something to do when everything that was started after it has ended.
    static func atEnd(_ name: String, _ body: @escaping @Sendable () async throws -> Void) -> Component {
        Component(name) {
            // Cancelled: the end has come as well.
            try? await gracefulShutdown()
            try await body()
        }
    }

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await body()
        } onGracefulShutdown: {
            stop()
        }
    }
}

/// Runs a command's components until a signal asks them to stop.
///
/// The first SIGTERM or SIGINT drains: components stop gracefully, the last one first, for `drainTimeout` at most; then they
/// are cancelled, which is abrupt and still safe (what was acknowledged is durable). A second signal ends the process at once.
enum Shutdown {
    static func run(_ components: [Component], drainTimeout: Duration, logger: Logger) async throws {
        var configuration = ServiceGroupConfiguration(
            services: components.map {
                .init(
                    service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup)
            },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = drainTimeout
        let secondSignal = SecondSignal()
        defer { secondSignal.cancel() }
        try await ServiceGroup(configuration: configuration).run()
    }
}

/// Ends the process with status 130 at the second SIGTERM or SIGINT: the operator insists.
private final class SecondSignal: Sendable {
    /// Set up once, cancelled once; a dispatch source may be cancelled from any thread.
    nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

    init() {
        let queue = DispatchQueue(label: "millrace.signals")
        let received = Received()
        sources = [SIGTERM, SIGINT].map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                received.count += 1
                if received.count > 1 { _exit(130) }
            }
            source.resume()
            return source
        }
    }

    func cancel() {
        for source in sources { source.cancel() }
    }

    /// Touched on the signal queue only, which is serial.
    private final class Received: @unchecked Sendable {
        var count = 0
    }
}
