internal import Store

/// A place in the log with room for gaps between events: an event at position `p` has place `2p`, a gap that was declared
/// when `p` was the head has place `2p + 1`. So "everything after this place" means one thing for both.
struct LogPlace: RawRepresentable, Hashable, Comparable, Sendable {
    var rawValue: Int64

    static let start = LogPlace(rawValue: 0)

    init(rawValue: Int64) { self.rawValue = rawValue }
    init(event position: Position) { rawValue = position.rawValue * 2 }
    init(gap position: Position) { rawValue = position.rawValue * 2 + 1 }

    /// Events after this position, and no others, come after the place.
    var position: Position { Position(rawValue: rawValue >> 1) }

    static func < (left: LogPlace, right: LogPlace) -> Bool { left.rawValue < right.rawValue }
}
