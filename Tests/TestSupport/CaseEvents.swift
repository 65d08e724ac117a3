public import ChangeEvents
import NIOCore

/// A small schema of our own and events of it, for tests that need real Avro but no fixtures.
public struct CaseEvents: Sendable {
    public let schema: EventSchema
    public static let topic = "/data/CaseChangeEvent"

    public init() throws { schema = try EventSchema(json: Self.json) }

    /// A change event. `changes` are the values by flat name; for an update they and `nulled` make up the bitmaps.
    public func event(
        _ changeType: ChangeType, ids: [String], counter: UInt64, changes: [String: FieldValue] = [:],
        nulled: [String] = [],
        diffs: [String] = [], enriched: [String: FieldValue] = [:], commitTimestamp: Int64,
        transactionKey: String? = nil,
        entity: String = "Case", topic: String = CaseEvents.topic, eventID: String? = nil
    ) throws -> ReceivedEvent {
        var header = ChangeEventHeader.test(
            changeType, entity: entity, recordIDs: ids, transactionKey: transactionKey ?? "tx-\(counter)",
            commitTimestamp: commitTimestamp)
        if changeType == .update {
            header.changedFields = try schema.bitmap(ofNames: changes.keys.sorted() + nulled)
            header.nulledFields = try schema.bitmap(ofNames: nulled)
            header.diffFields = try schema.bitmap(ofNames: diffs)
        }
        let payload = try schema.encode(header: header, values: changes.merging(enriched) { $1 })
        return ReceivedEvent(
            topic: topic, replayID: ReplayID(counter: counter), eventID: eventID ?? "event-\(counter)",
            schemaID: schema.id,
            payload: payload)
    }

    public static let fieldNames = [
        "Subject", "Status", "Priority", "Description", "ContactId", "IsClosed", "LastModifiedDate",
    ]

    private static let json = """
        {"name":"CaseChangeEvent","namespace":"com.sforce.eventbus","type":"record","fields":[\(SchemaText.header),
        \(SchemaText.field("Subject", "\"string\"", "Data:Text")),
        \(SchemaText.field("Status", "\"string\"", "Data:DynamicEnum")),
        \(SchemaText.field("Priority", "\"string\"", "Data:DynamicEnum")),
        \(SchemaText.field("Description", "\"string\"", "Data:StringPlusClob")),
        \(SchemaText.field("ContactId", "\"string\"", "ForeignKey:EntityId")),
        \(SchemaText.field("IsClosed", "\"boolean\"", "Data:Boolean")),
        \(SchemaText.field("LastModifiedDate", "\"long\"", "Data:DateTime"))]}
        """
}
