/// Builds the type table of one schema from its JSON.
struct AvroSchemaParser {
    private var types: [AvroSchema.AvroType] = [.null, .boolean, .int, .long, .float, .double, .bytes, .string]
    private static let primitives = [
        "null": 0, "boolean": 1, "int": 2, "long": 3, "float": 4, "double": 5, "bytes": 6, "string": 7,
    ]
    /// Named types by full name.
    private var named: [String: Int] = [:]
    /// Defaults wait until all types are known, since a field may be of a type that is not yet complete.
    private var defaults: [(record: Int, field: Int, json: JSONText)] = []
    /// Where the parser is, for errors.
    private var path: [String] = []

    private func fault(_ message: String) -> AvroError {
        AvroError(code: .malformedSchema, message: message, path: path.isEmpty ? nil : path.joined(separator: "."))
    }

    /// Parses one type, adds it to the table and returns its index. `namespace` is the enclosing one.
    mutating func parse(_ json: JSONText, namespace: String, depth: Int) throws(AvroError) -> Int {
        guard depth < AvroLimits.schemaDepthMax else {
            throw AvroError(
                code: .limitExceeded, message: "types are nested deeper than \(AvroLimits.schemaDepthMax) levels",
                path: path.joined(separator: "."))
        }
        switch json {
        case .string(let name): return try reference(name, namespace: namespace)
        case .array(let branches): return try union(branches, namespace: namespace, depth: depth)
        case .object:
            guard let type = json["type"] else { throw fault("a type has no attribute type") }
            guard case .string(let name) = type else {
                return try parse(type, namespace: namespace, depth: depth + 1)
            }
            return try complex(name, json, namespace: namespace, depth: depth)
        case .null, .boolean, .number: throw fault("a type is a name, an object or an array")
        }
    }

    /// The table with the fields' defaults filled in.
    consuming func typesWithDefaults() throws(AvroError) -> [AvroSchema.AvroType] {
        var reader = AvroDefault()
        // Inner types are complete before outer ones when taken from the back: a record stands before its fields' types.
        for (index, fields) in Dictionary(grouping: defaults, by: \.record).sorted(by: { $0.key > $1.key }) {
            guard case .record(var record) = types[index] else { continue }
            for (_, field, json) in fields {
                let value = reader.value(json, type: record.fields[field].type, types: types)
                path = [record.name, record.fields[field].name]
                guard !reader.isExhausted else {
                    throw AvroError(
                        code: .limitExceeded, message: "the defaults take too long to read",
                        path: path.joined(separator: "."))
                }
                guard let value else { throw fault("the default does not fit the field's type") }
                record.fields[field].defaultValue = value
            }
            types[index] = .record(record)
        }
        return types
    }

    private func reference(_ name: String, namespace: String) throws(AvroError) -> Int {
        if let primitive = Self.primitives[name] { return primitive }
        if !name.contains("."), !namespace.isEmpty, let index = named[namespace + "." + name] { return index }
        guard let index = named[name] else { throw fault("the type \(name.prefix(200)) is not defined") }
        return index
    }

    private mutating func union(_ branches: [JSONText], namespace: String, depth: Int) throws(AvroError) -> Int {
        var indices: [Int] = []
        var kinds: Set<String> = []
        for branch in branches {
            let index = try parse(branch, namespace: namespace, depth: depth + 1)
            if case .union = types[index] { throw fault("a union holds a union") }
            guard kinds.insert(kindName(of: index)).inserted else { throw fault("a union holds the same type twice") }
            indices.append(index)
        }
        guard !indices.isEmpty else { throw fault("a union is empty") }
        return append(.union(indices))
    }

    /// What may stand only once in a union.
    private func kindName(of index: Int) -> String {
        switch types[index] {
        case .record, .enumeration, .fixed: "named \(index)"
        case .array: "array"
        case .map: "map"
        case .null, .boolean, .int, .long, .float, .double, .bytes, .string, .union: "\(index)"
        }
    }

    private mutating func append(_ type: AvroSchema.AvroType) -> Int {
        types.append(type)
        return types.count - 1
    }

    private mutating func complex(
        _ kind: String, _ json: JSONText, namespace: String, depth: Int
    ) throws(AvroError) -> Int {
        switch kind {
        case "record", "error": return try record(json, namespace: namespace, depth: depth)
        case "enum": return try enumeration(json, namespace: namespace)
        case "fixed": return try fixed(json, namespace: namespace)
        case "array":
            guard let items = json["items"] else { throw fault("an array has no items") }
            return append(.array(items: try parse(items, namespace: namespace, depth: depth + 1)))
        case "map":
            guard let values = json["values"] else { throw fault("a map has no values") }
            return append(.map(values: try parse(values, namespace: namespace, depth: depth + 1)))
        default: return try reference(kind, namespace: namespace)
        }
    }

    private mutating func record(_ json: JSONText, namespace: String, depth: Int) throws(AvroError) -> Int {
        let (name, inner) = try fullName(of: json, namespace: namespace)
        var record = AvroSchema.Record(
            name: name, aliases: try aliases(of: json, namespace: inner), doc: json["doc"]?.string ?? "", fields: [])
        let index = append(.record(record))
        named[name] = index
        guard case .array(let fields) = json["fields"] else { throw fault("the record \(name) has no fields") }
        var names: Set<String> = []
        for json in fields {
            guard let fieldName = json["name"]?.string, Self.isName(fieldName) else {
                throw fault("a field of \(name) has no name of letters, digits and underscores")
            }
            guard names.insert(fieldName).inserted else { throw fault("\(name) has the field \(fieldName) twice") }
            guard let type = json["type"] else { throw fault("the field \(fieldName) of \(name) has no type") }
            path.append(fieldName)
            let typeIndex = try parse(type, namespace: inner, depth: depth + 1)
            path.removeLast()
            if let value = json["default"] { defaults.append((index, record.fields.count, value)) }
            record.fields.append(
                AvroSchema.Field(
                    name: fieldName, aliases: Self.strings(json["aliases"]) ?? [], doc: json["doc"]?.string ?? "",
                    type: typeIndex,
                    defaultValue: nil))
        }
        types[index] = .record(record)
        return index
    }

    private mutating func enumeration(_ json: JSONText, namespace: String) throws(AvroError) -> Int {
        let (name, inner) = try fullName(of: json, namespace: namespace)
        guard let symbols = Self.strings(json["symbols"]), symbols.allSatisfy(Self.isName),
            Set(symbols).count == symbols.count
        else { throw fault("the enum \(name) has no list of distinct symbols") }
        var defaultSymbol: Int?
        if let symbol = json["default"] {
            guard let text = symbol.string, let index = symbols.firstIndex(of: text) else {
                throw fault("the default of \(name) is none of its symbols")
            }
            defaultSymbol = index
        }
        let index = append(
            .enumeration(
                AvroSchema.Enumeration(
                    name: name, aliases: try aliases(of: json, namespace: inner), symbols: symbols,
                    defaultSymbol: defaultSymbol)))
        named[name] = index
        return index
    }

    private mutating func fixed(_ json: JSONText, namespace: String) throws(AvroError) -> Int {
        let (name, inner) = try fullName(of: json, namespace: namespace)
        guard case .number(let text) = json["size"], let size = Int32(text), size >= 0 else {
            throw fault("the fixed \(name) has no size")
        }
        let index = append(
            .fixed(AvroSchema.Fixed(name: name, aliases: try aliases(of: json, namespace: inner), size: Int(size))))
        named[name] = index
        return index
    }

    /// The full name of a definition and the namespace that holds inside it.
    private func fullName(of json: JSONText, namespace: String) throws(AvroError) -> (name: String, namespace: String) {
        guard let name = json["name"]?.string else { throw fault("a named type has no name") }
        let full: String
        if name.contains(".") {
            full = name
        } else {
            let space = json["namespace"]?.string ?? namespace
            full = space.isEmpty ? name : space + "." + name
        }
        guard full.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(Self.isName) else {
            throw fault("\(full.prefix(200)) is not a name")
        }
        guard Self.primitives[full] == nil else { throw fault("\(full) is the name of a primitive type") }
        guard named[full] == nil else { throw fault("the type \(full) is defined twice") }
        return (full, full.lastIndex(of: ".").map { String(full[..<$0]) } ?? "")
    }

    private func aliases(of json: JSONText, namespace: String) throws(AvroError) -> [String] {
        guard let json = json["aliases"] else { return [] }
        guard let names = Self.strings(json) else { throw fault("aliases is a list of names") }
        return names.map { $0.contains(".") || namespace.isEmpty ? $0 : namespace + "." + $0 }
    }

    private static func strings(_ json: JSONText?) -> [String]? {
        guard case .array(let items) = json else { return nil }
        let strings = items.compactMap(\.string)
        return strings.count == items.count ? strings : nil
    }

    private static func isName(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x5F, 0x61...0x7A: true
            default: false
            }
        }
    }
}
