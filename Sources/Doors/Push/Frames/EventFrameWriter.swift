internal import ChangeEvents
internal import Matching
internal import NIOCore
internal import Store

/// Composes the JSON of `event` and `left`: the envelope that `lightning/empApi` knows, around the payload.
enum EventFrameWriter {
    /// An event as Salesforce sent it, for one of its records.
    static func event(
        _ item: LogItem, record: Int, channel: String, mask: EventSchema.Mask
    ) throws(AvroError) -> ByteBuffer {
        var buffer = open("event", item, channel: channel)
        if let event = item.event?.content, let schema = item.schema {
            try schema.schema.writeJSON(
                event.event.payload, mask: mask, recordIDs: recordIDs(item, record), into: &buffer)
        } else {
            buffer.writeStaticString("{")
            writeHeader(of: item, record: record, changedFields: [], into: &buffer)
            buffer.writeStaticString("}")
        }
        close(item, into: &buffer)
        return buffer
    }

    /// The whole record after the change. Where no image of it exists (a deletion, an object that is not tracked) there is
    /// nothing more whole than what Salesforce sent.
    static func whole(
        _ item: LogItem, record: Int, channel: String, fields: Set<String>?, mask: EventSchema.Mask
    ) throws(AvroError) -> ByteBuffer {
        guard let image = item.inputs[record].transition.after else {
            return try event(item, record: record, channel: channel, mask: mask)
        }
        var buffer = open("event", item, channel: channel)
        buffer.writeStaticString("{")
        let changed = (item.event?.content.routing?.changedFields ?? []).filter { name in
            guard fields != nil, let permitted = mask.flatNames else { return true }
            return (item.schema?.flatNames(of: name) ?? [name]).contains(where: permitted.contains)
        }
        writeHeader(of: item, record: record, changedFields: changed, into: &buffer)
        write(image, schema: item.schema, permitted: mask.flatNames, into: &buffer)
        buffer.writeStaticString("}")
        // A field that is not there is not known, then: it is not empty.
        if !image.isComplete { buffer.writeStaticString(",\"incomplete\":true") }
        close(item, into: &buffer)
        return buffer
    }

    /// The record is out of view: its id and the circumstances, neither values nor the names of fields.
    static func left(_ item: LogItem, record: Int, channel: String) -> ByteBuffer {
        var buffer = open("left", item, channel: channel)
        buffer.writeStaticString("{")
        writeHeader(of: item, record: record, changedFields: [], into: &buffer)
        buffer.writeStaticString("}")
        close(item, into: &buffer)
        return buffer
    }

    private static func recordIDs(_ item: LogItem, _ record: Int) -> [String]? {
        item.event?.content.routing == nil ? nil : [item.inputs[record].transition.id.string]
    }

    private static func open(_ type: StaticString, _ item: LogItem, channel: String) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 512)
        buffer.writeStaticString("{\"type\":\"")
        buffer.writeStaticString(type)
        buffer.writeStaticString("\"")
        buffer.writeJSON(member: "channel", string: channel)
        buffer.writeStaticString(",\"data\":{\"schema\":")
        buffer.writeJSON(string: item.event?.content.event.schemaID.string ?? "")
        buffer.writeStaticString(",\"payload\":")
        return buffer
    }

    private static func close(_ item: LogItem, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(",\"event\":{\"replayId\":")
        buffer.writeJSON(replayID: item.replayID)
        if let event = item.event?.content, event.routing == nil {
            // As CometD names the event on a platform event channel.
            buffer.writeJSON(member: "EventUuid", string: event.event.eventID)
            buffer.writeJSON(member: "EventApiName", string: event.eventName)
        }
        buffer.writeStaticString("}}}")
    }

    private static func writeHeader(
        of item: LogItem, record: Int, changedFields: [String], into buffer: inout ByteBuffer
    ) {
        guard let header = item.event?.content.routing?.header else { return }
        buffer.writeJSON(
            header: header, recordIDs: [item.inputs[record].transition.id.string], changedFields: changedFields)
    }

    /// Every permitted field that is known, in the order of the schema, compounds as objects; then what the schema does not
    /// know, by name.
    private static func write(
        _ image: RecordImage, schema: SchemaFacts?, permitted: Set<String>?, into buffer: inout ByteBuffer
    ) {
        func value(_ flatName: String) -> FieldValue? {
            guard permitted?.contains(flatName) ?? true else { return nil }
            return image.fields[flatName] ?? (image.isComplete ? .null : nil)
        }
        var written: Set<String> = []
        for field in schema?.schema.fields ?? [] where field.name != "ChangeEventHeader" {
            written.formUnion(field.flatNames)
            if field.components.isEmpty {
                guard let value = value(field.flatNames.first ?? field.name) else { continue }
                writeMember(field.name, value, into: &buffer)
                continue
            }
            // A name that is one text for some records and a compound for others (accounts and person accounts).
            if field.flatNames.count > field.components.count, let text = value(field.name), text != .null {
                writeMember(field.name, text, into: &buffer)
                continue
            }
            let components = zip(field.components, field.flatNames).compactMap { component, flatName in
                value(flatName).map { (component, $0) }
            }
            guard !components.isEmpty else { continue }
            // The text of a person's name stands for the same.
            written.insert(field.name)
            buffer.writeStaticString(",")
            buffer.writeJSON(string: field.name)
            // As CometD shows a compound without a value.
            guard components.contains(where: { $0.1 != .null }) else {
                buffer.writeStaticString(":null")
                continue
            }
            buffer.writeStaticString(":{")
            for (index, (component, value)) in components.enumerated() {
                if index > 0 { buffer.writeStaticString(",") }
                buffer.writeJSON(string: component)
                buffer.writeStaticString(":")
                buffer.writeJSON(value: value)
            }
            buffer.writeStaticString("}")
        }
        for (name, value) in image.fields.sorted(by: { $0.key < $1.key }) where !written.contains(name) {
            guard permitted?.contains(name) ?? true else { continue }
            writeMember(name, value, into: &buffer)
        }
    }

    private static func writeMember(_ name: String, _ value: FieldValue, into buffer: inout ByteBuffer) {
        buffer.writeStaticString(",")
        buffer.writeJSON(string: name)
        buffer.writeStaticString(":")
        buffer.writeJSON(value: value)
    }
}
