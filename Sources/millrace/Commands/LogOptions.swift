import ArgumentParser
import Logging

/// How much a command says, and where: always on standard error, so that standard output stays for data.
struct LogOptions: ParsableArguments {
    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: LogLevel = .notice

    struct LogLevel: ExpressibleByArgument {
        var level: Logger.Level
        static let notice = LogLevel(level: .notice)

        init(level: Logger.Level) { self.level = level }

        init?(argument: String) {
            guard let level = Logger.Level(rawValue: argument.lowercased()) else { return nil }
            self.level = level
        }

        var defaultValueDescription: String { level.rawValue }

        static var allValueStrings: [String] { Logger.Level.allCases.map(\.rawValue) }
    }

    func makeLogger(label: String = "millrace") -> Logger {
        var logger = Logger(label: label) { label in StreamLogHandler.standardError(label: label) }
        logger.logLevel = logLevel.level
        return logger
    }
}
