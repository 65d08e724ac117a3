import ChangeEvents
import Foundation
import NIOCore

/// The codec behind a line protocol, for comparison with other Avro implementations (`Tests/peers/test_avro_oracle.py`).
///
/// Reads one JSON object per line from standard input and answers each with one on standard output:
///
/// - `{"op":"decode","schema":…,"payload":hex}`: decodes and encodes again; answers `canonical`, `id`, `payload`, `value` and,
///   for records, `raw` (the text of the compiled program's plain JSON);
/// - `{"op":"generate","seed":n}`: makes up a schema and a value; answers `schema` beside the same;
/// - `{"op":"event","schema":…,"payload":hex,"mask":[…]?}`: reads a change event; answers `json` (the text of the CometD form),
///   `changed`, `nulled`, `diffs` and `payload` (made again from the decoded values).
///
/// What fails is answered with `{"error":…,"offset":…,"path":…}`. Not a product; tests only.
@main
struct AvroOracle {
    static func main() throws {
        while let line = readLine(strippingNewline: true) {
            let answer: [String: Any]
            do {
                answer = try Self.answer(
                    try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:])
            } catch let error as AvroError {
                answer = ["error": "\(error)", "offset": error.offset ?? -1, "path": error.path ?? ""]
            }
            var data = try JSONSerialization.data(withJSONObject: answer)
            data.append(0x0A)
            try FileHandle.standardOutput.write(contentsOf: data)
        }
    }

    private static func answer(_ request: [String: Any]) throws -> [String: Any] {
        let text = request["schema"] as? String ?? ""
        let payload = ByteBuffer(bytes: bytes(ofHex: request["payload"] as? String ?? ""))
        switch request["op"] as? String {
        case "decode":
            return try decoded(schema: AvroSchema(json: text), json: text, payload)
        case "generate":
            var maker = ValueMaker(seed: (request["seed"] as? NSNumber)?.uint64Value ?? 0)
            let text = maker.schema()
            let schema = try AvroSchema(json: text)
            let value = maker.value(schema.root, of: schema)
            var answer = try decoded(schema: schema, json: text, try schema.encode(value))
            answer["schema"] = text
            return answer
        case "event":
            return try event(try EventSchema(json: text), payload, mask: request["mask"] as? [String])
        default:
            return ["error": "unknown op"]
        }
    }

    private static func decoded(schema: AvroSchema, json: String, _ payload: ByteBuffer) throws -> [String: Any] {
        let value = try schema.decode(payload)
        var answer: [String: Any] = [
            "canonical": schema.canonicalForm, "id": schema.id.string, "payload": hex(try schema.encode(value)),
            "value": report(value, schema.root, schema),
        ]
        if case .record = schema.types[schema.root] {
            var buffer = ByteBuffer()
            try EventSchema(json: json).writeRawJSON(payload, into: &buffer)
            answer["raw"] = String(buffer: buffer)
        }
        return answer
    }

    private static func event(_ schema: EventSchema, _ payload: ByteBuffer, mask: [String]?) throws -> [String: Any] {
        let change = try schema.changeEvent(of: payload)
        var buffer = ByteBuffer()
        try schema.writeJSON(payload, mask: .init(flatNames: mask.map { Set($0) }), into: &buffer)
        return [
            "json": String(buffer: buffer), "changed": change.changedFields, "nulled": change.nulledFields,
            "diffs": change.diffFields, "payload": hex(try schema.encode(header: change.header, values: change.values)),
            "bitmap": try schema.bitmap(ofNames: change.changedFields),
        ]
    }

    /// A value for comparison: floats as `{"$f":bits of the double}`, bytes as `{"$b":hex}`, everything else as JSON.
    private static func report(_ value: AvroValue, _ type: Int, _ schema: AvroSchema) -> Any {
        switch (value, schema.types[type]) {
        case (.null, _): return NSNull()
        case (.boolean(let flag), _): return flag
        case (.int(let number), _): return Int64(number)
        case (.long(let number), _): return number
        case (.float(let number), _): return ["$f": bits(Double(number))]
        case (.double(let number), _): return ["$f": bits(number)]
        case (.bytes(let bytes), _), (.fixed(let bytes), _): return ["$b": hex(ByteBuffer(bytes: bytes))]
        case (.string(let text), _): return text
        case (.enumeration(let symbol), .enumeration(let enumeration)): return enumeration.symbols[symbol]
        case (.union(let branch, let value), .union(let branches)): return report(value, branches[branch], schema)
        case (.array(let values), .array(let items)): return values.map { report($0, items, schema) }
        case (.map(let entries), .map(let values)):
            return Dictionary(entries.map { ($0.key, report($0.value, values, schema)) }, uniquingKeysWith: { $1 })
        case (.record(let values), .record(let record)):
            return Dictionary(
                zip(record.fields, values).map { ($0.name, report($1, $0.type, schema)) }, uniquingKeysWith: { $1 })
        default: return ["$error": "the value is not of its type"]
        }
    }

    private static func bits(_ number: Double) -> String {
        number.isNaN ? "nan" : String(number.bitPattern, radix: 16)
    }

    private static func hex(_ buffer: ByteBuffer) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: buffer.readableBytesView.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func bytes(ofHex text: String) -> [UInt8] {
        let digits = Array(text.utf8)
        func value(_ digit: UInt8) -> UInt8 { digit < 0x3A ? digit &- 0x30 : digit &- 0x57 }
        return stride(from: 0, to: digits.count - 1, by: 2).map { value(digits[$0]) << 4 | value(digits[$0 + 1]) }
    }
}
