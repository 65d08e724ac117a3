internal import ChangeEvents
internal import Store

/// What a loop asks of the log on behalf of a connection. A connection has at most one `chunk` under way and each of its
/// subscriptions at most one `place`, which bounds the reader's queue.
struct LogQuestion: Sendable {
    enum Kind: Sendable {
        case place(subscription: UInt32, stamp: UInt32, id: MessageID?, ReplayID, channel: String)
        case chunk(ChunkWish)
    }

    var loop: Int
    var connection: UInt32
    var generation: UInt32
    var kind: Kind
}

/// A piece of the log. Equal wishes are read once.
struct ChunkWish: Hashable, Sendable {
    var after: LogPlace
    var selection: EventSelection
}

enum PlaceAnswer: Sendable {
    /// Everything after this place comes after the replay id. For a merged event the place is before it: the client may
    /// have seen some of its records only.
    case at(LogPlace)
    case unknown
    case failed
}

enum ChunkAnswer: Sendable {
    /// Entries in order; everything the wish selects up to `reached` is among them, and that is still there: what comes after
    /// `retained`.
    case items([LogItem], retained: Position, reached: LogPlace)
    case failed
}
