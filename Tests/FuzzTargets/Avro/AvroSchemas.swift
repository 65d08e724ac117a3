import NIOCore

@testable import ChangeEvents
@testable import Doors

/// Schema texts, and after a zero byte a payload: the canonical form of a schema is a schema with the same form and id, and
/// a payload of a stranger's schema is decoded as one of ours.
enum AvroSchemas {
    static func run(_ input: inout FuzzInput) {
        let text = String(decoding: input.part(until: 0), as: UTF8.self)
        let payload = ByteBuffer(bytes: input.remaining())
        let schema: AvroSchema
        do throws(AvroError) {
            schema = try AvroSchema(json: text)
        } catch {
            property("an error has a message", holds: !error.message.isEmpty)
            property("an error's place is in the text", holds: (0...text.utf8.count).contains(error.offset ?? 0))
            return
        }
        let form = schema.canonicalForm
        let again = must("a canonical form is a schema") { try AvroSchema(json: form) }
        property("a canonical form has itself as form", holds: again.canonicalForm == form && again.id == schema.id)
        property("an id has 22 characters", holds: schema.id.string.utf8.count == 22)

        let compiled = attempt { try EventSchema(json: text) }
        if let compiled {
            property("a compiled schema has the id of its text", holds: compiled.id == schema.id)
            for index in compiled.fields.indices { checkBitmap(of: compiled.fields[index].name, compiled) }
        }
        guard !hasFreeItems(schema) else { return }
        AvroPayloads.check(payload, schema, compiled)
    }

    private static func checkBitmap(of name: String, _ schema: EventSchema) {
        let bitmap = must("a field has a place in bitmaps") { try schema.bitmap(ofNames: [name]) }
        let names = must("a bitmap of ours can be read") { try schema.names(ofBitmap: bitmap) }
        property("a bitmap names its field", holds: names == [name])
    }

    /// Items without bytes may be a million: right, and too slow to try.
    private static func hasFreeItems(_ schema: AvroSchema) -> Bool {
        schema.types.contains { type in
            if case .array(let items) = type { schema.bytesMin[items] == 0 } else { false }
        }
    }
}
