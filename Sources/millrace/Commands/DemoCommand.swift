import ArgumentParser
import Foundation

/// `millrace demo`: an org, the gateway and a page, in one process on loopback.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "The whole way on this machine: an org, the gateway, and a page where cases change live.",
        discussion: """
            Starts a sandbox org (the car maker Electric Motors), the gateway with one subscription to it, and a page: three \
            customers side by side, each seeing only their own cases, and an agent's desk that changes them through the \
            org's REST API. The gateway logs in with OAuth and subscribes with gRPC over TLS, as it would to a real org.

            The address of the page is printed, and written with everything a script needs to DIR/demo.json: page_url, \
            push_url, events_url, connection, customers (name, contact id, token). Data survives a restart; delete DIR to \
            begin anew.

            Example:
              millrace demo --port 8080
            """
    )

    @Option(help: "Port of the page; 0 chooses a free one.")
    var port: Int = 8080

    @Option(help: ArgumentHelp("Directory for the org and the gateway.", valueName: "dir"))
    var data: String = "demo-data"

    @OptionGroup var logOptions: LogOptions

    func validate() throws {
        guard (0...65_535).contains(port) else {
            throw ValidationError("--port is \(port); a port is between 0 (choose a free one) and 65535.")
        }
    }

    func run() async throws {
        let logger = logOptions.makeLogger()
        let demo = try await Demo(directory: data, port: port, logger: logger)
        try await Shutdown.run(demo.components, drainTimeout: .seconds(15), logger: logger)
    }
}
