/// Where a WebSocket connection stands in the protocol, and what a message means there. Pure: no I/O, no clock.
///
/// A few bytes inside the connection's row; the loop that owns the row performs the actions.
struct PushSession: Hashable, Sendable {
    enum State: UInt8, Hashable, Sendable {
        /// No token yet. Only `authenticate` and `ping` are served; the deadline ends it with 4401.
        case awaitingToken
        /// A token is held; everything is served.
        case open
        /// A close frame is written or on its way: nothing the client sends counts any more.
        case closing
    }

    enum MessageAction: Hashable, Sendable {
        /// Verify the token; then call `tokenAccepted` or `tokenRefused`.
        case verify(id: MessageID?, token: String)
        case subscribe(id: MessageID?, SubscribeRequest)
        case unsubscribe(id: MessageID?, channel: String)
        case pong
        case answer(id: MessageID?, RequestError)
        case close(code: UInt16, reason: String)
        case none
    }

    enum RefusedTokenAction: Hashable, Sendable {
        /// It was the first: without one there is nothing to stay for.
        case close(code: UInt16, reason: String)
        /// It was the first, and may be good: the keys to check it are missing. Later they may be there.
        case comeBack
        /// The one held is still good until it expires.
        case answer(RequestError)
    }

    private(set) var state: State
    /// Messages that were no messages, in this connection's life.
    private(set) var malformedCount: UInt8 = 0

    /// A mistake is answered; a client that makes nothing but mistakes is not one of ours.
    static let malformedCountMax: UInt8 = 10

    init(state: State) {
        self.state = state
    }

    mutating func messageReceived(_ message: Result<ClientMessage, ClientMessage.Malformed>) -> MessageAction {
        switch (state, message) {
        case (.closing, _):
            return .none
        case (_, .failure(let malformed)):
            malformedCount += 1
            guard malformedCount < Self.malformedCountMax else {
                state = .closing
                return .close(code: CloseCode.policy, reason: "too many messages that are none")
            }
            return .answer(id: malformed.id, malformed.error)
        case (_, .success(.ping)):
            return .pong
        case (_, .success(.authenticate(let id, let token))):
            return .verify(id: id, token: token)
        case (.awaitingToken, .success(.subscribe(let id, _))), (.awaitingToken, .success(.unsubscribe(let id, _))):
            return .answer(id: id, RequestError(.unauthorized, "authenticate first"))
        case (.open, .success(.subscribe(let id, let request))):
            return .subscribe(id: id, request)
        case (.open, .success(.unsubscribe(let id, let channel))):
            return .unsubscribe(id: id, channel: channel)
        }
    }

    /// True when it was the first token of this connection.
    mutating func tokenAccepted() -> Bool {
        guard state == .awaitingToken else { return false }
        state = .open
        return true
    }

    mutating func tokenRefused(_ error: TokenError) -> RefusedTokenAction {
        let isTransient = error.code == .notReady
        guard state == .awaitingToken else {
            return .answer(RequestError(isTransient ? .unavailable : .unauthorized, error.message))
        }
        state = .closing
        if isTransient { return .comeBack }
        return .close(code: CloseCode.unauthorized, reason: error.message)
    }

    mutating func closeBegun() {
        state = .closing
    }
}
