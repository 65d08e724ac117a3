import ChangeEvents

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Strings that come again and again in one read (field names, objects, topics), made once.
///
/// Making a string from bytes costs several times what finding it here costs, and an event with its images holds a hundred
/// names. Owned by one session, so by one transaction on one thread; of fixed size: a name that meets another in its slot
/// takes its place.
final class NameCache {
    private struct Slot {
        var hash: UInt64
        var name: String
    }

    /// A power of two: some objects' field names at once.
    private static let slotCount = 1_024
    /// Shorter ones are made as fast as found; longer ones are hardly names.
    private static let nameBytes = 8...128
    private var slots: [Slot?] = []
    /// By object, the shape of the image that was read last.
    private var shapes: [String: RecordShape] = [:]

    func shape(of entity: String) -> RecordShape? { shapes[entity] }

    func keep(_ shape: RecordShape, of entity: String) { shapes[entity] = shape }

    /// Nil when the bytes are not UTF-8.
    func name(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard Self.nameBytes.contains(bytes.count) else { return String(checking: bytes) }
        if slots.isEmpty { slots = Array(repeating: nil, count: Self.slotCount) }
        let hash = Self.hash(bytes)
        let index = Int(truncatingIfNeeded: hash >> 32) & (Self.slotCount - 1)
        if let slot = slots[index], slot.hash == hash, Self.isSame(slot.name, bytes) { return slot.name }
        guard let name = String(checking: bytes) else { return nil }
        slots[index] = Slot(hash: hash, name: name)
        return name
    }

    /// Of the first and the last eight bytes and the length: all of most names, and two loads. Names that it confuses only
    /// push each other out.
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        let first = bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
        let last = bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
        let mixed = (first &* 0x9E37_79B1_85EB_CA87) ^ (last &* 0xC2B2_AE3D_27D4_EB4F) ^ UInt64(bytes.count)
        return (mixed ^ (mixed >> 29)) &* 0x1656_67B1_9E37_79F9
    }

    private static func isSame(_ name: String, _ bytes: UnsafeRawBufferPointer) -> Bool {
        name.utf8.count == bytes.count && name.isSame(as: bytes)
    }
}

extension String {
    /// Whether its UTF-8 is these bytes, of which there are as many.
    func isSame(as bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return isEmpty }
        return utf8.withContiguousStorageIfAvailable { characters in
            characters.baseAddress.map { memcmp($0, base, bytes.count) == 0 } ?? false
        } ?? false
    }

    /// Nil when the bytes are not UTF-8. `String(validating:as:)` says the same at twice the price; here a repaired string
    /// shows by its length, and the row's checksum guards what a repair of equal length would hide.
    init?(checking bytes: UnsafeRawBufferPointer) {
        self.init(decoding: bytes, as: UTF8.self)
        guard utf8.count == bytes.count else { return nil }
    }
}
