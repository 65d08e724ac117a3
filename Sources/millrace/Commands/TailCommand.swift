import ArgumentParser
import ChangeEvents
import Foundation
import Logging
import NIOCore
import Synchronization
import Upstream

/// `millrace tail TOPIC`: what happens on a topic of an org, as JSON lines.
struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Prints the events of a topic as JSON lines.",
        discussion: """
            Subscribes directly to the org's Pub/Sub API, so each event printed counts against the org's daily delivery \
            allocation. One line per event:
              {"topic":"…","replayId":"1042","eventId":"…","schema":"…","payload":{…}}

            Resume with the replay id of the last line (--replay 1042). \
            Ends after --count events, at the end of what is retained with --exit, or with Ctrl-C.

            Examples:
              millrace tail /data/ChangeEvents --config millrace.yaml
              millrace tail /data/CaseChangeEvent --replay earliest --exit \\
                --connection ./org/connection.json | jq .payload.Status
            """
    )

    @Argument(help: "/data/ChangeEvents, /data/CaseChangeEvent, /event/Low_Ink__e, …")
    var topic: String

    @Option(help: ArgumentHelp("Take the org from a gateway's configuration.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("Take the org from a sandbox's connection.json.", valueName: "file"))
    var connection: String?

    @Option(
        help:
            "Where to begin: latest (only new events), earliest (all that is retained), or a replay id (events after it)."
    )
    var replay: ReplayStart = .latest

    @Option(help: "End after this many events.")
    var count: Int?

    @Flag(help: "End when everything retained has been printed: when nothing more has come for three seconds.")
    var exit = false

    @OptionGroup var logOptions: LogOptions

    enum ReplayStart: ExpressibleByArgument {
        case latest
        case earliest
        case after(ReplayID)

        init?(argument: String) {
            switch argument {
            case "latest", "-1": self = .latest
            case "earliest", "-2": self = .earliest
            default:
                guard let id = ReplayID(argument) else { return nil }
                self = .after(id)
            }
        }

        var defaultValueDescription: String { "latest" }

        var start: PubSubClient.Start {
            switch self {
            case .latest: .latest
            case .earliest: .earliest
            case .after(let id): .after(id)
            }
        }
    }

    func validate() throws {
        guard (config == nil) != (connection == nil) else {
            throw ValidationError(
                "Say which org: --connection DIR/connection.json (a sandbox), or --config FILE (a gateway's).")
        }
        if let count, count < 1 { throw ValidationError("--count is \(count); it is at least 1.") }
    }

    func run() async throws {
        let logger = logOptions.makeLogger()
        let org = try orgConnection()
        let printer = EventPrinter(topic: topic, countMax: count)
        let tail = Component.cancelled("tail") {
            do {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await PubSubClient.withClient(of: org, logger: logger) { client in
                            try await client.subscribe(to: topic, from: replay.start) { events, schemas, _ in
                                try printer.print(events, schemas: schemas)
                            }
                        }
                    }
                    if exit { group.addTask { try await printer.waitUntilQuiet() } }
                    defer { group.cancelAll() }
                    try await group.next()
                }
            } catch is EventPrinter.Done {
                return
            }
        }
        do {
            try await Shutdown.run([tail], drainTimeout: .seconds(2), logger: logger)
        } catch let error as UpstreamError {
            Console.printError("millrace tail: \(error)")
            throw ExitCode(ExitStatus.unavailable)
        }
    }

    private func orgConnection() throws -> OrgConnection {
        if let config { return OrgConnection(try ConfigurationFile.load(config).org) }
        return try OrgConnection(fromFile: connection ?? "")
    }
}

/// Prints events and knows when it is enough. Called by one stream, in order.
final class EventPrinter: Sendable {
    /// Thrown when nothing more is to be printed.
    struct Done: Error {}

    private let topic: String
    private let countMax: Int?
    private let printed = Mutex((count: 0, last: ContinuousClock.now))

    /// The Pub/Sub API does not mark the end of what is retained: its silence tells.
    static let quietTimeout = Duration.seconds(3)
    /// Before the first event there is the login and the connecting.
    static let firstEventTimeout = Duration.seconds(15)
    private static let quietCheckInterval = Duration.milliseconds(200)

    init(topic: String, countMax: Int?) {
        self.topic = topic
        self.countMax = countMax
    }

    /// Throws `Done` when nothing has been printed for a while.
    func waitUntilQuiet() async throws {
        while true {
            try await Task.sleep(for: Self.quietCheckInterval)
            let (count, last) = printed.withLock { $0 }
            if last.duration(to: .now) > (count == 0 ? Self.firstEventTimeout : Self.quietTimeout) { throw Done() }
        }
    }

    /// - Parameter events: none: a keepalive.
    func print(_ events: [ReceivedEvent], schemas: [SchemaID: EventSchema]) throws {
        for event in events {
            FileHandle.standardOutput.write(Data(try line(event, schema: schemas[event.schemaID]).readableBytesView))
            let count = printed.withLock { printed in
                printed = (printed.count + 1, .now)
                return printed.count
            }
            if count == countMax { throw Done() }
        }
    }

    /// One JSON object and a line break.
    func line(_ event: ReceivedEvent, schema: EventSchema?) throws -> ByteBuffer {
        var buffer = ByteBuffer()
        for (start, text) in [
            (#"{"topic":"#, topic), (#","replayId":"#, "\(event.replayID)"), (#","eventId":"#, event.eventID),
            (#","schema":"#, "\(event.schemaID)"),
        ] {
            buffer.writeString(start)
            buffer.writeJSON(string: text)
        }
        if let schema {
            buffer.writeString(#","payload":"#)
            try schema.writeJSON(event.payload, mask: .all, into: &buffer)
        }
        buffer.writeString("}\n")
        return buffer
    }
}
