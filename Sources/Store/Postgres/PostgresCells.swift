import ChangeEvents

/// Values in PostgreSQL's binary form, in a row: the parameters of a statement, or a row of `COPY … BINARY`.
///
/// Each is its length (4 bytes, big-endian; -1 for null) and its bytes, which is what `COPY` takes as it is.
struct PostgresCells {
    private(set) var bytes: [UInt8] = []
    private(set) var count = 0

    init(reserving capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    mutating func addNull() { begin(-1) }

    mutating func add(_ flag: Bool) {
        begin(1)
        bytes.append(flag ? 1 : 0)
    }

    /// `bigint`.
    mutating func add(_ number: Int64) {
        begin(8)
        write(number)
    }

    mutating func add(_ data: UnsafeRawBufferPointer) {
        begin(Int32(data.count))
        bytes.append(contentsOf: data)
    }

    mutating func add(_ data: [UInt8]) { data.withUnsafeBytes { add($0) } }

    mutating func add(_ id: RecordID) { id.withUTF8 { add($0) } }

    /// A text of an application's column: it holds no NUL (`PostgresLayout.Column.holds`).
    mutating func add(plain text: String) {
        begin(Int32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// A text of our own tables, whatever it holds: see `PostgresText`.
    mutating func add(_ text: String) { add(plain: PostgresText.escaped(text)) }

    /// `text[]` of one dimension.
    mutating func add(_ texts: [String]) {
        add(texts.map { PostgresText.escaped($0).utf8 }, of: .text)
    }

    /// `bytea[]` of one dimension.
    mutating func add(_ values: [[UInt8]]) { add(values, of: .bytea) }

    /// `text[]` of one dimension.
    mutating func add(_ ids: [RecordID]) { add(ids.map { $0.string.utf8 }, of: .text) }

    private mutating func add(_ values: [some Collection<UInt8>], of type: PostgresType) {
        begin(Int32(20 + values.reduce(0) { $0 + 4 + $1.count }))
        for word in [1, 0, type.rawValue, UInt32(values.count), 1] { write(word) }
        for value in values {
            write(UInt32(value.count))
            bytes.append(contentsOf: value)
        }
    }

    /// `numeric`, as `PostgresNumeric` writes it.
    mutating func add(numeric number: Double) { add(PostgresNumeric.encode(number)) }

    mutating func add(double number: Double) {
        begin(8)
        write(Int64(bitPattern: number.bitPattern))
    }

    mutating func add(date days: Int32) {
        begin(4)
        write(UInt32(bitPattern: days))
    }

    private mutating func begin(_ length: Int32) {
        write(UInt32(bitPattern: length))
        count += 1
    }

    private mutating func write(_ number: Int64) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func write(_ number: UInt32) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// As libpq takes parameters: where each begins, and how long it is.
    func withParameters<T>(
        _ body: (_ values: [UnsafePointer<CChar>?], _ lengths: [Int32]) -> T
    ) -> T {
        bytes.withUnsafeBytes { raw in
            var values: [UnsafePointer<CChar>?] = []
            var lengths: [Int32] = []
            values.reserveCapacity(count)
            lengths.reserveCapacity(count)
            var offset = 0
            for _ in 0..<count {
                let length = Int32(
                    bitPattern: UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
                offset += 4
                // Not nil for an empty value: nil would be null.
                let start = raw.baseAddress.map { ($0 + offset).assumingMemoryBound(to: CChar.self) }
                values.append(length < 0 ? nil : start)
                lengths.append(max(0, length))
                offset += Int(max(0, length))
            }
            return body(values, lengths)
        }
    }
}

/// Texts of our own tables. PostgreSQL's `text` takes every character but NUL, and ours must come back as they were: NUL is
/// written as U+0010 and `0`, and U+0010 itself twice. Texts without either, which is all that Salesforce sends, stand as they are.
enum PostgresText {
    private static let escape: UInt8 = 0x10

    static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0 || $0 == escape }) else { return text }
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0: bytes += [escape, UInt8(ascii: "0")]
            case escape: bytes += [escape, escape]
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Nil where it is not as `escaped` writes it.
    static func unescaped(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.contains(escape) else { return String(checking: bytes) }
        var plain: [UInt8] = []
        var index = 0
        while index < bytes.count {
            defer { index += 1 }
            guard bytes[index] == escape else {
                plain.append(bytes[index])
                continue
            }
            index += 1
            guard index < bytes.count else { return nil }
            switch bytes[index] {
            case escape: plain.append(escape)
            case UInt8(ascii: "0"): plain.append(0)
            default: return nil
            }
        }
        return plain.withUnsafeBytes { String(checking: $0) }
    }
}

/// The object ids of PostgreSQL's own types (`pg_type.dat`): they are the same on every server.
enum PostgresType: UInt32 {
    case bool = 16
    case bytea = 17
    case int8 = 20
    case int2 = 21
    case int4 = 23
    case text = 25
    case float4 = 700
    case float8 = 701
    case bpchar = 1_042
    case varchar = 1_043
    case date = 1_082
    case time = 1_083
    case timestamp = 1_114
    case timestamptz = 1_184
    case numeric = 1_700
}
