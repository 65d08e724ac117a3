import SOQL
import Synchronization

/// The channels as they are now, with their filters compiled: what reading and publishing look at. Effective on open
/// streams from the next read.
///
/// Thread-safe. Changed only after the store has committed the change.
final class ChannelBook: Sendable {
    private struct State {
        var channels = EventChannels()
        var filters: [String: Condition] = [:]
        var selectedEvents: Set<String> = []
    }

    private let state = Mutex(State())

    var current: EventChannels { state.withLock { $0.channels } }

    /// Events that are selected on any channel: what is published at all.
    var selectedEvents: Set<String> { state.withLock { $0.selectedEvents } }

    /// Takes a newer copy over; an older one is ignored, since two commits may be told of in the wrong order. Throws where
    /// a stored filter does not parse.
    func replace(_ channels: EventChannels) throws(SandboxError) {
        let former = state.withLock { $0 }
        var filters: [String: Condition] = [:]
        for member in channels.members {
            guard let text = member.filterExpression else { continue }
            let isMessage = member.event.hasSuffix("__e")
            if former.channels.members.contains(member), let known = former.filters[member.id] {
                filters[member.id] = known
            } else {
                do throws(SOQLError) {
                    filters[member.id] = try Condition(
                        text, dialect: isMessage ? .platformEventFilter : .changeEventFilter)
                } catch {
                    throw SandboxError(
                        code: .stateDamaged,
                        message: "the filter of the channel member \(member.fullName) cannot be read", cause: error)
                }
            }
        }
        let compiled = filters
        state.withLock { state in
            guard channels.version >= state.channels.version else { return }
            state.channels = channels
            state.filters = compiled
            state.selectedEvents = channels.selectedEvents
        }
    }

    /// What a topic shows; nil for a topic that is no channel.
    func view(ofChannelTopic topic: String) -> ChannelView? {
        state.withLock { state in
            let name: String
            if topic == Sandbox.allChangesTopic {
                name = EventChannels.standardChannel
            } else if let channel = state.channels.channel(topic: topic) {
                name = channel.fullName
            } else {
                return nil
            }
            var view = ChannelView()
            for member in state.channels.members where member.channel == name {
                let prefix = member.event.hasSuffix("__e") ? "/event/" : "/data/"
                view.members[prefix + member.event] = ChannelView.Member(
                    enrichedFields: member.enrichedFields.map(\.name), filter: state.filters[member.id])
            }
            return view
        }
    }
}

/// What a channel shows: the log's topics, and what is done to their events on the way.
struct ChannelView: Sendable {
    struct Member: Sendable {
        /// As the event schema has them: `Industry`, `BillingAddress`.
        var enrichedFields: [String] = []
        var filter: Condition?

        /// Nothing is done to the events: they go out as they are in the log.
        var isPlain: Bool { filter == nil && enrichedFields.isEmpty }
    }

    var members: [String: Member] = [:]
    var isPlain: Bool { members.values.allSatisfy(\.isPlain) }
}
