public import NIOCore

/// The head of a request as it came over the wire: what a taker needs to answer it by itself.
public struct TakeoverRequest: Sendable {
    /// `GET`
    public var method: String
    /// The request target as sent, query included: `/push?resume=1`.
    public var uri: String
    /// In their order, names as the client wrote them. Compare names without regard to case.
    public var headers: [(name: String, value: String)]
    /// It came through TLS, which the channel's pipeline speaks.
    public var isEncrypted: Bool

    public init(method: String, uri: String, headers: [(name: String, value: String)], isEncrypted: Bool = false) {
        self.method = method
        self.uri = uri
        self.headers = headers
        self.isEncrypted = isEncrypted
    }

    /// The target up to the query: `/push`.
    public var path: Substring { uri.prefix { $0 != "?" } }

    /// Every value of a header, in order; the name is compared without regard to case.
    public func values(of name: String) -> [String] {
        let wanted = name.lowercased()
        // The length first: most names differ in it.
        return headers.filter { $0.name.utf8.count == wanted.utf8.count && $0.name.lowercased() == wanted }.map(\.value)
    }
}

/// Something that takes whole connections out of the HTTP door: the push hub, for WebSocket and Server-Sent Events.
///
/// The door reads the head of each request and asks `wants`. When the answer is yes, it
///
/// 1. stops reading from the socket,
/// 2. waits until every earlier response of this connection has been written to the socket (a connection may be taken at
///    its n-th request),
/// 3. removes its HTTP handlers from the pipeline, so that no byte the client sends is interpreted any more,
/// 4. calls `take` on the channel's event loop, once, with the bytes that were read behind the request.
///
/// From then on the taker owns the connection: it answers the request (101, an event stream, or an error). A plaintext one it
/// usually takes out of NIO, by duplicating the descriptor (`dup`) and closing the channel; an encrypted one it must serve
/// through the channel, with a handler of its own above TLS, since the descriptor carries ciphertext. Above that handler what
/// remains of the server's pipeline waits for the end of the channel and takes no part. The door writes nothing more. The
/// channel counts as open in the door's graceful shutdown, which sends `ChannelShouldQuiesceEvent` down the pipeline, until
/// the taker closes it.
///
/// A request with a body is never offered (it is answered with 400).
public protocol ConnectionTakeover: Sendable {
    /// Whether this request is the taker's. Called on the event loop for every request: it must be quick and must not block.
    func wants(_ request: TakeoverRequest) -> Bool

    /// Takes the connection. Called on `channel.eventLoop`.
    ///
    /// - Parameter leftover: what the client sent behind the request's head; usually empty.
    func take(channel: any Channel, request: TakeoverRequest, remoteAddress: SocketAddress?, leftover: ByteBuffer)
}
