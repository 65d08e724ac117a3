import Dispatch
import Foundation
import Logging
import ServiceLifecycle

/// Runs a command's work until it ends or a signal asks it to.
///
/// The first SIGTERM or SIGINT drains: components see a graceful shutdown and finish what is in flight, for `drainTimeout`
/// at most. A second one, or the timeout, cancels: abrupt, and still safe (what was acknowledged is durable).
struct Shutdown: Sendable {
    var logger: Logger

    func run(drainTimeout: Duration, _ work: @escaping @Sendable () async throws -> Void) async throws {
        var configuration = ServiceGroupConfiguration(
            services: [
                .init(
                    service: Work(work: work), successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .cancelGroup)
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = drainTimeout
        // A second signal: the service group has taken its signals out of the default disposition, so they are counted here.
        let secondSignal = SecondSignal()
        defer { secondSignal.cancel() }
        try await ServiceGroup(configuration: configuration).run()
    }

    private struct Work: Service {
        var work: @Sendable () async throws -> Void
        func run() async throws { try await work() }
    }
}

/// Ends the process with status 130 at the second SIGTERM or SIGINT: the operator insists.
private final class SecondSignal: Sendable {
    private let sources: [any DispatchSourceSignal]

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

    /// Touched on the signal queue only.
    private final class Received: @unchecked Sendable {
        var count = 0
    }
}
