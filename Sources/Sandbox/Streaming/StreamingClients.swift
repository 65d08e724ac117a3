import Doors

/// Who takes events, and from where: clients connected by CometD with their channels, and streams of the Pub/Sub API. Pure: the
/// time comes in.
struct StreamingClients: Sendable {
    /// What one client takes from one channel.
    struct Subscription: Sendable, Hashable {
        /// Milliseconds since 1970.
        var since: Int64
        var delivered = 0
    }

    private struct Client {
        var userID: String
        var channels: [String: Subscription] = [:]
    }

    private struct Stream {
        var stream: BusStream
        var subscription: Subscription
    }

    private var clients: [String: Client] = [:]
    private var streams: [String: Stream] = [:]

    var count: Int { clients.count }

    // MARK: CometD

    mutating func open(_ client: String, userID: String) { clients[client] = Client(userID: userID) }
    mutating func close(_ client: String) { clients[client] = nil }

    mutating func subscribe(_ client: String, to channel: String, now: Int64) {
        clients[client]?.channels[channel] = Subscription(since: now)
    }

    mutating func unsubscribe(_ client: String, from channel: String) { clients[client]?.channels[channel] = nil }

    /// The user of each client that is subscribed to a channel.
    func users(of channel: String) -> [String] {
        clients.values.filter { $0.channels[channel] != nil }.map(\.userID)
    }

    /// `client` may be none of them.
    mutating func delivered(_ count: Int, to client: String, on channel: String) {
        clients[client]?.channels[channel]?.delivered += count
    }

    // MARK: Pub/Sub API

    mutating func open(_ stream: BusStream, now: Int64) {
        streams[stream.id] = Stream(stream: stream, subscription: Subscription(since: now))
    }

    mutating func delivered(_ count: Int, toStream id: String) { streams[id]?.subscription.delivered += count }
    mutating func close(stream id: String) { streams[id] = nil }

    // MARK: All

    /// One line of a list of who listens.
    struct Listener: Sendable, Hashable {
        /// `CometD`, `Subscribe`, `ManagedSubscribe`.
        var kind: String
        var userID: String
        var topic: String
        /// A CometD client id, or the other end of a gRPC connection.
        var client: String
        var subscription: Subscription
    }

    /// Oldest first.
    var listeners: [Listener] {
        let cometD = clients.flatMap { id, client in
            client.channels.map { channel, subscription in
                Listener(
                    kind: "CometD", userID: client.userID, topic: channel, client: id, subscription: subscription)
            }
        }
        let pubSub = streams.values.map { open in
            Listener(
                kind: open.stream.rpc, userID: open.stream.caller.userID, topic: open.stream.topic,
                client: open.stream.peer, subscription: open.subscription)
        }
        return (cometD + pubSub).sorted {
            ($0.subscription.since, $0.topic, $0.client) < ($1.subscription.since, $1.topic, $1.client)
        }
    }
}
