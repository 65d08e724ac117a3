public import ChangeEvents
public import NIOCore
public import Store

extension RecordID {
    /// A record id with the key prefix and the number in base 62: `.test("500", 7)`.
    public static func test(_ keyPrefix: String, _ number: Int) -> RecordID {
        let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        var rest = number
        var characters: [Character] = []
        for _ in 0..<12 {
            characters.append(digits[rest % 62])
            rest /= 62
        }
        guard let id = RecordID(keyPrefix + String(characters.reversed())) else {
            preconditionFailure("a key prefix has three letters or digits, not '\(keyPrefix)'")
        }
        return id
    }
}

extension ChangeEventHeader {
    public static func test(
        _ changeType: ChangeType, entity: String = "Case", recordIDs: [String], sequenceNumber: Int32 = 1,
        transactionKey: String = "0001aaaa-0000-0000-0000-000000000001", commitTimestamp: Int64 = 1_700_000_000_000,
        commitNumber: Int64 = 12_279_648_331_300, changedFields: [String] = []
    ) -> ChangeEventHeader {
        ChangeEventHeader(
            entityName: entity, recordIDs: recordIDs, changeType: changeType,
            changeOrigin: "com/salesforce/api/rest/66.0;client=test", transactionKey: transactionKey,
            sequenceNumber: sequenceNumber, commitTimestamp: commitTimestamp, commitNumber: commitNumber,
            commitUser: "005Dp000000PpjsIAC", changedFields: changedFields)
    }
}

extension ReceivedEvent {
    public static func test(
        topic: String = "/data/CaseChangeEvent", counter: UInt64, eventID: String? = nil,
        schema: String = "4egfTTaxua4Y39nYlBXfNg",
        payload: ByteBuffer? = nil
    ) -> ReceivedEvent {
        ReceivedEvent(
            topic: topic, replayID: ReplayID(counter: counter), eventID: eventID ?? "event-\(counter)",
            schemaID: SchemaID(schema), payload: payload ?? ByteBuffer(string: "payload of \(counter)"))
    }
}

extension NewEvent {
    /// An update of one case; `number` makes replay id, record id and values.
    public static func test(
        _ number: Int, topic: String = "/data/CaseChangeEvent", eventName: String = "CaseChangeEvent",
        receivedAt: Int64 = 1_700_000_000_000, payloadBytes: Int? = nil
    ) -> NewEvent {
        let id = RecordID.test("500", number)
        let before = RecordImage(
            entity: "Case", id: id,
            fields: ["Status": .string("New"), "Subject": .string("Case \(number)"), "Priority": .null],
            isComplete: true)
        var after = before
        after.fields["Status"] = .string("Working")
        return NewEvent(
            event: .test(
                topic: topic, counter: UInt64(number),
                payload: payloadBytes.map { ByteBuffer(repeating: UInt8(truncatingIfNeeded: number), count: $0) }),
            eventName: eventName,
            routing: EventRouting(
                header: .test(.update, recordIDs: [id.string], transactionKey: "tx-\(number)", changedFields: ["0x02"]),
                changedFields: ["Status"]),
            transitions: [RecordTransition(id: id, before: before, after: after)], receivedAt: receivedAt)
    }
}

extension StoredRecord {
    public static func test(_ number: Int, entity: String = "Case", status: String = "New") -> StoredRecord {
        StoredRecord(
            image: RecordImage(
                entity: entity, id: .test("500", number),
                fields: ["Status": .string(status), "Number": .integer(Int64(number))],
                isComplete: true),
            isDeleted: false, commitTimestamp: 1_700_000_000_000, needsRefetch: false)
    }
}

extension ObjectTable {
    /// Of what `StoredRecord.test(_, entity: "Task")` makes, found by its status.
    public static let indexedTask = ObjectTable(
        entity: "Task", columns: [.init("Status", .text, isIndexed: true), .init("Number", .integer)])
}

extension LoggedEvent {
    /// Everything that must come back as it went in, in one comparable value.
    public var parts: EventParts { EventParts(self) }
}

/// The contents of a logged event, comparable.
public struct EventParts: Hashable, Sendable {
    public var position: Position
    public var event: ReceivedEvent
    public var eventName: String
    public var routing: EventRouting?
    public var transitions: [RecordTransition]
    public var receivedAt: Int64

    public init(_ event: LoggedEvent) {
        position = event.position
        self.event = event.content.event
        eventName = event.content.eventName
        routing = event.content.routing
        transitions = event.content.transitions
        receivedAt = event.content.receivedAt
    }
}
