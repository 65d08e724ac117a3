import ChangeEvents
import Matching
import SOQL
import Store

/// What a channel does to one of its events when it is delivered: filter it, and add the values that its member wants.
///
/// Values are those of this moment, so that a replay shows today's. Used inside one read of the store.
struct ChannelDelivery {
    let member: ChannelView.Member
    let reader: any StoreReader
    let schemas: SchemaCache
    /// By object.
    let captured: [String: CapturedObject]

    /// The events to send in its place: none where the filter says no, one per record where it was enriched. All have
    /// the event's replay id.
    func delivered(_ event: ReceivedEvent) throws -> [ReceivedEvent] {
        guard !member.isPlain, let entry = try schemas.entry(event.schemaID, reader) else { return [event] }
        guard entry.schema.isChangeEvent else {
            let values = try entry.schema.values(of: event.payload)
            return judge(FilterSource(header: nil, values: values, entry: entry), isGap: false) ? [event] : []
        }
        let change = try entry.schema.changeEvent(of: event.payload)
        switch change.header.changeType {
        case .create, .undelete, .snapshot:
            let source = FilterSource(header: change.header, values: change.values, entry: entry)
            return judge(source, isGap: false) ? [event] : []
        case .gapCreate, .gapUpdate, .gapDelete, .gapUndelete, .gapOverflow:
            // What a gap hides cannot be tested: it goes out unless its header alone says no.
            return judge(FilterSource(header: change.header, values: [:], entry: entry), isGap: true) ? [event] : []
        case .update, .delete:
            return try enriched(event, change, entry)
        }
    }

    private func enriched(
        _ event: ReceivedEvent, _ change: ChangeEvent, _ entry: SchemaCache.Entry
    ) throws -> [ReceivedEvent] {
        let ids = change.header.recordIDs.map { RecordID($0) }
        guard ids.allSatisfy({ $0 != nil }) else { return [event] }
        let added = addedNames(entry).filter { change.values[$0] == nil }
        var events: [ReceivedEvent] = []
        for id in ids.compactMap({ $0 }) {
            var values = change.values
            if !added.isEmpty {
                let fields = try reader.record(entity: change.header.entityName, id: id)?.image.fields ?? [:]
                let object = captured[change.header.entityName]?.object
                for name in added {
                    values[name] = object?.field(name)?.isHidden == true ? .null : fields[name] ?? .null
                }
            }
            var header = change.header
            header.recordIDs = [id.string]
            guard judge(FilterSource(header: header, values: values, entry: entry), isGap: false) else { continue }
            var copy = event
            copy.payload = try entry.schema.encode(header: header, values: values)
            events.append(copy)
        }
        return events
    }

    /// Flat names of the member's enriched fields and of those that its filter tests.
    private func addedNames(_ entry: SchemaCache.Entry) -> Set<String> {
        var names = Set(member.enrichedFields.flatMap { entry.flatNames(of: $0) })
        for field in member.filter?.fields ?? [] {
            if let name = entry.flatNames[field.lowercased()] { names.insert(name) }
        }
        return names
    }

    private func judge(_ source: FilterSource, isGap: Bool) -> Bool {
        guard let filter = member.filter else { return true }
        switch filter.evaluate(on: source) {
        case .yes: return true
        case .no: return false
        case .unknown: return isGap
        }
    }
}

/// An event with its enriched values, as a filter sees it.
struct FilterSource: FieldSource {
    /// Nil for platform events.
    let header: ChangeEventHeader?
    let values: [String: FieldValue]
    let entry: SchemaCache.Entry

    func value(of field: String) -> Value? {
        let name = field.lowercased()
        if let header, name.hasPrefix(FilterRules.headerPrefix) {
            return value(ofHeaderField: name.dropFirst(FilterRules.headerPrefix.count), header)
        }
        guard let flat = entry.flatNames[name] else { return nil }
        return values[flat].map { Value($0) } ?? (header == nil ? Value.null : nil)
    }

    private func value(ofHeaderField name: Substring, _ header: ChangeEventHeader) -> Value? {
        switch name {
        case "entityname": .string(header.entityName)
        case "changetype": .string(header.changeType.rawValue)
        case "changeorigin": .string(header.changeOrigin)
        case "transactionkey": .string(header.transactionKey)
        case "sequencenumber": .integer(Int64(header.sequenceNumber))
        case "committimestamp": .integer(header.commitTimestamp)
        case "commitnumber": .integer(header.commitNumber)
        case "commituser": .string(header.commitUser)
        default: nil
        }
    }
}
