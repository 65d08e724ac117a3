internal import NIOCore

/// How the push hub serves: bounds, deadlines and what it admits. Every bound has a default that a mistake cannot exhaust.
public struct PushConfiguration: Sendable {
    /// Loops, each with a thread of its own.
    public var loopCount = System.coreCount

    /// What carries the bytes of connections without TLS; with TLS, which NIO speaks, it is always channels.
    public enum Sockets: Sendable {
        /// Descriptors in the loops' own pollers, on Linux.
        case descriptors
        /// Channels of NIO.
        case channels
    }

    #if os(Linux)
        public var sockets = Sockets.descriptors
    #else
        public var sockets = Sockets.channels
    #endif

    /// A ping (WebSocket) or a comment (Server-Sent Events) comes at least this often. Proxies cut silent connections, most
    /// after 60 s, some after 30 s.
    public var heartbeat: Duration = .seconds(25)
    /// A peer that does not answer a ping within this time is gone.
    public var pongTimeout: Duration = .seconds(10)
    /// From the upgrade to the first `authenticate`.
    public var authenticationTimeout: Duration = .seconds(10)
    /// From our close frame to the peer's end.
    public var closeTimeout: Duration = .seconds(5)
    /// How long a socket may take nothing at all while something waits for it: then 4408.
    public var stallTimeout: Duration = .seconds(60)
    /// After `drain`: how long connections get to say goodbye.
    public var drainTimeout: Duration = .seconds(8)
    /// What `retry-after-ms` says when the hub goes away: each client another time in it, so that they do not come back at once.
    public var retryAfterMilliseconds: ClosedRange<Int> = 500...5000

    public var connectionsMax = 100_000
    public var connectionsPerSubjectMax = 1000
    /// Connections from one address (of IPv6: one network of 64 bits); nil: no bound. Behind a proxy all have the proxy's.
    public var connectionsPerAddressMax: Int?
    public var subscriptionsPerConnectionMax = 64
    public var messageBytesMax = 64 * 1024
    /// Whether `permessage-deflate` is agreed to where a client offers it: once per frame and class, without context.
    public var compresses = true
    public var messagesPerSecondMax = 50

    /// Frames that may wait for one connection before it is parked or conflated.
    public var queueCountMax = 64
    public var queueBytesMax = 256 * 1024

    /// Channels beside those of the org.
    public var virtualChannels = VirtualChannels.none

    /// Entries of the log that each loop keeps, and their payloads' bytes.
    public var recentEventsMax = 1024
    public var recentEventBytesMax = 8 * 1024 * 1024
    /// Ready-made frames that each loop keeps.
    public var recentFramesMax = 4096
    public var recentFrameBytesMax = 16 * 1024 * 1024

    /// Origins (`https://app.example.com`) whose pages may connect, compared exactly; `null` never matches. Requests without
    /// an `Origin`, which are not from browsers, are admitted.
    public var allowedOrigins: Set<String> = []
    /// Whether `GET /events?access_token=…` is admitted, for a bare `EventSource`. Addresses end up in logs of proxies.
    public var allowsTokenInQuery = false
    /// Objects whose records the twin keeps, as in its own configuration; nil: every object.
    public var trackedEntities: Set<String>?
    /// By object, the fields of which records are kept; of objects that are not named all are.
    public var keptFields: [String: Set<String>] = [:]

    public init() {}
}

extension PushConfiguration {
    /// Which records conditions can be judged by.
    var tracked: TrackedEntities { TrackedEntities(names: trackedEntities, keptFields: keptFields) }
}
