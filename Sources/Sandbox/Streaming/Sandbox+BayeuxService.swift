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
        try faults.checkAuthorization()
        let isAllowed = state.withLock { state -> Bool in
            guard state.streaming.count < configuration.cometDClientsMax else { return false }
            state.streaming.open(client, userID: caller.userID)
            return true
        }
        guard isAllowed else {
            throw EventBusError(
                code: .clientLimitExceeded, message: "The org has reached its number of concurrent CometD clients.")
        }
    }

    public func clientClosed(_ client: String, caller: BusCaller) {
        state.withLock { $0.streaming.close(client) }
    }

    public func clientSubscribed(_ client: String, channel: String, caller: BusCaller) {
        state.withLock { $0.streaming.subscribe(client, to: channel) }
    }

    public func clientUnsubscribed(_ client: String, channel: String, caller: BusCaller) {
        state.withLock { $0.streaming.unsubscribe(client, from: channel) }
    }

    /// CometD clients that are connected now.
    public var cometDClients: Int { state.withLock { $0.streaming.count } }

    public func now() -> Int64 { configuration.clock() }
}
