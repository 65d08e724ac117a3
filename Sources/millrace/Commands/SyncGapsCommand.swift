import ArgumentParser
import Doors
import Foundation
import NIOHTTP1

/// `millrace sync gaps`: what was missed, why, and when it was mended.
struct SyncGapsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gaps", abstract: "What was missed of the org, why, and when it was mended.")

    @OptionGroup var gateway: GatewayOptions
    @Flag(help: "Only what is not mended yet.")
    var open = false
    @Option(help: "So many open and so many closed ones, the newest.")
    var limit = GapDoor.limit
    @Flag(help: "The whole report as JSON.")
    var json = false

    func run() async throws {
        let body = try await gateway.call(.GET, "/admin/gaps?limit=\(limit)\(open ? "&open=true" : "")")
        if json {
            Console.print(String(decoding: body, as: UTF8.self))
            return
        }
        Console.print(GapText.text(try JSONDecoder().decode(GapReport.self, from: body), onlyOpen: open))
    }
}
