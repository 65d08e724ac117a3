import Foundation

/// A line on a terminal that is written over again and again. On standard error: what a command answers stands alone.
struct TerminalLine: Sendable {
    /// A terminal that is narrower would begin a new line each time.
    static let columns = 79
    /// Back to the beginning of the line, and nothing behind what is written.
    private static let restart = "\r\u{1B}[K"

    /// Nil where standard error is no terminal.
    static func onTerminal() -> TerminalLine? {
        isatty(FileHandle.standardError.fileDescriptor) == 1 ? TerminalLine() : nil
    }

    private init() {}

    func show(_ text: String) { write(Self.restart + text.prefix(Self.columns)) }

    func clear() { write(Self.restart) }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
