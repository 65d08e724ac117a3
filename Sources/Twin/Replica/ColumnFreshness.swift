import ChangeEvents
import Store

/// Columns of an object that are kept in the same way, and how fresh their values are.
public struct ColumnFreshness: Sendable, Hashable, Codable {
    public enum Source: String, Sendable, Hashable, Codable {
        /// Every change is an event.
        case events
        /// The org is asked for what has changed.
        case poll
        /// They are read for every record, on a schedule.
        case refresh
        /// Nothing tells of their changes: they are as of the last time that the record was read.
        case reading
    }

    public var source: Source
    /// API names, in the table's order.
    public var columns: [String]
    /// No value is older: when the poll or the reading began that was the last to bring all of them, in milliseconds since 1970; nil:
    /// it is not known yet, or they follow their events.
    public var asOf: Int64?
    /// Seconds from one to the next; nil: there is no schedule.
    public var every: Int64?
}

extension Twin {
    /// How an object's columns are kept. Empty: there is no table yet.
    func freshness(
        of object: ReplicatedObject, _ known: ReplicaState.Object?, _ reader: any StoreReader
    ) throws(StoreError) -> [ColumnFreshness] {
        guard let known, !known.fields.isEmpty else { return [] }
        let calculated = Set(known.calculated ?? [])
        let heard = try object.topics.isEmpty ? [] : heardFields(of: object, reader)
        var groups: [ColumnFreshness.Source: [String]] = [:]
        for name in known.fields {
            let source: ColumnFreshness.Source =
                if calculated.contains(name) {
                    object.refreshFormulas == nil ? .reading : .refresh
                } else if !object.topics.isEmpty, heard?.contains(name) ?? (object.poll == nil) {
                    .events
                } else {
                    object.poll == nil ? .reading : .poll
                }
            groups[source, default: []].append(name)
        }
        let all: [ColumnFreshness.Source] = [.events, .poll, .refresh, .reading]
        return all.compactMap { source in
            guard let columns = groups[source] else { return nil }
            let onlyFormulas = calculated.isSuperset(of: columns)
            return switch source {
            case .events: ColumnFreshness(source: source, columns: columns)
            case .poll:
                ColumnFreshness(
                    source: source, columns: columns, asOf: known.polled?.at, every: object.poll?.components.seconds)
            case .refresh:
                ColumnFreshness(
                    source: source, columns: columns, asOf: known.formulasAt,
                    every: object.refreshFormulas?.components.seconds)
            case .reading:
                ColumnFreshness(source: source, columns: columns, asOf: onlyFormulas ? known.formulasAt : known.readAt)
            }
        }
    }

    /// Flat names of the fields that the object's events have; nil: none has come yet.
    private func heardFields(
        of object: ReplicatedObject, _ reader: any StoreReader
    ) throws(StoreError) -> Set<String>? {
        let name = ChangeEventHeader.eventName(ofEntity: object.name)
        guard let id = try reader.newestSchemaID(eventName: name), let schema = try schemaInTransaction(id, reader)
        else { return nil }
        return schema.recordFields
    }
}
