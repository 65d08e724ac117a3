/// Why the door itself answers a request, instead of a route, and then closes the connection.
struct Refusal: Hashable, Sendable {
    var status: Int
    /// `REQUEST_HEADERS_TOO_LARGE`, the `errorCode` of the body.
    var errorCode: String
    var message: String
}

/// The life of one HTTP/1.1 connection: which parts go on to the routes, and how it ends.
///
/// Its rule is order: responses leave in the order of their requests, so whatever ends the connection (a refusal, a
/// takeover, a request that asks to close) waits until the responses of all earlier requests are written.
///
/// A pure state machine, owned by the connection's `ConnectionHandler` and used on its event loop.
struct ConnectionStateMachine {
    /// How a connection ends.
    enum Ending: Hashable, Sendable {
        /// The last response is out: close.
        case close
        case refuse(Refusal)
        case takeOver
    }

    /// What the head of a request asks for, found by `RequestRules`.
    enum Verdict: Hashable, Sendable {
        /// A request for the routes; after the response of one that does not keep the connection alive it is closed.
        case pass(keepsAlive: Bool)
        case refuse(Refusal)
        case takeOver
    }

    enum PartAction: Hashable, Sendable {
        case forward
        case discard
        case end(Ending)
    }

    private enum Inbound: Hashable {
        /// The next part is a head.
        case betweenRequests
        /// The rest of a request that the routes see.
        case passing
        /// The head asked for a takeover; its end has not come.
        case takeoverHead
        /// No more requests are read.
        case finished
    }

    private var inbound = Inbound.betweenRequests
    /// Requests given to the routes whose responses are not yet written to the socket.
    private(set) var responsesDue = 0
    /// What happens when `responsesDue` reaches zero. Set only when `inbound` is `finished`.
    private var ending: Ending?

    /// False when the socket is not to be read any more.
    var wantsInput: Bool { inbound != .finished }

    /// The response that is being written is the last one of this connection.
    var isLastResponse: Bool {
        guard responsesDue == 1 else { return false }
        return inbound == .finished ? ending == .close : inbound == .passing && closesAfterRequest
    }

    /// The request in `passing` is the last one.
    private var closesAfterRequest = false

    mutating func headReceived(_ verdict: Verdict) -> PartAction {
        guard inbound == .betweenRequests else { return .discard }
        switch verdict {
        case .pass(let keepsAlive):
            inbound = .passing
            responsesDue += 1
            closesAfterRequest = !keepsAlive
            return .forward
        case .refuse(let refusal):
            return finish(.refuse(refusal))
        case .takeOver:
            inbound = .takeoverHead
            return .discard
        }
    }

    func bodyReceived() -> PartAction {
        inbound == .passing ? .forward : .discard
    }

    mutating func endReceived() -> PartAction {
        switch inbound {
        case .passing:
            guard closesAfterRequest else {
                inbound = .betweenRequests
                return .forward
            }
            return finishPassing()
        case .takeoverHead:
            return finish(.takeOver)
        case .betweenRequests, .finished:
            return .discard
        }
    }

    /// The bytes cannot be understood, or a limit is passed. `forward`: the routes are reading this request, so they are to
    /// see the error and answer it.
    mutating func inputFailed(_ refusal: Refusal) -> PartAction {
        switch inbound {
        case .betweenRequests, .takeoverHead:
            return finish(.refuse(refusal))
        case .passing:
            return finishPassing()
        case .finished:
            return .discard
        }
    }

    /// A response has been written to the socket, its end included.
    mutating func responseWritten() -> Ending? {
        responsesDue -= 1
        guard responsesDue == 0, let ending else { return nil }
        self.ending = nil
        return ending
    }

    /// The routes may have answered before the request ended; then nothing is left to wait for.
    private mutating func finishPassing() -> PartAction {
        inbound = .finished
        guard responsesDue > 0 else { return .end(.close) }
        ending = .close
        return .forward
    }

    private mutating func finish(_ ending: Ending) -> PartAction {
        inbound = .finished
        guard responsesDue > 0 else { return .end(ending) }
        self.ending = ending
        return .discard
    }
}
