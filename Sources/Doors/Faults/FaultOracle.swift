/// Where a door asks whether something is to go wrong.
public enum FaultPoint: Sendable, Hashable {
    /// An HTTP request, before anything is done with it.
    case request(method: String, path: String)
    /// The same request when it has been carried out, before its answer leaves.
    case answer(method: String, path: String)
    /// A call of the Pub/Sub API, before anything is done with it.
    case call(rpc: String)
    /// The same call when it has been carried out, before its answer leaves.
    case callAnswer(rpc: String)
    /// A running stream, before it looks for events.
    case stream(rpc: String, topic: String)
    /// A subscription, when its first request says where it begins.
    case subscription(topic: String, from: ReplayStart)
    /// A request for a schema.
    case schema(id: String)
    /// Events that are about to be delivered.
    case delivery(topic: String)
    /// A record that is about to be written.
    case write(object: String)
    /// A batch of a bulk job that is about to be worked on.
    case batch(object: String)
    /// A change of a record that is about to become an event.
    case change(object: String)
}

/// What a door does then.
public enum DoorFault: Sendable, Hashable {
    /// The TCP connection ends, without an answer.
    case cut
    /// Nothing happens for so long, then the call goes on.
    case stall(Duration)
    /// The connection stays open and nothing goes through it any more, in either direction.
    case halfOpen
    /// HTTP/2: the server says that it takes no new calls on this connection, and ends its streams. HTTP/1.1: as `cut`.
    case goAway
    /// HTTP: this status, by default 503. Pub/Sub API: UNAVAILABLE.
    case unavailable(status: Int)
    /// HTTP: 403 as where the API calls of a day are used up. Pub/Sub API: RESOURCE_EXHAUSTED.
    case requestLimit
    /// The session is refused, whatever it is.
    case expiredToken
}

/// Misbehaviour on command. The doors ask it where something can go wrong; the sandbox's faults answer, every other org is
/// without. Asked on many threads, for every request: it must be quick.
public protocol FaultOracle: Sendable {
    func fault(at point: FaultPoint) -> DoorFault?
}
