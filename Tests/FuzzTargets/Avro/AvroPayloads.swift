import ChangeEvents
import NIOCore

@testable import Doors

/// Avro payloads of four schemas: what is decoded and encoded again is decoded to the same; the compiled program takes what
/// the decoder takes, refuses what it refuses, and writes JSON.
enum AvroPayloads {
    static func run(_ input: inout FuzzInput) {
        let number = Int(input.byte()) % SampleSchemas.plain.count
        let payload = ByteBuffer(bytes: input.remaining())
        check(payload, SampleSchemas.plain[number], SampleSchemas.compiled[number])
    }

    static func check(_ payload: ByteBuffer, _ schema: AvroSchema, _ compiled: EventSchema?) {
        var value: AvroValue?
        do throws(AvroError) {
            value = try schema.decode(payload)
        } catch {
            property("an error has a message", holds: !error.message.isEmpty)
            property(
                "an error's place is in the payload", holds: (0...payload.readableBytes).contains(error.offset ?? 0))
        }
        var json = ByteBuffer()
        let isWritten = compiled.map { compiled in attempt { try compiled.writeRawJSON(payload, into: &json) } != nil }
        if let isWritten {
            property("the compiled program takes what the decoder takes", holds: isWritten == (value != nil))
        }
        guard let value else {
            return property("nothing is written of a payload that is none", holds: json.readableBytes == 0)
        }
        if isWritten == true, schema.canonicalForm.count < 2_000 {
            // Maps may hold a key twice, and nest deeper than the reader goes: then it says so.
            do throws(JSONError) {
                _ = try JSONParser.parse(json.readableBytesView)
            } catch {
                property(
                    "what is written of a payload is JSON",
                    holds: error.reason.hasPrefix("Duplicate field")
                        || error.reason.hasPrefix("The document nests deeper"))
            }
        }
        // Not the values are compared: a number that is none equals nothing.
        let first = must("what is decoded can be encoded") { try schema.encode(value) }
        let again = must("what is encoded can be decoded") { try schema.decode(first) }
        let second = must("what is decoded can be encoded") { try schema.encode(again) }
        property("what is encoded and decoded is encoded the same", holds: first == second)
        property("the shortest form is not longer", holds: first.readableBytes <= payload.readableBytes)
    }
}
