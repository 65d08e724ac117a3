import ArgumentParser
import Doors
import Logging
import Sandbox

/// `millrace sandbox`: an org on this machine, until SIGTERM.
struct SandboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox",
        abstract: "An org on your laptop: Salesforce's own protocols, with sample data, on loopback.",
        discussion: """
            Speaks OAuth 2.0, SOAP login, the REST API with SOQL, Bulk API 2.0 and 1.0, CometD and the Pub/Sub API \
            (gRPC), plain and with TLS. All data lives in one directory and survives a restart (delete the directory \
            for a new org), or in memory (--memory).

            Addresses, user and key file are printed; DIR/connection.json has them for programs, with password, security \
            token and client secret. TLS certificates come \
            from a development certificate authority made at first start: trust DIR/tls/ca.pem in your client.

            The page at its root shows objects, records, live events, limits and faults. Faults, the org's clock and \
            the truth about its records are for scripts too: /sandbox/faults, /sandbox/clock, /sandbox/truth.

            Examples:
              millrace sandbox --data ./org
              millrace sandbox --memory --traffic 50/s --seed 7
              millrace sandbox --data ./large --rows 1000000
              curl http://127.0.0.1:8180/sandbox/faults -d '{"kind": "unavailable", "path": "/services/data/**", "times": 3}'
              millrace tail /data/CaseChangeEvent --connection ./org/connection.json
            """
    )

    @Option(
        help: ArgumentHelp("Directory of the org: database, keys, certificates, connection.json.", valueName: "dir"))
    var data: String = "millrace-sandbox"

    @Option(
        help: ArgumentHelp(
            "YAML file with custom objects, custom fields and platform events; see docs/sandbox/objects.md.",
            valueName: "file"))
    var schema: String?

    @Option(
        help: ArgumentHelp(
            "What the org may use before it is refused, of events and API calls: \(Self.editions). See "
                + "docs/sandbox/events.md.", valueName: "edition"), transform: SandboxCommand.edition)
    var edition = OrgEdition.unlimited

    @Option(
        help: ArgumentHelp(
            "API calls in 24 hours before the org refuses more, instead of the edition's number.", valueName: "number"))
    var apiCalls: Int?

    @Option(
        help: ArgumentHelp(
            "Seconds of silence after which a Subscribe stream gets a keepalive, 1 to \(Self.keepaliveMax).",
            valueName: "seconds"))
    var keepalive: Int = Int(PubSubDoor.Configuration.keepaliveIntervalDefault.components.seconds)

    @Flag(help: "Accounts may be people (person accounts); stays on for the org.")
    var personAccounts = false

    @Option(
        help: ArgumentHelp(
            "A field that field-level security hides from every user of the API, such as Case.VIN__c; repeat for more. See "
                + "docs/sandbox/objects.md.", valueName: "object.field"))
    var hideField: [String] = []

    @Flag(
        help: ArgumentHelp(
            "Publishes BulkApi2JobEvent as query jobs of Bulk API 2.0 go on, and lets their results be read meanwhile: a "
                + "beta that new orgs have off. See docs/sandbox/bulk.md."))
    var bulkJobEvents = false

    @Flag(help: "Keeps everything in memory: a new org each time, gone when it stops. Instead of --data.")
    var memory = false

    @OptionGroup var life: OrgLifeOptions

    @OptionGroup var addresses: OrgAddressOptions

    @OptionGroup var logins: OrgLoginOptions

    @Flag(help: "The control door (/sandbox/…) answers callers on other machines too.")
    var controlFromAnywhere = false

    @OptionGroup var logOptions: LogOptions

    func run() async throws {
        let logger = logOptions.makeLogger()
        var settings = try configuration()
        try logins.apply(to: &settings)
        // Made when nothing that was asked for is wrong: what is thrown before leaves nothing behind.
        let memory = self.memory ? try MemoryDirectory() : nil
        settings.isDurable = memory == nil
        let server = try await OrgServer(
            directory: memory?.path ?? data, addresses: addresses.addresses, corsOrigins: addresses.corsOrigin,
            isControlOpenToAll: controlFromAnywhere, keepaliveInterval: .seconds(keepalive), sandbox: settings,
            logger: logger)
        var components = server.components(life: life) { connection in Console.print(connection.summary) }
        // The first to start is the last to end: by then the org has closed its database.
        if let memory { components.insert(.atEnd("memory") { try memory.remove() }, at: 0) }
        try await Shutdown.run(components, drainTimeout: Self.drainTimeout, logger: logger)
    }

    func validate() throws {
        if let apiCalls, apiCalls < 1 { throw ValidationError("--api-calls is \(apiCalls); it is 1 or more.") }
        guard (1...Self.keepaliveMax).contains(keepalive) else {
            throw ValidationError("--keepalive is \(keepalive); it is 1 to \(Self.keepaliveMax) seconds.")
        }
    }

    private func configuration() throws -> Sandbox.Configuration {
        var configuration = Sandbox.Configuration()
        configuration.use(edition)
        if let apiCalls { configuration.apiCallsMax = apiCalls }
        configuration.hasPersonAccounts = personAccounts
        configuration.hiddenFields = hideField
        configuration.tellsBulkJobs = bulkJobEvents
        if let schema {
            configuration.schema = try ConfigurationFile.reading {
                try SchemaFile.load(path: schema, personAccounts: personAccounts)
            }
        }
        return configuration
    }

    private static let keepaliveMax = Int(PubSubDoor.Configuration.keepaliveIntervalMax.components.seconds)

    private static let editions = OrgEdition.allCases.map(\.rawValue).joined(separator: ", ")

    private static func edition(_ text: String) throws -> OrgEdition {
        guard let edition = OrgEdition(rawValue: text) else {
            throw ValidationError("\(text) is no edition: choose one of \(editions).")
        }
        return edition
    }

    /// How long a stop waits for calls in flight.
    static let drainTimeout = Duration.seconds(10)
}

/// Where an org listens.
struct OrgAddressOptions: ParsableArguments {
    @Option(help: "Address to listen on.")
    var host: String = "127.0.0.1"

    @Option(help: "Port of HTTP; 0 chooses a free one.")
    var httpPort: Int = 8180

    @Option(help: "Port of HTTPS; 0 chooses a free one.")
    var httpsPort: Int = 8443

    @Option(help: "Port of the Pub/Sub API with TLS; 0 chooses a free one.")
    var grpcPort: Int = 7443

    @Option(help: "Port of the Pub/Sub API without TLS; 0 chooses a free one.")
    var grpcPlaintextPort: Int = 7444

    @Option(
        help: ArgumentHelp(
            "An origin on the org's CORS allow-list, for pages that call the REST API; repeat for more.",
            valueName: "origin"))
    var corsOrigin: [String] = []

    var addresses: OrgServer.Addresses {
        .init(
            host: host, httpPort: httpPort, httpsPort: httpsPort, grpcPort: grpcPort,
            grpcPlaintextPort: grpcPlaintextPort)
    }

    func validate() throws {
        for (name, port) in [
            ("--http-port", httpPort), ("--https-port", httpsPort), ("--grpc-port", grpcPort),
            ("--grpc-plaintext-port", grpcPlaintextPort),
        ] where !(0...65_535).contains(port) {
            throw ValidationError("\(name) is \(port); a port is between 0 (choose a free one) and 65535.")
        }
    }
}
