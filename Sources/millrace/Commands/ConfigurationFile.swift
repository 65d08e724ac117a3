import ArgumentParser
import Foundation
import Logging

/// The configuration file as commands use it: loaded whole, or the command ends with every mistake printed.
enum ConfigurationFile {
    static func load(_ path: String) throws -> Configuration {
        try reading { try Configuration.load(path: path, environment: ProcessInfo.processInfo.environment) }
    }

    /// Reads a file that a command was given: a file with mistakes ends the command, with all of them printed.
    static func reading<Content>(_ read: () throws -> Content) throws -> Content {
        do {
            return try read()
        } catch {
            Console.printError("\(error)")
            throw ExitCode(ExitStatus.configuration)
        }
    }

    static func makeLogger(_ log: Configuration.Log) -> Logger {
        var logger = Logger(label: "millrace") { label in
            switch log.format {
            case .text: StreamLogHandler.standardError(label: label)
            case .json: JSONLogHandler(label: label)
            }
        }
        logger.logLevel = log.level
        return logger
    }
}

/// What the program's exit status says.
enum ExitStatus {
    /// The configuration has mistakes (sysexits' EX_CONFIG).
    static let configuration: Int32 = 78
    /// The org refuses or cannot be reached (sysexits' EX_UNAVAILABLE).
    static let unavailable: Int32 = 69
}
