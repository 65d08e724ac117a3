import ArgumentParser
import Foundation
import Logging

/// `millrace doctor`: is everything there that a gateway needs?
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract:
            "Checks what a gateway needs: login, rights, objects, hidden fields, capture, allowances, clock, store, lag.",
        discussion: """
            Looks, changes nothing, and does not disturb a gateway that runs with the same configuration; makes a handful of \
            API calls. Each finding that is not ok says what to do. Ends with status 1 where something does not work.

            Examples:
              millrace doctor --config millrace.yaml
              millrace doctor --config millrace.yaml --json
            """)

    @Option(help: ArgumentHelp("The gateway's configuration file.", valueName: "file"))
    var config: String
    @Flag(help: "The findings as JSON.")
    var json = false

    func run() async throws {
        let configuration = try ConfigurationFile.load(config)
        var logger = ConfigurationFile.makeLogger(configuration.log)
        logger.logLevel = .error
        let findings = await Doctor(configuration: configuration, logger: logger).findings()
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            Console.print(String(decoding: try encoder.encode(findings), as: UTF8.self))
        } else {
            for finding in findings { Console.print(finding.text) }
        }
        if findings.contains(where: { $0.weight == .error }) { throw ExitCode.failure }
    }
}
