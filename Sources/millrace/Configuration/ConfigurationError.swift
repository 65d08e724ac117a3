/// Everything that is wrong with a configuration file, found in one pass. Messages name keys, paths and environment
/// variables, never the content of a secret.
struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    struct Mistake: Hashable, Sendable {
        /// From 1. A missing key stands at the line of the section it is missing from.
        var line: Int
        var message: String
    }

    var file: String
    /// In the order of lines; never empty.
    var mistakes: [Mistake]

    /// One `FILE:LINE: message` per line.
    var description: String {
        mistakes.map { "\(file):\($0.line): \($0.message)" }.joined(separator: "\n")
    }
}

/// Collects mistakes while a file is read. Shared by the readers of one file's sections, used by one thread.
final class Mistakes {
    private var mistakes: [ConfigurationError.Mistake] = []

    func add(_ message: String, line: Int) {
        mistakes.append(ConfigurationError.Mistake(line: line, message: message))
    }

    /// In the order of lines, and of discovery within a line.
    var sorted: [ConfigurationError.Mistake] {
        mistakes.enumerated()
            .sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }
            .map(\.element)
    }
}
