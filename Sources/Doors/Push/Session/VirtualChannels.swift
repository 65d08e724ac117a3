public import SOQL

/// Channels of the gateway's own configuration, in the words of an org's custom channels: `/data/EscalatedCases__chn` has
/// members, each with the entity that is selected and, where not all of its events are meant, a filter expression.
///
/// A virtual channel costs nothing of its own: an event of a member's entity is on the channel, and a subscription's condition
/// is the token's AND the client's AND that it is one of the members with what its filter demands. So matching, `left`, replay
/// and gaps are those of any channel.
public struct VirtualChannels: Hashable, Sendable {
    public struct Member: Hashable, Sendable {
        /// The record name of the events: `CaseChangeEvent`, `Low_Ink__e`.
        public var selectedEntity: String
        /// Nil: every event of the entity.
        public var filterExpression: Condition?

        public init(selectedEntity: String, filterExpression: Condition? = nil) {
            self.selectedEntity = selectedEntity
            self.filterExpression = filterExpression
        }
    }

    public static let none = VirtualChannels([:])

    private let members: [String: [Member]]
    /// Channels by the record name of events.
    private let names: [String: [String]]

    /// - Parameter members: by the channel's name.
    public init(_ members: [String: [Member]]) {
        self.members = members
        var names: [String: Set<String>] = [:]
        for (channel, members) in members {
            for member in members { names[member.selectedEntity, default: []].insert(channel) }
        }
        self.names = names.mapValues { $0.sorted() }
    }

    /// The channels on which events of a record name are.
    func names(eventName: String) -> [String] { names[eventName] ?? [] }

    /// The members' entities as channels of their own; nil: there is no such channel.
    func members(of channel: String) -> [(channel: PushChannel, filter: Condition?)]? {
        let kind = channel.hasPrefix("/data/") ? "/data/" : "/event/"
        return members[channel]?.compactMap { member in
            PushChannel(kind + member.selectedEntity).map { ($0, member.filterExpression) }
        }
    }

    /// What an event on the channel satisfies.
    func condition(of channel: String) -> Condition? {
        guard let members = members(of: channel) else { return nil }
        let conditions = members.compactMap { member -> Condition? in
            guard let entity = member.channel.entityName else { return nil }
            let isOfEntity = Condition.equality("ChangeEventHeader.entityName", entity)
            return member.filter.map { Condition.and(isOfEntity, $0) } ?? isOfEntity
        }
        return conditions.dropFirst().reduce(conditions.first) { all, next in all.map { Condition.or($0, next) } }
    }
}
