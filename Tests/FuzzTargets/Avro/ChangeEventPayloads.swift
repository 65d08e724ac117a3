import NIOCore

@testable import ChangeEvents
@testable import Doors

/// Events of three schemas: the header alone is the header of the whole; what is decoded and encoded again says the same;
/// JSON is written of what can be decoded, and a mask leaves no other field in it; bitmaps and names are two forms of one
/// thing.
enum ChangeEventPayloads {
    static func run(_ input: inout FuzzInput) {
        let choice = input.byte()
        let schema = SampleSchemas.events[Int(choice & 3) % SampleSchemas.events.count]
        let bytes = input.remaining()
        bitmaps(bytes, schema)
        let payload = ByteBuffer(bytes: bytes)
        if schema.isChangeEvent {
            changeEvent(payload, schema)
        } else {
            platformEvent(payload, schema)
        }
        json(payload, schema)
    }

    // MARK: Bitmaps

    /// A line is one element.
    private static func bitmaps(_ bytes: [UInt8], _ schema: EventSchema) {
        guard bytes.count < 400 else { return }
        let bitmap = bytes.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
        guard let names = attempt({ try schema.names(ofBitmap: bitmap) }) else { return }
        let again = must("names of a bitmap make one") { try schema.bitmap(ofNames: names) }
        let namesAgain = must("a bitmap of ours can be read") { try schema.names(ofBitmap: again) }
        property("a bitmap that is made again has the same names", holds: namesAgain == names)
        property("names of a bitmap are those of slots", holds: names.allSatisfy { schema.slot(of: $0) != nil })
    }

    // MARK: Values

    private static func changeEvent(_ payload: ByteBuffer, _ schema: EventSchema) {
        let header = attempt { try schema.header(of: payload) }
        let event: ChangeEvent
        do throws(AvroError) {
            event = try schema.changeEvent(of: payload)
        } catch {
            property("an error has a message", holds: !error.message.isEmpty)
            property(
                "an error's place is in the payload", holds: (0...payload.readableBytes).contains(error.offset ?? 0))
            return
        }
        property("the header alone is the header of the whole", holds: header == event.header)
        property(
            "what an event says of fields is of the schema's fields",
            holds: (event.changedFields + event.nulledFields + event.diffFields).allSatisfy {
                schema.slot(of: $0) != nil
            })
        let encoded = must("what is decoded can be encoded") {
            try schema.encode(header: event.header, values: event.values)
        }
        let again = must("what is encoded can be decoded") { try schema.changeEvent(of: encoded) }
        property("an encoded event has the same header", holds: again.header == event.header)
        property("an encoded event changes the same fields", holds: again.changedFields == event.changedFields)
        let second = must("what is decoded can be encoded") {
            try schema.encode(header: again.header, values: again.values)
        }
        property("an event is encoded the same again", holds: second == encoded)
    }

    private static func platformEvent(_ payload: ByteBuffer, _ schema: EventSchema) {
        guard let values = attempt({ try schema.values(of: payload) }) else { return }
        let encoded = must("what is decoded can be encoded") { try schema.encode(values: values) }
        let again = must("what is encoded can be decoded") { try schema.values(of: encoded) }
        let second = must("what is decoded can be encoded") { try schema.encode(values: again) }
        property("an event is encoded the same again", holds: second == encoded)
    }

    // MARK: JSON

    private static let masks: [EventSchema.Mask] = [
        .all, EventSchema.Mask(flatNames: ["BillingCity", "Name", "Phone", "Ink_Percentage__c"]),
        EventSchema.Mask(flatNames: ["ShippingAddress", "LastName", "Description"]), EventSchema.Mask(flatNames: []),
    ]

    private static func json(_ payload: ByteBuffer, _ schema: EventSchema) {
        var isWritten: [Bool] = []
        for mask in masks {
            var buffer = ByteBuffer()
            isWritten.append(attempt { try schema.writeJSON(payload, mask: mask, into: &buffer) } != nil)
            if isWritten.last == true {
                check(buffer, mask, schema)
            } else {
                property("nothing is written of an event that is none", holds: buffer.readableBytes == 0)
            }
        }
        property("whether an event is one does not depend on who may see what", holds: Set(isWritten).count == 1)
        let canBeDecoded =
            schema.isChangeEvent
            ? attempt { try schema.changeEvent(of: payload) } != nil : attempt { try schema.values(of: payload) } != nil
        property("JSON is written of what can be decoded", holds: isWritten[0] == canBeDecoded)
        var raw = ByteBuffer()
        if isWritten[0] {
            must("raw JSON is written of what can be decoded") { try schema.writeRawJSON(payload, into: &raw) }
            _ = must("raw JSON is JSON") { try JSONParser.parse(raw.readableBytesView) }
        }
    }

    private static func check(_ buffer: ByteBuffer, _ mask: EventSchema.Mask, _ schema: EventSchema) {
        let document = must("what is written of an event is JSON") { try JSONParser.parse(buffer.readableBytesView) }
        guard let object = JSONObject(document) else { fatalError("violated: an event is an object") }
        guard let admitted = mask.flatNames else { return }
        for member in object.members where member.name != EventSchema.headerName {
            guard let field = schema.fields.first(where: { $0.name == member.name }) else {
                fatalError("violated: an event's members are its schema's fields")
            }
            property(
                "a mask leaves no other field",
                holds: admitted.contains(field.name) || field.flatNames.contains { admitted.contains($0) })
        }
        guard let header = JSONObject(object[EventSchema.headerName]) else { return }
        for name in header.array("changedFields") ?? [] {
            guard case .string(let name) = name, let slot = schema.slot(of: name) else {
                fatalError("violated: changed fields are named")
            }
            property("a mask leaves no other name", holds: isAdmitted(name, slot, admitted, schema))
        }
    }

    private static func isAdmitted(_ name: String, _ slot: Int, _ admitted: Set<String>, _ schema: EventSchema) -> Bool
    {
        if slot < schema.fields.count {
            let field = schema.fields[slot]
            return admitted.contains(field.name)
                || field.flatNames.prefix(max(1, field.components.count)).allSatisfy(admitted.contains)
        }
        guard let dot = name.firstIndex(of: "."), let field = schema.fields.first(where: { $0.name == name[..<dot] }),
            let place = field.components.firstIndex(of: String(name[name.index(after: dot)...]))
        else { return admitted.contains(name) }
        return admitted.contains(field.name) || admitted.contains(field.flatNames[place])
    }
}
