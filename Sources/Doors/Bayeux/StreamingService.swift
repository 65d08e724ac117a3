/// Generic streaming: what `/sobjects/StreamingChannel/{id}/push` needs of the org.
public protocol StreamingService: Sendable {
    /// One result per event, in their order.
    func push(
        channelID: String, events: [GenericEvent], context: CallContext
    ) async throws(OrgError) -> [PushResult]
    /// Who is subscribed to a channel now.
    func onlineUsers(
        channelID: String, context: CallContext
    ) async throws(OrgError) -> (channel: String, userIDs: [String])
}

/// A text for the subscribers of a channel, or for some of its users.
public struct GenericEvent: Sendable, Hashable {
    public var payload: String
    /// Empty: everybody.
    public var userIDs: [String]
    public init(payload: String, userIDs: [String]) {
        self.payload = payload
        self.userIDs = userIDs
    }
}

/// `{"fanoutCount":1,"userOnlineStatus":{…}}`
public struct PushResult: Sendable {
    /// Subscribers that the event is sent to.
    public var fanoutCount: Int
    /// Of the users that were named.
    public var userOnlineStatus: [(userID: String, isOnline: Bool)]
    public init(fanoutCount: Int, userOnlineStatus: [(userID: String, isOnline: Bool)]) {
        self.fanoutCount = fanoutCount
        self.userOnlineStatus = userOnlineStatus
    }
}
