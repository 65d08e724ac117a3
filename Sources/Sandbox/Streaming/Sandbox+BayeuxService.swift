public import Doors
import Synchronization

extension Sandbox: BayeuxService {
    public func standing(ofToken accessToken: String) async -> TokenStanding {
        if let session = await usedSession(accessToken) {
            return .valid(BusCaller(userID: session.userID, organizationID: organization.id))
        }
        let known = state.withLock { $0.sessions.description(of: accessToken) }
        guard let known else { return .unknown }
        return .expired(BusCaller(userID: known.userID, organizationID: organization.id))
    }

    public func clientOpened(_ client: String, caller: BusCaller) throws(EventBusError) {
        try eventUsage.cometDConnected()
        state.withLock { $0.streaming.open(client, userID: caller.userID) }
    }

    public func clientClosed(_ client: String, caller: BusCaller) {
        state.withLock { $0.streaming.close(client) }
        eventUsage.cometDDisconnected()
    }

    public func clientSubscribed(_ client: String, channel: String, caller: BusCaller) {
        let now = configuration.clock()
        state.withLock { $0.streaming.subscribe(client, to: channel, now: now) }
    }

    public func clientUnsubscribed(_ client: String, channel: String, caller: BusCaller) {
        state.withLock { $0.streaming.unsubscribe(client, from: channel) }
    }

    /// CometD clients that are connected now.
    public var cometDClients: Int { state.withLock { $0.streaming.count } }

    public func now() -> Int64 { configuration.clock() }
}
