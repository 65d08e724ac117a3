import ArgumentParser
import AsyncHTTPClient
import Doors
import Foundation
import NIOCore
import NIOHTTP1
import Twin

/// `millrace sync`: how the replicated objects stand, and what is to be read again.
struct SyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Replicated objects: how they stand, and reading them again.",
        discussion: """
            Speaks to the gateway that runs with the same configuration file, on its HTTP port, with the administrator's \
            secret (admin.secret_file or admin.secret_env).

            Examples:
              millrace sync status --config millrace.yaml
              millrace sync gaps --open --config millrace.yaml
              millrace sync snapshot Case --config millrace.yaml
              millrace sync snapshot Case --where "CreatedDate = LAST_N_DAYS:7" --config millrace.yaml
              millrace sync snapshot Case --field Priority --config millrace.yaml
              millrace sync reconcile --config millrace.yaml
              millrace sync reconcile Case --deep --json --config millrace.yaml
              millrace sync history Case 5003000000D8cuIAAR --config millrace.yaml
            """,
        subcommands: [
            SyncStatusCommand.self, SyncSnapshotCommand.self, SyncReconcileCommand.self, SyncGapsCommand.self,
            SyncHistoryCommand.self,
        ])
}

struct SyncStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "How the replicated objects and their snapshots stand.")

    @OptionGroup var gateway: GatewayOptions
    @Flag(help: "The whole report as JSON.")
    var json = false

    func run() async throws {
        let body = try await gateway.call(.GET, "/admin/sync")
        if json {
            Console.print(String(decoding: body, as: UTF8.self))
            return
        }
        Console.print(SyncText.text(try JSONDecoder().decode(SyncReport.self, from: body)))
    }
}

struct SyncSnapshotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot", abstract: "Reads an object's rows from the org again, while the stream goes on.")

    @Argument(help: "The object's API name: one of the configuration's objects.")
    var object: String
    @OptionGroup var gateway: GatewayOptions
    @Option(name: .customLong("where"), help: "Only rows that meet this SOQL condition.")
    var condition: String?
    @Option(name: .customLong("field"), help: "Only this field; may be repeated.")
    var fields: [String] = []
    @Flag(help: "Ask for it and return at once.")
    var noWait = false

    func run() async throws {
        let wish = SnapshotWish(object: object, where: condition, fields: fields.isEmpty ? nil : fields)
        let taken = try JSONDecoder().decode(
            SnapshotTaken.self,
            from: try await gateway.call(.POST, "/admin/sync/snapshots", body: try JSONEncoder().encode(wish)))
        if noWait {
            Console.print("snapshot \(taken.id) of \(object) is asked for")
            return
        }
        let progress = TerminalLine.onTerminal()
        while true {
            let report = try JSONDecoder().decode(
                SyncReport.self, from: try await gateway.call(.GET, "/admin/sync"))
            guard let snapshot = report.status.snapshots.first(where: { $0.id == taken.id }) else {
                throw CleanExit.message("snapshot \(taken.id) is over, and forgotten already")
            }
            progress?.show(SyncText.line(snapshot))
            if snapshot.isEnded {
                progress?.clear()
                Console.print(SyncText.line(snapshot))
                if snapshot.phase == .failed { throw ExitCode.failure }
                return
            }
            try await Task.sleep(for: .milliseconds(500))
        }
    }
}

/// Where the gateway of a configuration file is.
struct GatewayOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The gateway's configuration file.", valueName: "file"))
    var config: String
    @Option(help: ArgumentHelp("Where it listens, if not where the file says.", valueName: "url"))
    var url: String?

    /// One call to `/admin`. Throws `ValidationError` with what the gateway says, or why it cannot be reached.
    func call(_ method: HTTPMethod, _ path: String, body: Data? = nil) async throws -> Data {
        guard let answer = try await answer(method, path, body: body) else {
            throw ValidationError("The gateway replicates nothing: objects is not in its configuration.")
        }
        return answer
    }

    /// Nil where the gateway knows no such thing.
    func answer(_ method: HTTPMethod, _ path: String, body: Data? = nil) async throws -> Data? {
        let configuration = try ConfigurationFile.load(config)
        guard let secret = configuration.adminSecret else {
            throw ValidationError("\(config) has no admin.secret_file or admin.secret_env: the gateway has no /admin.")
        }
        let base = url ?? Self.address(of: configuration.listen)
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(secret.reveal())")
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let (status, answer): (HTTPResponseStatus, ByteBuffer)
        do {
            (status, answer) = try await GatewayHTTP.answer(
                request, within: .seconds(30), bytesMax: Self.answerBytesMax)
        } catch {
            throw ValidationError("The gateway cannot be reached at \(base): \(error). Does it run?")
        }
        guard (200..<300).contains(status.code) else {
            let said = try? JSONDecoder().decode([AdminError].self, from: Data(answer.readableBytesView)).first?.message
            switch status.code {
            case 404: return nil
            default: throw ValidationError("\(base) answers \(status.code): \(said ?? "without a reason")")
            }
        }
        return Data(answer.readableBytesView)
    }

    private static let answerBytesMax = 8 << 20

    private struct AdminError: Decodable { var message: String }

    /// A listener on every address is reached on this machine's own.
    static func address(of listener: Configuration.Listener) -> String {
        let host = ["0.0.0.0", "::"].contains(listener.address.host) ? "127.0.0.1" : listener.address.host
        let name = host.contains(":") ? "[\(host)]" : host
        return "\(listener.certificate == nil ? "http" : "https")://\(name):\(listener.address.port)"
    }
}
