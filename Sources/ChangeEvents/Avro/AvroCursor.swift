/// Reads Avro's binary primitives from a payload, one after the other, and never beyond its end.
///
/// Borrows the bytes: it lives inside one `withUnsafeReadableBytes` and is never stored outside it.
struct AvroCursor {
    private let base: UnsafeRawPointer
    /// Bytes of the payload.
    let count: Int
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        // An empty buffer may have no address; nothing is read from the stand-in, since the count is 0.
        base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
        count = bytes.count
    }

    @inline(__always)
    var remaining: Int { count &- offset }

    /// A pointer to a place in the payload.
    @inline(__always)
    func pointer(at offset: Int) -> UnsafeRawPointer { base + offset }

    @inline(__always)
    mutating func byte() throws(AvroFault) -> UInt8 {
        guard offset < count else { throw AvroFault(.truncated, at: offset) }
        offset &+= 1
        return base.load(fromByteOffset: offset &- 1, as: UInt8.self)
    }

    /// A zigzag variable-length number. Only the shortest form is accepted: it is what every encoder writes, and so
    /// decoding and encoding are inverse to each other.
    @inline(__always)
    mutating func long() throws(AvroFault) -> Int64 {
        let first = try byte()
        if first < 0x80 { return Int64(first >> 1) ^ -Int64(first & 1) }
        return try longTail(first)
    }

    private mutating func longTail(_ first: UInt8) throws(AvroFault) -> Int64 {
        let start = offset &- 1
        var bits = UInt64(first & 0x7F)
        var shift: UInt64 = 7
        while true {
            let next = try byte()
            // The tenth byte holds bit 63 alone.
            if shift == 63, next > 1 { throw AvroFault(.overlongNumber, at: start) }
            bits |= UInt64(next & 0x7F) << shift
            if next < 0x80 {
                if next == 0 { throw AvroFault(.overlongNumber, at: start) }
                return Int64(bitPattern: bits >> 1) ^ -Int64(bitPattern: bits & 1)
            }
            shift &+= 7
        }
    }

    @inline(__always)
    mutating func int() throws(AvroFault) -> Int32 {
        let start = offset
        guard let value = Int32(exactly: try long()) else { throw AvroFault(.numberOutOfRange, at: start) }
        return value
    }

    @inline(__always)
    mutating func boolean() throws(AvroFault) -> Bool {
        let value = try byte()
        guard value < 2 else { throw AvroFault(.notABoolean, at: offset &- 1) }
        return value == 1
    }

    mutating func float() throws(AvroFault) -> Float {
        Float(bitPattern: UInt32(littleEndian: try advance(4).loadUnaligned(as: UInt32.self)))
    }

    mutating func double() throws(AvroFault) -> Double {
        Double(bitPattern: UInt64(littleEndian: try advance(8).loadUnaligned(as: UInt64.self)))
    }

    /// Passes `length` bytes and returns where they begin.
    @inline(__always)
    mutating func advance(_ length: Int) throws(AvroFault) -> UnsafeRawPointer {
        guard length <= remaining else { throw AvroFault(.truncated, at: offset) }
        offset &+= length
        return base + (offset &- length)
    }

    /// The bytes of a string or of bytes: a length and as many bytes. The bytes are not looked at.
    @inline(__always)
    mutating func lengthPrefixed() throws(AvroFault) -> UnsafeRawBufferPointer {
        let start = offset
        let length = try long()
        guard length >= 0 else { throw AvroFault(.negativeLength, at: start) }
        guard length <= Int64(remaining) else { throw AvroFault(.truncated, at: start) }
        return UnsafeRawBufferPointer(start: try advance(Int(length)), count: Int(length))
    }

    mutating func string() throws(AvroFault) -> String {
        let start = offset
        guard let text = String(validating: try lengthPrefixed(), as: UTF8.self) else {
            throw AvroFault(.notUTF8, at: start)
        }
        return text
    }

    /// The index of a union's branch.
    @inline(__always)
    mutating func branch(of branchCount: Int) throws(AvroFault) -> Int {
        let start = offset
        let index = try long()
        guard index >= 0, index < Int64(branchCount) else { throw AvroFault(.badBranch, at: start) }
        return Int(index)
    }

    @inline(__always)
    mutating func symbol(of symbolCount: Int) throws(AvroFault) -> Int {
        let start = offset
        let index = try long()
        guard index >= 0, index < Int64(symbolCount) else { throw AvroFault(.badSymbol, at: start) }
        return Int(index)
    }

    /// The head of a block of an array or map: its items (0 ends the array) and, when the writer gave its size, the offset
    /// at which it ends.
    @inline(__always)
    mutating func block(itemBytesMin: Int) throws(AvroFault) -> (items: Int, end: Int?) {
        let start = offset
        var items = try long()
        var end: Int?
        if items < 0 {
            guard items != .min else { throw AvroFault(.countOutOfRange, at: start) }
            items = -items
            let size = try long()
            guard size >= 0 else { throw AvroFault(.negativeLength, at: start) }
            guard size <= Int64(remaining) else { throw AvroFault(.truncated, at: start) }
            end = offset &+ Int(size)
        }
        guard itemBytesMin == 0 || items <= Int64(remaining / itemBytesMin) else {
            throw AvroFault(.countOutOfRange, at: start)
        }
        return (Int(items), end)
    }

    @inline(__always)
    func endOfBlock(_ end: Int?) throws(AvroFault) {
        if let end, end != offset { throw AvroFault(.blockSizeMismatch, at: offset) }
    }

    func endOfPayload() throws(AvroFault) {
        guard offset == count else { throw AvroFault(.trailingBytes, at: offset) }
    }
}
