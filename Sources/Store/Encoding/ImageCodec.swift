import ChangeEvents

/// Record images as bytes: the `image` column of records and the building stone of `TransitionCodec`.
///
/// Exact for every value: doubles bit for bit, 64-bit integers whole, strings by their UTF-8 (no normalisation, although
/// Swift's `==` would not see the difference), an absent field apart from a null one, an empty list apart from both.
///
/// Format 1: `version, image`, where an image is `flags, [id: 18 bytes], entity, count, (name, value)…` and a value is a tag
/// byte and its content. Formats are added, never changed: rows of every version stay readable.
enum ImageCodec {
    static let version: UInt8 = 1
    /// A guess at the encoded size of a field, for reserving.
    static let bytesPerField = 32

    enum Flag {
        static let isComplete: UInt8 = 1
        /// The id is that of the surrounding transition and is not repeated.
        static let hasOuterID: UInt8 = 2
        /// Only what differs from the before image follows.
        static let isDelta: UInt8 = 4
        static let all: UInt8 = 7
    }

    static let recordIDLength = 18

    static func encode(_ image: RecordImage) -> [UInt8] {
        var writer = ColumnWriter(reserving: 64 + image.fields.count * bytesPerField)
        writer.write(byte: version)
        write(image, outerID: nil, to: &writer)
        return writer.bytes
    }

    static func decode(_ bytes: UnsafeRawBufferPointer, names: NameCache) throws(ColumnError) -> RecordImage {
        var reader = ColumnReader(bytes, names: names)
        try checkVersion(&reader, version)
        let flags = try readFlags(&reader)
        let image = try readWhole(flags: flags, outerID: nil, from: &reader)
        try reader.finish()
        return image
    }

    static func checkVersion(_ reader: inout ColumnReader, _ version: UInt8) throws(ColumnError) {
        let found = try reader.readByte()
        guard found == version else {
            throw reader.failure("format \(found) is unknown (this version reads format \(version))")
        }
    }

    static func readFlags(_ reader: inout ColumnReader) throws(ColumnError) -> UInt8 {
        let flags = try reader.readByte()
        guard flags & ~Flag.all == 0 else { throw reader.failure("unknown image flags \(flags)") }
        return flags
    }

    // A whole image.

    static func write(_ image: RecordImage, outerID: RecordID?, to writer: inout ColumnWriter) {
        let hasOuterID = outerID == image.id
        writer.write(byte: (image.isComplete ? Flag.isComplete : 0) | (hasOuterID ? Flag.hasOuterID : 0))
        if !hasOuterID { write(image.id, to: &writer) }
        writer.write(string: image.entity)
        writer.write(count: image.fields.count)
        for (name, value) in image.fields {
            writer.write(string: name)
            write(value, to: &writer)
        }
    }

    static func readWhole(
        flags: UInt8, outerID: RecordID?, from reader: inout ColumnReader
    ) throws(ColumnError) -> RecordImage {
        guard flags & Flag.isDelta == 0 else { throw reader.failure("a delta stands where a whole image belongs") }
        let id: RecordID
        if flags & Flag.hasOuterID != 0 {
            guard let outerID else { throw reader.failure("an image has no id") }
            id = outerID
        } else {
            id = try readID(from: &reader)
        }
        let entity = try reader.readName()
        return RecordImage(
            entity: entity, id: id, fields: try readFields(of: entity, from: &reader),
            isComplete: flags & Flag.isComplete != 0)
    }

    /// The images of an object mostly have the same names in the same order: one shape then serves them all.
    private static func readFields(
        of entity: String, from reader: inout ColumnReader
    ) throws(ColumnError) -> RecordFields {
        let count = try reader.readCount()
        let likely = reader.names.shape(of: entity)
        var isLikely = likely?.names.count == count
        var names: [String] = []
        var values: [FieldValue?] = []
        names.reserveCapacity(count)
        values.reserveCapacity(count)
        for place in 0..<count {
            if let likely, isLikely, try reader.skipName(likely.names[place]) {
                names.append(likely.names[place])
            } else {
                isLikely = false
                names.append(try reader.readName())
            }
            values.append(try readValue(from: &reader))
        }
        if let likely, isLikely { return RecordFields(shape: likely, values: values) }
        let shape = RecordShape(names)
        guard shape.names.count == count else { throw reader.failure("a field name stands twice") }
        reader.names.keep(shape, of: entity)
        return RecordFields(shape: shape, values: values)
    }

    static func write(_ id: RecordID, to writer: inout ColumnWriter) { id.withUTF8 { writer.write(bytes: $0) } }

    static func readID(from reader: inout ColumnReader) throws(ColumnError) -> RecordID {
        guard let id = RecordID(utf8: try reader.take(recordIDLength)) else { throw reader.failure("not a record id") }
        return id
    }

    // Values.

    private enum Tag {
        static let null: UInt8 = 0
        static let no: UInt8 = 1
        static let yes: UInt8 = 2
        static let integer: UInt8 = 3
        static let double: UInt8 = 4
        static let string: UInt8 = 5
        static let date: UInt8 = 6
        static let dateTime: UInt8 = 7
        static let time: UInt8 = 8
        static let list: UInt8 = 9
    }

    static func write(_ value: FieldValue, to writer: inout ColumnWriter) {
        switch value {
        case .null: writer.write(byte: Tag.null)
        case .boolean(let value): writer.write(byte: value ? Tag.yes : Tag.no)
        case .integer(let value):
            writer.write(byte: Tag.integer)
            writer.write(signed: value)
        case .double(let value):
            writer.write(byte: Tag.double)
            writer.write(double: value)
        case .string(let value):
            writer.write(byte: Tag.string)
            writer.write(string: value)
        case .date(let milliseconds):
            writer.write(byte: Tag.date)
            writer.write(signed: milliseconds)
        case .dateTime(let milliseconds):
            writer.write(byte: Tag.dateTime)
            writer.write(signed: milliseconds)
        case .time(let milliseconds):
            writer.write(byte: Tag.time)
            writer.write(signed: milliseconds)
        case .list(let names):
            writer.write(byte: Tag.list)
            writer.write(strings: names)
        }
    }

    static func readValue(from reader: inout ColumnReader) throws(ColumnError) -> FieldValue {
        let tag = try reader.readByte()
        switch tag {
        case Tag.null: return .null
        case Tag.no: return .boolean(false)
        case Tag.yes: return .boolean(true)
        case Tag.integer: return .integer(try reader.readSigned())
        case Tag.double: return .double(try reader.readDouble())
        case Tag.string: return .string(try reader.readString())
        case Tag.date: return .date(milliseconds: try reader.readSigned())
        case Tag.dateTime: return .dateTime(milliseconds: try reader.readSigned())
        case Tag.time: return .time(milliseconds: try reader.readSigned())
        case Tag.list: return .list(try reader.readStrings())
        default: throw reader.failure("value tag \(tag) is unknown")
        }
    }
}
