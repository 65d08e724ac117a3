import ArgumentParser
import CrashPoints
import Doors
import Foundation
import Logging
import ServiceLifecycle

/// `millrace run`: the gateway, until SIGTERM.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "The gateway: subscribes to an org once and serves every listener.",
        discussion: """
            Reads one YAML file, checks all of it, and lists every mistake with its line before anything starts. Keys:
            docs/configuration.md. Secrets come from files or environment variables, never from the YAML itself.

            On the HTTP port (listen.port): /push (WebSocket), /events (Server-Sent Events), /health, /ready, /metrics.

            SIGTERM drains: clients are told to come back later, what is in flight is finished. A second SIGTERM ends at \
            once; nothing that was acknowledged is lost either way.

            Examples:
              millrace run --config millrace.yaml
              millrace run --config millrace.yaml --check      only check the file
            """
    )

    @Option(help: ArgumentHelp("The configuration file.", valueName: "file"))
    var config: String

    @Flag(help: "Check the configuration, say what is wrong, and end.")
    var check = false

    func run() async throws {
        let configuration = try ConfigurationFile.load(config)
        let settings = try Bridge.Settings(configuration)
            .hastened(by: try Haste(environment: ProcessInfo.processInfo.environment))
        if let complaint = ArmedCrash.complaint() { throw ValidationError(complaint) }
        if check {
            Console.print("\(config): no mistakes")
            return
        }
        let logger = ConfigurationFile.makeLogger(configuration.log)
        let bridge = try await Bridge(settings, logger: logger)
        let announce = Component("announce") {
            let authority = try await bridge.authority()
            Console.print(
                "Millrace listens on \(settings.http.tls == nil ? "http" : "https")://\(authority) (/push, /events, /cometd, /health, /ready, /metrics)."
            )
            if let pubSub = try await bridge.pubSubAuthority() {
                Console.print("The Pub/Sub API is served on \(pubSub).")
            }
            try? await gracefulShutdown()
        }
        try await Shutdown.run(
            bridge.components + [announce, bridge.lameDuck(configuration.lameDuck)],
            drainTimeout: configuration.lameDuck + configuration.drainTimeout + .seconds(5), logger: logger)
    }
}
