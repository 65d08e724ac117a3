import Synchronization
import Doors

/// What one topic shows to one caller: the log's topics, and what is done to their events.
struct BusFeed: Sendable {
    var topics: Set<String>
    /// By topic of the log, where something is done.
    var members: [String: ChannelView.Member]

    var isPlain: Bool { members.isEmpty }
}

extension Sandbox {
    /// Throws where the caller may not have a single-entity channel; of others, events without permission are left out.
    func feed(of topic: String, caller: BusCaller) throws(EventBusError) -> BusFeed {
        let access = eventAccess(of: caller.userID)
        guard let view = channels.view(ofChannelTopic: topic) else {
            if let entity = entity(ofTopic: topic), !access.admits(entity: entity) {
                throw EventBusError(
                    code: .permissionDenied,
                    message: "User not allowed to subscribe CDC without View All Data permissions")
            }
            return BusFeed(topics: [topic], members: [:])
        }
        var topics = Set(view.members.keys)
        if topic == Self.allChangesTopic {
            let injected = state.withLock { $0.injectedTopics }
            topics.formUnion(injected.filter { $0.hasPrefix("/data/") && $0.hasSuffix("ChangeEvent") })
            topics.insert(topic)
        }
        if access != .all { topics = topics.filter { entity(ofTopic: $0).map(access.admits) ?? true } }
        return BusFeed(topics: topics, members: view.members.filter { !$0.value.isPlain })
    }

    /// `Case` of `/data/CaseChangeEvent`; nil for topics of another kind.
    private func entity(ofTopic topic: String) -> String? {
        guard topic.hasPrefix("/data/"), topic != Self.allChangesTopic else { return nil }
        return captured.values.first { $0.object.changeEventTopic == topic }?.object.name
    }
}
