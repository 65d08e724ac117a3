/// Strings that come again and again in one read (field names, objects, topics), made once.
///
/// Making a short string from bytes costs ten times what finding it here costs, and an event with its images holds a hundred
/// names. Owned by one session, so by one transaction on one thread; of fixed size: a name that meets another in its slot
/// takes its place.
final class NameCache {
    private struct Slot {
        var hash: UInt64
        var name: String
    }

    /// A power of two: some objects' field names at once.
    private static let slotCount = 1_024
    /// What is longer is hardly a name.
    private static let nameBytesMax = 128
    private var slots: [Slot?] = []

    /// Nil when the bytes are not UTF-8.
    func name(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.count <= Self.nameBytesMax else { return String(checking: bytes) }
        if slots.isEmpty { slots = Array(repeating: nil, count: Self.slotCount) }
        let hash = Checksum.hash(bytes, seed: 0)
        let index = Int(truncatingIfNeeded: hash) & (Self.slotCount - 1)
        if let slot = slots[index], slot.hash == hash, Self.isSame(slot.name, bytes) { return slot.name }
        guard let name = String(checking: bytes) else { return nil }
        slots[index] = Slot(hash: hash, name: name)
        return name
    }

    /// Over contiguous storage: comparing a string's UTF-8 view with the bytes took a sixth of a read.
    private static func isSame(_ name: String, _ bytes: UnsafeRawBufferPointer) -> Bool {
        name.utf8.withContiguousStorageIfAvailable { UnsafeRawBufferPointer($0).elementsEqual(bytes) }
            ?? name.utf8.elementsEqual(bytes)
    }
}

extension String {
    /// Nil when the bytes are not UTF-8. `String(validating:as:)` says the same at twice the price; here a repaired string
    /// shows by its length, and the row's checksum guards what a repair of equal length would hide.
    init?(checking bytes: UnsafeRawBufferPointer) {
        self.init(decoding: bytes, as: UTF8.self)
        guard utf8.count == bytes.count else { return nil }
    }
}
