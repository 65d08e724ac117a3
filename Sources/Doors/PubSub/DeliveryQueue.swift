internal import ChangeEvents
internal import NIOCore
internal import Store
internal import Twin

/// Events on their way from the bus to one stream: read, and not all of them sent yet. Owned by the task that sends.
struct DeliveryQueue {
    /// Salesforce's size of a response, below gRPC's usual limit of 4 MB for what a client receives.
    static let responseBytesMax = 3 << 20
    /// What protobuf adds to an event, generously.
    private static let eventOverheadBytes = 128

    private var events: ArraySlice<ArrivedEvent> = []
    /// Where the reader stood when these were read.
    private var latestReplayID = ReplayID(bytes: [])

    /// Taken before the last read, or at the beginning of the stream: for the wait that follows.
    var look: LookTicket

    /// What the stream subscribes to; nil until it has begun.
    private(set) var topic: String?
    /// Counts what is sent.
    private(set) var delivered: Counter?

    init(look: LookTicket) { self.look = look }

    mutating func open(_ topic: String, delivered: Counter) {
        self.topic = topic
        self.delivered = delivered
    }

    static func sizes(of read: BusRead) -> [Int] {
        read.events.map { $0.event.payload.readableBytes + eventOverheadBytes }
    }

    mutating func take(_ read: BusRead) {
        if events.isEmpty { events = read.events[...] } else { events += read.events }
        latestReplayID = read.latestReplayID
    }

    /// The next events, and the place that the message names: only behind the last event of the read is it true that
    /// nothing was passed over.
    mutating func next(_ count: Int) -> (events: ArraySlice<ArrivedEvent>, latest: ReplayID) {
        let part = events.prefix(count)
        events = events.dropFirst(count)
        return (part, events.isEmpty ? latestReplayID : part.last?.event.replayID ?? latestReplayID)
    }
}
