import Foundation
import Synchronization

/// One line on a terminal that is written over again and again.
final class ProgressLine: Sendable {
    enum State: Sendable {
        case opening(standing: Int, failed: Int, wanted: Int)
        /// - `slowest`: microseconds, of the deliveries since the line was shown last.
        case measuring(elapsed: Duration, of: Duration, standing: Int, deliveries: Int, slowest: Int64)
        case settling
    }

    private static let barColumns = 20

    private let line: TerminalLine

    /// Deliveries at the last look, for the rate.
    private let last = Mutex((elapsed: Duration.zero, deliveries: 0))

    /// Nil where standard error is no terminal.
    static func onTerminal() -> ProgressLine? {
        TerminalLine.onTerminal().map { ProgressLine(line: $0) }
    }

    private init(line: TerminalLine) { self.line = line }

    func show(_ state: State) {
        var rate = 0.0
        if case .measuring(let elapsed, _, _, let deliveries, _) = state {
            rate = last.withLock { last in
                let seconds = (elapsed - last.elapsed) / .seconds(1)
                defer { last = (elapsed, deliveries) }
                return seconds > 0 ? Double(deliveries - last.deliveries) / seconds : 0
            }
        }
        line.show(Self.text(state, deliveriesPerSecond: rate))
    }

    func clear() { line.clear() }

    static func text(_ state: State, deliveriesPerSecond rate: Double) -> String {
        let text: String
        switch state {
        case .opening(let standing, let failed, let wanted):
            let failures = failed > 0 ? ", \(failed.grouped) not" : ""
            text =
                "opening   \(bar(standing + failed, of: wanted)) \(standing.grouped) of \(wanted.grouped) stand\(failures)"
        case .measuring(let elapsed, let duration, let standing, _, let slowest):
            let (now, end) = (elapsed.components.seconds, duration.components.seconds)
            text =
                "measuring \(bar(Int(elapsed.microseconds / 1_000), of: Int(duration.microseconds / 1_000))) "
                + "\(now)/\(end) s  \(standing.grouped) stand  \(Int(rate).grouped)/s  "
                + "max \(Milliseconds.text(microseconds: Double(slowest))) ms"
        case .settling: text = "waiting for what is on its way"
        }
        return String(text.prefix(TerminalLine.columns))
    }

    private static func bar(_ done: Int, of all: Int) -> String {
        let filled = all > 0 ? min(barColumns, done * barColumns / all) : barColumns
        return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: barColumns - filled) + "]"
    }
}

/// Milliseconds for people: three digits that matter.
enum Milliseconds {
    static func text(microseconds: Double) -> String {
        let milliseconds = microseconds / 1_000
        let digits = milliseconds >= 100 ? 0 : milliseconds >= 10 ? 1 : 2
        return String(format: "%.\(digits)f", milliseconds)
    }
}

extension Int {
    /// Thousands apart: 12,345.
    var grouped: String {
        var text = String(magnitude)
        var place = text.count - 3
        while place > 0 {
            text.insert(",", at: text.index(text.startIndex, offsetBy: place))
            place -= 3
        }
        return self < 0 ? "-" + text : text
    }
}
