internal import ChangeEvents
internal import NIOCore

/// Everything that an event's JSON follows from.
struct BayeuxEventKey: Hashable {
    var replayID: ReplayID
    var eventID: String
    var schemaID: SchemaID
    /// What the listener may see of it, not what the event is.
    var payload: ByteBuffer
    var channel: String
    var apiVersion: Int
}

typealias BayeuxEncodings = RecentEncodings<BayeuxEventKey>

/// Writes an event as CometD has it: `{"data":{…},"channel":"…"}`. Stateless.
enum BayeuxEventWriter {
    /// `EventUuid` comes with this API version, `EventApiName` with the other.
    static let eventUUIDVersion = 52
    static let eventNameVersion = 55

    /// `schema` nil: nobody knows the event's schema, so its payload is empty; header-less, but not lost.
    static func write(
        _ event: ReceivedEvent, schema: EventSchema?, channel: String, apiVersion: Int
    ) throws(AvroError) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(event.payload.readableBytes * 2 + 1024)
        if let schema, schema.recordName == LegacyEvent.schemaName {
            try LegacyEvent(schema.values(of: event.payload)).write(event.replayID, into: &buffer)
        } else {
            try write(event, schema: schema, apiVersion: apiVersion, into: &buffer)
        }
        buffer.writeStaticString(",\"channel\":")
        JSONWriter.write(.string(channel), into: &buffer)
        buffer.writeStaticString("}")
        return buffer
    }

    private static func write(
        _ event: ReceivedEvent, schema: EventSchema?, apiVersion: Int, into buffer: inout ByteBuffer
    ) throws(AvroError) {
        buffer.writeStaticString("{\"data\":{\"schema\":")
        JSONWriter.write(.string(event.schemaID.string), into: &buffer)
        buffer.writeStaticString(",\"payload\":")
        if let schema {
            try schema.writeJSON(event.payload, mask: .all, into: &buffer)
        } else {
            buffer.writeStaticString("{}")
        }
        var members: [JSONValue.Member] = []
        let isPlatformEvent = schema.map { !$0.isChangeEvent } ?? false
        if isPlatformEvent, apiVersion >= eventUUIDVersion {
            members.append(.init(name: "EventUuid", value: .string(event.eventID)))
        }
        members.append(.init(name: "replayId", value: replayID(event.replayID)))
        if isPlatformEvent, apiVersion >= eventNameVersion, let schema {
            members.append(.init(name: "EventApiName", value: .string(schema.recordName)))
        }
        buffer.writeStaticString(",\"event\":")
        JSONWriter.write(.object(members), into: &buffer)
        buffer.writeStaticString("}")
    }

    /// The counter as a number. An id of another form (an event of somewhere else) is text.
    static func replayID(_ id: ReplayID) -> JSONValue {
        id.counter.map { .number(String($0)) } ?? .string(id.description)
    }
}
