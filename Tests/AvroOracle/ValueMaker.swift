import ChangeEvents

/// Makes up schemas and values of them from a seed: every type, namespaces, references to earlier types, recursion.
struct ValueMaker {
    private var random: SplitMix
    private var typesMade = 0
    /// Full names of complete named types, which may be referred to.
    private var complete: [String] = []
    /// Full names of the records that are being made, which may be referred to where a union gives a way out.
    private var open: [String] = []

    init(seed: UInt64) { random = SplitMix(state: seed) }

    // MARK: Schemas

    mutating func schema() -> String {
        pick(3) == 0 ? type(depth: 0) : record(depth: 0)
    }

    private mutating func pick(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

    private mutating func name(_ prefix: String) -> (attributes: String, full: String) {
        typesMade += 1
        let name = "\(prefix)\(typesMade)"
        switch pick(3) {
        case 0: return (#""name":"\#(name)","namespace":"space\#(pick(3)).inner""#, "")
        case 1: return (#""name":"other.place.\#(name)","doc":"a \"doc\"""#, "other.place.\(name)")
        // In the enclosing namespace; its full name is not known here, so nothing refers to it. (An empty namespace
        // attribute would mean none; fastavro inherits there, so it is left to the unit tests.)
        default: return (#""name":"\#(name)""#, name)
        }
    }

    /// Adds the full name of a type to the referable ones; those of a named space carry it in the attributes.
    private static func full(_ named: (attributes: String, full: String)) -> String {
        guard named.full.isEmpty else { return named.full }
        let parts = named.attributes.split(separator: "\"")
        return "\(parts[6]).\(parts[2])"
    }

    private mutating func type(depth: Int, inUnion: Bool = false) -> String {
        let isLeaf = depth > 4
        switch pick(isLeaf ? 9 : 16) {
        case 0: return "\"null\""
        case 1: return "\"boolean\""
        case 2: return #"{"type":"int","logicalType":"unknown"}"#
        case 3: return "\"long\""
        case 4: return "\"float\""
        case 5: return "\"double\""
        case 6: return "\"bytes\""
        case 7, 8: return "\"string\""
        case 9:
            let named = name("Fixed")
            complete.append(Self.full(named))
            return #"{"size":\#(pick(9)),"type":"fixed",\#(named.attributes)}"#
        case 10:
            let named = name("Enum")
            complete.append(Self.full(named))
            let symbols = (0...pick(5)).map { "\"S\($0)\"" }.joined(separator: ",")
            return #"{"type":"enum",\#(named.attributes),"symbols":[\#(symbols)]}"#
        case 11: return #"{"type":"array","items":\#(type(depth: depth + 1))}"#
        case 12: return #"{"values":\#(type(depth: depth + 1)),"type":"map"}"#
        case 13: return record(depth: depth + 1)
        case 14:
            // Only names with a namespace: one without would be looked up in the enclosing namespace.
            let referable = complete.filter { $0.contains(".") }
            guard !referable.isEmpty else { return "\"long\"" }
            return "\"\(referable[pick(referable.count)])\""
        default: return inUnion ? "\"string\"" : union(depth: depth + 1)
        }
    }

    private mutating func union(depth: Int) -> String {
        let recursive = open.filter { $0.contains(".") }
        if pick(4) == 0, let record = recursive.last { return #"["null","\#(record)"]"# }
        var branches: [String] = pick(2) == 0 ? ["\"null\""] : []
        var kinds: Set<String> = Set(branches)
        let before = Set(complete)
        for _ in 0...pick(3) {
            let known = complete
            let branch = type(depth: depth, inUnion: true)
            // A reference to a type that another branch defines would be that type twice.
            let isNewReference =
                branch.contains(".") && branch.hasPrefix("\"")
                && !before.contains(String(branch.dropFirst().dropLast()))
            if !isNewReference, kinds.insert(Self.kind(branch)).inserted {
                branches.append(branch)
            } else {
                // Dropped, and with it the types that it defines.
                complete = known
            }
        }
        return "[" + branches.joined(separator: ",") + "]"
    }

    /// What may stand once in a union.
    private static func kind(_ type: String) -> String {
        if type.hasPrefix("\"") { return type }
        if type.contains("logicalType") && type.hasPrefix(#"{"type":"int""#) { return "\"int\"" }
        if type.hasPrefix(#"{"type":"array""#) { return "array" }
        if type.hasSuffix(#""type":"map"}"#) { return "map" }
        return type
    }

    private mutating func record(depth: Int) -> String {
        let named = name("Record")
        let full = Self.full(named)
        open.append(full)
        let fields = (0..<pick(6)).map { index in
            #"{"type":\#(type(depth: depth + 1)),"name":"f\#(index)","doc":"Data:Text"}"#
        }
        open.removeLast()
        complete.append(full)
        return #"{"fields":[\#(fields.joined(separator: ","))],"type":"record",\#(named.attributes)}"#
    }

    // MARK: Values

    mutating func value(_ type: Int, of schema: AvroSchema, depth: Int = 0) -> AvroValue {
        let itemsMax = depth > 12 ? 1 : depth > 3 ? 2 : 5
        switch schema.types[type] {
        case .null: return .null
        case .boolean: return .boolean(pick(2) == 0)
        case .int: return .int(pick(3) == 0 ? Int32(pick(200) - 100) : Int32(truncatingIfNeeded: random.next()))
        case .long: return .long(Int64(bitPattern: random.next()) >> Int64(pick(64)))
        case .float:
            return .float(
                pick(4) == 0 ? Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) : Float(pick(1000)) / 8)
        case .double: return .double(pick(4) == 0 ? Double(bitPattern: random.next()) : Double(pick(1_000_000)) / 100)
        case .bytes: return .bytes((0..<pick(20)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        case .string: return .string(text())
        case .fixed(let fixed): return .fixed((0..<fixed.size).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        case .enumeration(let enumeration): return .enumeration(pick(enumeration.symbols.count))
        case .array(let items):
            return .array((0..<pick(itemsMax)).map { _ in value(items, of: schema, depth: depth + 1) })
        case .map(let values):
            return .map(
                (0..<pick(itemsMax)).map {
                    .init(key: "\($0)" + text(), value: value(values, of: schema, depth: depth + 1))
                })
        case .record(let record):
            return .record(record.fields.map { value($0.type, of: schema, depth: depth + 1) })
        case .union(let branches):
            // Deep down the first branch, which ends recursion: it is null wherever a record refers to itself.
            let branch = depth > 12 ? 0 : pick(branches.count)
            return .union(branch: branch, value(branches[branch], of: schema, depth: depth + 1))
        }
    }

    private mutating func text() -> String {
        let characters = Array("abcXYZ019 \"\\/\n\t\u{1}\u{7F}äß€漢字🚗\u{2028}")
        return String((0..<pick(24)).map { _ in characters[pick(characters.count)] })
    }
}

/// SplitMix64, so that a seed gives the same schema and value on every machine.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }
}
