/// What is wrong with an encoded column: becomes `StoreError.corrupt` with the row's name where the row is known.
struct ColumnError: Error {
    var message: String
    var offset: Int
}

/// Reads what `ColumnWriter` wrote, never past the end. Lives only inside the scope that lends it the bytes.
struct ColumnReader {
    private let bytes: UnsafeRawBufferPointer
    let names: NameCache
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer, names: NameCache) {
        self.bytes = bytes
        self.names = names
    }

    var remaining: Int { bytes.count - offset }

    func failure(_ message: String) -> ColumnError { ColumnError(message: message, offset: offset) }

    mutating func readByte() throws(ColumnError) -> UInt8 {
        guard offset < bytes.count else { throw failure("ends too early") }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func readUnsigned() throws(ColumnError) -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try readByte()
            guard shift < 63 || byte <= 1 else { throw failure("an integer has more than 64 bits") }
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return result }
            shift += 7
        }
    }

    mutating func readSigned() throws(ColumnError) -> Int64 {
        let value = try readUnsigned()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// A count of things that take at least one byte each, so that a damaged count cannot ask for memory that is not there.
    mutating func readCount() throws(ColumnError) -> Int {
        let value = try readUnsigned()
        guard value <= UInt64(remaining) else { throw failure("a count of \(value) passes the end") }
        return Int(value)
    }

    mutating func readDouble() throws(ColumnError) -> Double {
        guard remaining >= 8 else { throw failure("ends inside a double") }
        defer { offset += 8 }
        return Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }

    mutating func readString() throws(ColumnError) -> String {
        let count = try readCount()
        return try readString(utf8Count: count)
    }

    mutating func readString(utf8Count count: Int) throws(ColumnError) -> String {
        guard let string = String(checking: try take(count)) else { throw failure("a string is not UTF-8") }
        return string
    }

    /// A string that is likely to come again in this read.
    mutating func readName() throws(ColumnError) -> String {
        let count = try readCount()
        guard let name = names.name(try take(count)) else { throw failure("a name is not UTF-8") }
        return name
    }

    /// Passes over a string if it is this one; stays before it otherwise.
    mutating func skipName(_ expected: String) throws(ColumnError) -> Bool {
        let start = offset
        let count = try readCount()
        guard count == expected.utf8.count, expected.isSame(as: try take(count)) else {
            offset = start
            return false
        }
        return true
    }

    mutating func take(_ count: Int) throws(ColumnError) -> UnsafeRawBufferPointer {
        guard count <= remaining else { throw failure("ends inside a string") }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    mutating func readStrings() throws(ColumnError) -> [String] {
        let count = try readCount()
        var strings: [String] = []
        strings.reserveCapacity(count)
        for _ in 0..<count { strings.append(try readString()) }
        return strings
    }

    mutating func readNames() throws(ColumnError) -> [String] {
        let count = try readCount()
        var names: [String] = []
        names.reserveCapacity(count)
        for _ in 0..<count { names.append(try readName()) }
        return names
    }

    func finish() throws(ColumnError) {
        guard remaining == 0 else { throw failure("\(remaining) bytes too many") }
    }
}
