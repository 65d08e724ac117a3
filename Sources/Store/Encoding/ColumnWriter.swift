/// Builds the bytes of one encoded column. Integers are LEB128 (signed ones zigzag), strings and lists carry their count.
struct ColumnWriter {
    private(set) var bytes: [UInt8] = []

    init(reserving capacity: Int) { bytes.reserveCapacity(capacity) }

    mutating func write(byte: UInt8) { bytes.append(byte) }

    /// As they are, without their count.
    mutating func write(bytes more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }

    mutating func write(count: Int) { write(unsigned: UInt64(count)) }

    mutating func write(unsigned value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func write(signed value: Int64) {
        write(unsigned: UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    /// Bit for bit: a NaN keeps its payload, a zero its sign.
    mutating func write(double value: Double) {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func write(string value: String) {
        write(count: value.utf8.count)
        bytes.append(contentsOf: value.utf8)
    }

    mutating func write(strings values: [String]) {
        write(count: values.count)
        for value in values { write(string: value) }
    }
}
