import ArgumentParser
import Foundation
import Logging
import NIOCore
import Sandbox
import Synchronization
import Upstream

/// `millrace bench URL`: many connections to a gateway, and what becomes of the events on them.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Loads a gateway with connections and tells what they got, how fast, and what went wrong.",
        discussion: """
            Opens WebSocket connections to a gateway's /push, each with a token and its subscriptions, and measures for \
            --duration, beginning when all stand. What changes meanwhile in the org is what is measured: on a quiet one, \
            --publish makes changes itself, in cases of its own. See docs/bench.md.

            Every connection needs a token. With the key of the gateway (--config, --secret-file, --key-file) each gets one \
            of its own, for subject bench-1, bench-2, …, which may listen to the channels unless --allow says otherwise. \
            Tokens that are given (--token, --token-file) are used in turns; a gateway bounds the connections of a subject \
            (push.connections_per_subject_max).

            What is told:
              latency       from the commit in the org (commitTimestamp) to the arrival here. The
                            clocks of both must agree: with latencies below zero they do not.
                            Salesforce gives whole seconds, which makes it up to one too long
              change        with --publish: from the beginning of the change's call to the event's
                            first and last arrival, all by this machine's clock
              spread        from the first arrival of an event on any connection to its last
              lost          an event that others with the same channel, condition and rights got
                            while this one was subscribed, and that is not there --settle after
                            the end. What the server declares as a gap is counted apart.
              duplicate     the same replay id and record twice on one connection and channel
              out of order  a replay id below one that came before on the connection and channel
            A connection that ends is reported with its code and not opened again.

            Ends with status 0; 1 when something was lost, duplicate or out of order; 69 when nothing was, but a connection \
            failed or ended; 64 for wrong arguments. Ctrl-C ends early, with the figures so far.

            Examples:
              millrace bench ws://127.0.0.1:8080/push --config millrace.yaml --connections 5000 --publish 20/s
              millrace bench wss://events.example.com/push --token-file tokens.txt --channel /data/CaseChangeEvent \\
                --where "Status != 'Closed'" --where "Priority = 'High'" --json
            """
    )

    @Argument(help: "The gateway's WebSocket door: ws://127.0.0.1:8080/push, wss://events.example.com/push.")
    var url: String

    @Option(help: "How many connections.")
    var connections: Int = 100

    @Option(
        help: ArgumentHelp(
            "How many connections are begun in so much time: 500/s (default), 90/min.", valueName: "rate"),
        transform: BenchCommand.rate)
    var connectRate: TrafficRate?

    @Option(
        help: ArgumentHelp("How long to measure: 60s (default), 500ms, 10m.", valueName: "duration"),
        transform: BenchCommand.duration)
    var duration = Duration.seconds(60)

    @Option(
        help: ArgumentHelp(
            "What every connection subscribes to; repeat for more. Without any: \(Self.channelDefault).",
            valueName: "channel"))
    var channel: [String] = []

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp(
            "The condition of a connection's subscriptions; of several, each connection has one, in turns. {n} in it is "
                + "replaced by the connection's number, from 1.", valueName: "condition"))
    var condition: [String] = []

    @Option(help: "What events hold: changes (what Salesforce sent) or record (the whole record).")
    var form: Form = .changes

    enum Form: String, ExpressibleByArgument, CaseIterable {
        case changes
        case record
    }

    @Option(help: "A token to connect with; repeat for more.")
    var token: [String] = []

    @Option(help: ArgumentHelp("File with tokens, one on each line.", valueName: "file"))
    var tokenFile: String?

    @OptionGroup(title: "Tokens that it signs itself") var signing: TokenSigningOptions

    @Option(help: "Begins the subject of each token that is signed; the connection's number follows.")
    var subject: String = "bench"

    @Option(
        help: ArgumentHelp(
            "The allow list of tokens that are signed, as JSON; {n} as in --where. Without it: the channels.",
            valueName: "json"))
    var allow: String?

    @Option(
        help: ArgumentHelp(
            "Make so many changes in so much time (20/s) in the org, in cases that are created and deleted again. The org is "
                + "that of --connection, of --org, or of --config.", valueName: "rate"), transform: BenchCommand.rate)
    var publish: TrafficRate?

    @Option(
        help: ArgumentHelp(
            "Fields of those cases as a JSON object, so that conditions find them.", valueName: "json"))
    var publishFields: String?

    @Option(help: ArgumentHelp("Take the org from a sandbox's connection.json.", valueName: "file"))
    var connection: String?

    @Option(
        help: ArgumentHelp("The org's instance URL, with --session-env.", valueName: "url"))
    var org: String?

    @Option(help: ArgumentHelp("Environment variable with an access token of the org.", valueName: "name"))
    var sessionEnv: String?

    @Option(help: "Threads that hold the connections. One is enough for tens of thousands that are mostly at rest.")
    var threads: Int = 1

    @Option(
        help: ArgumentHelp(
            "An address of this machine to connect from; of several, in turns. One has some 28,000 ports for one target.",
            valueName: "address"))
    var source: [String] = []

    @Option(help: ArgumentHelp("Certificates (PEM) to trust with wss:// instead of the system's.", valueName: "file"))
    var caFile: String?

    @Option(
        help: ArgumentHelp(
            "How long a connection may take from its beginning to its subscriptions: 15s (default).",
            valueName: "duration"),
        transform: BenchCommand.duration)
    var connectTimeout = Duration.seconds(15)

    @Option(
        help: ArgumentHelp(
            "How long after the end an event may take to the last connection before it is lost: 10s (default).",
            valueName: "duration"),
        transform: BenchCommand.duration)
    var settle = Duration.seconds(10)

    @Flag(help: "Print one JSON object instead of the table.")
    var json = false

    @Flag(help: "Show no progress (there is none where standard error is no terminal).")
    var noProgress = false

    static let channelDefault = "/data/ChangeEvents"
    static let connectionsMax = 1_000_000
    static let threadsMax = 256
    /// What a gateway takes on one machine beside its other work.
    static let connectsPerSecondDefault = 500.0

    func validate() throws {
        guard (1...Self.connectionsMax).contains(connections) else {
            throw ValidationError("--connections is \(connections); it is between 1 and \(Self.connectionsMax).")
        }
        guard (1...Self.threadsMax).contains(threads) else {
            throw ValidationError("--threads is \(threads); it is between 1 and \(Self.threadsMax).")
        }
        guard Set(channel).count == channel.count else { throw ValidationError("A --channel is named twice.") }
        for address in source where (try? SocketAddress(ipAddress: address, port: 0)) == nil {
            throw ValidationError("--source is \(address); it is an address in numbers, such as 10.0.0.5.")
        }
        if caFile != nil, !url.lowercased().hasPrefix("wss://") {
            throw ValidationError("--ca-file is for wss:// addresses.")
        }
        if publish == nil, connection != nil || org != nil || publishFields != nil {
            throw ValidationError("--connection, --org and --publish-fields belong to --publish.")
        }
        guard connection == nil || org == nil else { throw ValidationError("Give --connection or --org, not both.") }
        guard (org == nil) == (sessionEnv == nil) else {
            throw ValidationError("--org and --session-env belong together.")
        }
        if publish != nil, connection == nil, org == nil, signing.config == nil {
            throw ValidationError(
                "Say in which org to publish: --connection DIR/connection.json (a sandbox), --config FILE (a gateway's), or "
                    + "--org with --session-env.")
        }
        if allow != nil, !token.isEmpty || tokenFile != nil {
            throw ValidationError("--allow is for tokens that are signed here; those that are given have theirs.")
        }
    }

    func run() async throws {
        let settings = try settings()
        let progress = noProgress ? nil : ProgressLine.onTerminal()
        var logger = Logger(label: "millrace") { label in StreamLogHandler.standardError(label: label) }
        logger.logLevel = .error
        let result = Mutex<BenchReport?>(nil)
        do {
            try await BenchOrg.withPublisher(try publishing()) { publisher in
                let bench = BenchRun(settings, publisher: publisher, progress: progress)
                let component = Component("bench") {
                    let report = BenchReport(try await bench.run(), url: url)
                    result.withLock { $0 = report }
                } stop: {
                    bench.interrupt()
                }
                try await Shutdown.run([component], drainTimeout: settings.settleTimeout + .seconds(60), logger: logger)
            }
        } catch let error as UpstreamError {
            throw Self.unavailable("\(error)")
        } catch let error as Publisher.Failure {
            throw Self.unavailable("\(error)")
        }
        guard let report = result.withLock({ $0 }) else { throw ExitCode(ExitStatus.unavailable) }
        Console.print(json ? report.json : report.text)
        if report.exitStatus != 0 { throw ExitCode(report.exitStatus) }
    }

    static func unavailable(_ message: String) -> ExitCode {
        Console.printError("millrace bench: \(message)")
        return ExitCode(ExitStatus.unavailable)
    }

    private static func rate(_ text: String) throws -> TrafficRate {
        guard let rate = TrafficRate(text) else {
            throw ValidationError("\(text) is no rate such as 50/s, 90/min or 2000/h.")
        }
        return rate
    }

    private static func duration(_ text: String) throws -> Duration {
        guard let duration = DurationText.duration(text), duration > .zero, duration <= .seconds(30 * 86_400) else {
            throw ValidationError("\(text) is no duration such as 500ms, 60s or 10m (30d at most).")
        }
        return duration
    }
}
