public import Store

/// What the CometD door needs of the org (or the bridge) behind it, beyond the event bus: whose token it is, and who may be
/// a client at all. Permissions, allocations and what a channel is are behind this protocol; the door knows sessions.
public protocol BayeuxService: EventBus {
    /// Whose token this is. An established session outlives its token's time, so an expired token is not an unknown one.
    func standing(ofToken accessToken: String) async -> TokenStanding
    /// A client has come: throws `clientLimitExceeded`, or `permissionDenied` with the text for it.
    func clientOpened(_ client: String, caller: BusCaller) throws(EventBusError)
    /// It has gone, or was dropped. Called once for each opened client.
    func clientClosed(_ client: String, caller: BusCaller)
    /// For those who count the subscribers of a channel.
    func clientSubscribed(_ client: String, channel: String, caller: BusCaller)
    func clientUnsubscribed(_ client: String, channel: String, caller: BusCaller)

    /// As `start` and `read` of the event bus, for any channel that CometD has, the legacy ones (`/topic/`, `/u/`) too.
    func startChannel(_ channel: String, from: ReplayStart, caller: BusCaller) async throws(EventBusError) -> Position
    func readChannel(
        _ channel: String, after: Position, limit: Int, caller: BusCaller
    ) async throws(EventBusError) -> BusRead
    /// Milliseconds since 1970: what the 40 seconds are counted by.
    func now() -> Int64
}

extension BayeuxService {
    public func startChannel(
        _ channel: String, from: ReplayStart, caller: BusCaller
    ) async throws(EventBusError) -> Position {
        try await start(topic: channel, from: from, caller: caller)
    }

    public func readChannel(
        _ channel: String, after: Position, limit: Int, caller: BusCaller
    ) async throws(EventBusError) -> BusRead {
        try await read(topic: channel, after: after, limit: limit, caller: caller)
    }
}

/// What a token is worth.
public enum TokenStanding: Sendable, Hashable {
    case valid(BusCaller)
    /// Its time is over. It opens nothing, and ends nothing that is open.
    case expired(BusCaller)
    /// Never given, or revoked.
    case unknown
}
