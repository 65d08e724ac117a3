import Foundation

/// Standard output and standard error, a whole line at a time and at once: programs that read from a pipe wait for these lines.
enum Console {
    static func print(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    static func printError(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
