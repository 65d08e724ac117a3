/// Who is connected by CometD, and to which channels. Pure.
struct StreamingClients: Sendable {
    private struct Client {
        var userID: String
        var channels: Set<String> = []
    }

    private var clients: [String: Client] = [:]

    var count: Int { clients.count }

    mutating func open(_ client: String, userID: String) { clients[client] = Client(userID: userID) }
    mutating func close(_ client: String) { clients[client] = nil }
    mutating func subscribe(_ client: String, to channel: String) { clients[client]?.channels.insert(channel) }
    mutating func unsubscribe(_ client: String, from channel: String) { clients[client]?.channels.remove(channel) }

    /// The user of each client that is subscribed to a channel.
    func users(of channel: String) -> [String] {
        clients.values.filter { $0.channels.contains(channel) }.map(\.userID)
    }
}
