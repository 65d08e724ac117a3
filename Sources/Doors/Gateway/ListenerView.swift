internal import ChangeEvents
internal import Matching
internal import NIOCore
internal import SOQL
internal import Store

/// Which part of an event is shown: the payload's bytes follow from it.
struct ShownKey: Hashable {
    var place: LogPlace
    /// Nil: all.
    var fields: Set<String>?
    /// Of a merged event; nil: all.
    var recordIDs: [String]?
}

typealias ShownEncodings = RecentEncodings<ShownKey>

/// What the bearer of a token sees of one channel on the doors of Salesforce's own protocols. Pure.
///
/// The bytes are the org's own wherever nothing is hidden. Where the token hides fields, or a merged event holds records
/// that do not match, the event is written again without them, with the same schema: a client decodes it as any other. Who
/// sees the same part shares the bytes.
///
/// These protocols have no `left`: a record that leaves the view is not shown, and neither is the change that took it out.
struct ListenerView: Sendable {
    let channel: PushChannel
    private let condition: Condition?
    private let fields: Set<String>?
    private let encodings: ShownEncodings

    /// Throws `permissionDenied` where the token has no entry for the channel or its condition cannot be judged there.
    init(
        channel name: String, allow: [Grant.Allowance], tracked: TrackedEntities, virtual: VirtualChannels,
        encodings: ShownEncodings
    ) throws(EventBusError) {
        self.encodings = encodings
        do throws(RequestError) {
            let terms = try SubscriptionTerms(
                channel: name, ownCondition: nil, allow: allow, tracked: tracked, virtual: virtual)
            channel = terms.channel
            condition = terms.condition
            fields = terms.fields
        } catch {
            throw EventBusError(
                code: error.code == .unknownChannel ? .topicNotFound : .permissionDenied, message: error.message)
        }
    }

    /// Whether everything on the channel is seen as it is.
    private var isWhole: Bool { condition == nil && fields == nil }

    /// The item's event as the bearer may have it; nil: it does not concern them. Throws where it cannot be judged or
    /// written again: then nothing of it may be shown.
    func event(of item: LogItem) throws(AvroError) -> ReceivedEvent? {
        guard item.concerns(channel: channel.name), let event = item.event?.content.event else { return nil }
        if isWhole { return event }
        // It has no values and no record: it says that much was changed, and everybody must know.
        if case .gap(.overflow) = item.content { return event }
        guard case .event = item.content, let schema = item.schema else {
            throw AvroError(
                code: .malformedPayload, message: "the event cannot be read, and the token limits what is shown")
        }
        let visible = item.inputs.filter { input in
            switch input.verdict(for: condition) {
            case .event, .entered: true
            case .left, nil: false
            }
        }
        if visible.isEmpty { return nil }
        let isAll = visible.count == item.inputs.count
        if isAll, fields == nil { return event }
        let recordIDs = isAll ? nil : visible.map(\.transition.id.string)
        let key = ShownKey(place: item.place, fields: fields, recordIDs: recordIDs)
        var shown = event
        shown.payload = try encodings.bytes(key) { () throws(AvroError) in
            try payload(event.payload, recordIDs: recordIDs, schema: schema)
        }
        return shown
    }

    private func payload(
        _ payload: ByteBuffer, recordIDs: [String]?, schema facts: SchemaFacts
    ) throws(AvroError) -> ByteBuffer {
        let schema = facts.schema
        guard schema.isChangeEvent else {
            return try schema.encode(values: shown(try schema.values(of: payload), facts))
        }
        let change = try schema.changeEvent(of: payload)
        var header = change.header
        if let recordIDs { header.recordIDs = recordIDs }
        if fields != nil {
            header.changedFields = try bitmap(change.changedFields, facts)
            header.nulledFields = try bitmap(change.nulledFields, facts)
            header.diffFields = try bitmap(change.diffFields, facts)
        }
        return try schema.encode(header: header, values: shown(change.values, facts))
    }

    private func shown(_ values: [String: FieldValue], _ facts: SchemaFacts) -> [String: FieldValue] {
        guard let fields else { return values }
        let names = facts.flatNames(ofAll: fields)
        var shown = values.filter { names.contains($0.key) }
        // A platform event's schema takes no null for these.
        if !facts.schema.isChangeEvent {
            shown["CreatedDate"] = shown["CreatedDate"] ?? .dateTime(milliseconds: 0)
            shown["CreatedById"] = shown["CreatedById"] ?? .string("")
        }
        return shown
    }

    private func bitmap(_ changed: [String], _ facts: SchemaFacts) throws(AvroError) -> [String] {
        guard let fields else { return try facts.schema.bitmap(ofNames: changed) }
        let names = facts.flatNames(ofAll: fields)
        return try facts.schema.bitmap(
            ofNames: changed.filter { facts.flatNames(of: $0).allSatisfy(names.contains) })
    }
}
