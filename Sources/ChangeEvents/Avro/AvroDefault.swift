/// Turns the `default`s of one schema's fields into values.
struct AvroDefault {
    private var stepsLeft = AvroLimits.defaultStepsMax

    /// Nothing more is tried: where a union holds records of unions, each level doubles what there is to try.
    var isExhausted: Bool { stepsLeft < 0 }

    /// Nil when the JSON does not fit the type, or when there is too much to try. For a union, the first branch that fits
    /// (Avro before 1.12: the first).
    mutating func value(_ json: JSONText, type: Int, types: [AvroSchema.AvroType]) -> AvroValue? {
        stepsLeft -= 1
        guard !isExhausted else { return nil }
        switch (types[type], json) {
        case (.null, .null): return .null
        case (.boolean, .boolean(let flag)): return .boolean(flag)
        case (.int, .number(let text)): return Int32(text).map { .int($0) }
        case (.long, .number(let text)): return Int64(text).map { .long($0) }
        case (.float, .number(let text)): return Float(text).map { .float($0) }
        case (.double, .number(let text)): return Double(text).map { .double($0) }
        case (.string, .string(let text)): return .string(text)
        case (.bytes, .string(let text)): return Self.latin1(text).map { .bytes($0) }
        case (.fixed(let fixed), .string(let text)):
            guard let bytes = Self.latin1(text), bytes.count == fixed.size else { return nil }
            return .fixed(bytes)
        case (.enumeration(let enumeration), .string(let text)):
            return enumeration.symbols.firstIndex(of: text).map { .enumeration($0) }
        case (.array(let items), .array(let values)):
            return Self.all(values.map { value($0, type: items, types: types) }).map { .array($0) }
        case (.map(let valueType), .object(let members)):
            let values = Self.all(members.map { value($0.value, type: valueType, types: types) })
            return values.map { values in
                .map(zip(members, values).map { AvroValue.Entry(key: $0.key, value: $1) })
            }
        case (.record(let record), .object):
            return Self.all(
                record.fields.map { field in
                    json[field.name].flatMap { value($0, type: field.type, types: types) } ?? field.defaultValue
                }
            ).map { .record($0) }
        case (.union(let branches), _):
            for (index, branch) in branches.enumerated() {
                if let value = value(json, type: branch, types: types) { return .union(branch: index, value) }
            }
            return nil
        case (.null, _), (.boolean, _), (.int, _), (.long, _), (.float, _), (.double, _), (.string, _), (.bytes, _),
            (.fixed, _), (.enumeration, _), (.array, _), (.map, _), (.record, _):
            return nil
        }
    }

    private static func all(_ values: [AvroValue?]) -> [AvroValue]? {
        let present = values.compactMap { $0 }
        return present.count == values.count ? present : nil
    }

    /// Avro writes bytes in JSON as the characters U+0000 to U+00FF.
    private static func latin1(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            guard let byte = UInt8(exactly: scalar.value) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
