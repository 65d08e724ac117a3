/// One connection: a row in its loop's table. Everything the loop must know of an idle client, and nothing on the heap.
///
/// What only few have (a half-received message) lies in tables beside it; what many have alike (grants, subjects) is
/// interned. Ticks are those of the loop's timer wheel; 0: no deadline.
struct Connection {
    struct Flags: OptionSet {
        let rawValue: UInt16
        /// The row is in use.
        static let isActive = Flags(rawValue: 1 << 0)
        /// The socket took no more: writable events are asked for.
        static let isBlocked = Flags(rawValue: 1 << 1)
        /// On the loop's list of connections to flush in this turn.
        static let isDirty = Flags(rawValue: 1 << 2)
        /// Some subscription is not live: it catches up from the log when the queue is empty.
        static let isBehind = Flags(rawValue: 1 << 3)
        /// On the loop's list of connections to bring forward.
        static let isScheduled = Flags(rawValue: 1 << 4)
        /// A question to the reader is under way.
        static let isReading = Flags(rawValue: 1 << 5)
        /// A ping went out and nothing has come since.
        static let awaitsPong = Flags(rawValue: 1 << 6)
        /// A close frame (or the end of an event stream) is queued: when the queue is empty the sending side is shut.
        static let isFinishing = Flags(rawValue: 1 << 7)
        /// The sending side is shut: what comes is thrown away until the peer ends.
        static let isShut = Flags(rawValue: 1 << 8)
        /// On the list of connections to take away at the end of the turn.
        static let isDoomed = Flags(rawValue: 1 << 9)
        /// A token was accepted: the subject is counted.
        static let hasGrant = Flags(rawValue: 1 << 10)
        /// Its token is worth nothing any more: it gets no data and is not listened to, and its goodbye comes in its turn.
        static let isDismissed = Flags(rawValue: 1 << 11)
    }

    static let none = UInt32.max

    /// A number of `LoopSockets`.
    var socket: Int32 = -1
    /// Told apart from an earlier connection of the same row in answers that come late.
    var generation: UInt32 = 0
    var flags: Flags = []
    var transport: Transport = .webSocket
    var session = PushSession(state: .awaitingToken)

    /// Of the token's `jti`; 0: it has none. Enough to find the one connection that a revocation means.
    var tokenHash: UInt64 = 0
    /// Seconds since 1970; 0: the token does not say.
    var issuedAt: Int64 = 0
    var grant: UInt32 = none
    var subject: UInt32 = none
    /// `none`: it is not counted by its address.
    var peer: UInt32 = none
    var firstSubscription: UInt32 = none
    var subscriptionCount: UInt16 = 0

    var queueHead: UInt32 = OutQueue.none
    var queueTail: UInt32 = OutQueue.none
    var queueCount: UInt32 = 0
    var queueBytes: UInt32 = 0
    /// How much of the first queued frame the socket has taken.
    var headSent: UInt32 = 0

    var heartbeatTick: UInt32 = 0
    var pongTick: UInt32 = 0
    /// Of authentication, and of closing.
    var phaseTick: UInt32 = 0
    /// By when a blocked socket must take something.
    var stallTick: UInt32 = 0
    var expiryTick: UInt32 = 0

    /// Messages received in the window that began at this tick.
    var rateTick: UInt32 = 0
    var rateCount: UInt32 = 0
    var closeCode: UInt16 = 0
}

/// One subscription: a row in its loop's table, in the list of its connection.
struct Subscription {
    enum State: UInt8 {
        case free
        /// The place it asked for is being looked up.
        case resolving
        /// It reads the log (or the loop's memory of it) from `place`.
        case behind
        /// Everything up to the loop's head is handled.
        case live
    }

    var connection: UInt32 = Connection.none
    var next: UInt32 = Connection.none
    /// Told apart from an earlier subscription of the same slot.
    var stamp: UInt32 = 0
    var frameClass: UInt32 = 0
    /// What the client asked for, interned; `none`: everything that it may see.
    var ownCondition: UInt32 = Connection.none
    var state: State = .free
    var slow: SlowPolicy = .park
    /// Reads from the oldest event on: that older ones are gone is no loss.
    var isFromStart = false
    /// Everything up to here is handled. A live one stands at the loop's head or further.
    var place: LogPlace = .start
    /// The newest place that the client was told.
    var told: LogPlace = .start
}
