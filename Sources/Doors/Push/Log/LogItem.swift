internal import ChangeEvents
internal import Matching
internal import NIOCore
internal import Store

/// One entry of the log as the loops use it: an event with what matching and showing it needs, or a loss.
///
/// Made once (by the feed or by the reader) and shared by all loops; immutable.
final class LogItem: Sendable {
    enum Content: Sendable {
        case event
        /// Events were lost, or this event cannot be shown: the word that clients are told.
        case gap(reason: GapReason)
    }

    let place: LogPlace
    let content: Content
    let topic: String
    /// The channels on which it is seen.
    let channels: [String]
    /// What a client resumes from after this item; nil when nothing before it is known.
    let replayID: ReplayID?
    let event: LoggedEvent?
    let schema: SchemaFacts?
    /// One per record, without a channel. A change event that was merged is matched and shown record by record.
    let inputs: [MatchInput]
    let bytes: Int

    init(event: LoggedEvent, schema: SchemaFacts?, virtual: VirtualChannels = .none) {
        let content = event.content
        place = LogPlace(event: event.position)
        topic = content.event.topic
        channels = PushChannel.names(
            topic: content.event.topic, eventName: content.eventName, virtual: virtual)
        replayID = content.event.replayID
        self.event = event
        self.schema = schema
        let inputs = Self.inputs(of: content, schema: schema)
        self.inputs = inputs
        self.content =
            if content.routing?.header.changeType == .gapOverflow {
                .gap(reason: .overflow)
            } else if inputs.isEmpty {
                .gap(reason: .upstream)
            } else {
                .event
            }
        bytes = content.event.payload.readableBytes
    }

    init(gap: Gap, replayID: ReplayID?, virtual: VirtualChannels = .none) {
        place = LogPlace(gap: gap)
        content = .gap(reason: .upstream)
        topic = gap.topic
        channels = PushChannel(gap.topic)?.eventName.map { virtual.names(eventName: $0) } ?? []
        self.replayID = replayID
        event = nil
        schema = nil
        inputs = []
        bytes = 0
    }

    func concerns(channel: String) -> Bool {
        switch content {
        case .event: channels.contains(channel)
        case .gap: channels.contains(channel) || PushChannel.concerns(topic: topic, channel: channel)
        }
    }

    /// Empty when the event cannot be judged or shown at all: undecodable, or of no record (`001*`: the whole object was
    /// converted).
    private static func inputs(of content: NewEvent, schema: SchemaFacts?) -> [MatchInput] {
        guard let routing = content.routing else {
            guard let values = schema?.platformEventValues(of: content.event.payload) else { return [] }
            let transition = RecordTransition(id: .empty, before: nil, after: nil)
            return [
                MatchInput(
                    channel: "", header: .none(entity: content.eventName), transition: transition, values: values)
            ]
        }
        if !content.transitions.isEmpty {
            return content.transitions.map {
                MatchInput(channel: "", header: routing.header, transition: $0, values: [:])
            }
        }
        let values = schema?.changeEventValues(of: content.event.payload) ?? [:]
        let ids = routing.header.recordIDs.compactMap { RecordID($0) }
        guard ids.count == routing.header.recordIDs.count else { return [] }
        return ids.map {
            MatchInput(
                channel: "", header: routing.header, transition: RecordTransition(id: $0, before: nil, after: nil),
                values: values)
        }
    }
}

/// The `reason` of a `gap` message.
enum GapReason: String, Sendable {
    /// The place asked for is no longer in the log.
    case expired
    /// More changes in one transaction than Salesforce sends.
    case overflow
    /// Upstream lost events, or one came that cannot be read.
    case upstream
}

extension ChangeEventHeader {
    /// For events that are no change events and have no header.
    static func none(entity: String) -> ChangeEventHeader {
        ChangeEventHeader(
            entityName: entity, recordIDs: [], changeType: .create, changeOrigin: "", transactionKey: "",
            sequenceNumber: 0,
            commitTimestamp: 0, commitNumber: 0, commitUser: "")
    }
}
