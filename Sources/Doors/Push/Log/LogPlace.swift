internal import Store

/// A place in the log with room for gaps between events: after the event at a position come the gaps that were declared
/// when it was the head, in their order. So "everything after this place" means one thing for both.
///
/// Several topics may lose events while no event comes: each of their gaps has a place of its own.
struct LogPlace: RawRepresentable, Hashable, Comparable, Sendable {
    /// Places of one position: the event's, and those of gaps. (More gaps than that share the last.)
    private static let perPosition: Int64 = 1_024

    var rawValue: Int64

    static let start = LogPlace(rawValue: 0)

    init(rawValue: Int64) { self.rawValue = rawValue }
    init(event position: Position) { rawValue = position.rawValue * Self.perPosition }
    init(gap: Gap) {
        rawValue = gap.position.rawValue * Self.perPosition + min(Int64(gap.ordinal) + 1, Self.perPosition - 1)
    }
    /// Behind the event at a position and every gap that was declared there.
    init(endOf position: Position) { rawValue = position.rawValue * Self.perPosition + Self.perPosition - 1 }

    /// Events after this position, and no others, come after the place.
    var position: Position { Position(rawValue: rawValue / Self.perPosition) }

    static func < (left: LogPlace, right: LogPlace) -> Bool { left.rawValue < right.rawValue }
}
