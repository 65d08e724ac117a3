import Foundation

/// The bytes of the events that came last, by group. All members of a group are sent the same bytes: to compare them is many
/// times cheaper than to read them again. Owned by one loop.
struct RecentPayloads {
    struct Entry {
        var index: Int
        var scan: EventScan
        var bytes: [UInt8]
    }

    /// What a server may gather for one connection before it sends to the next.
    static let entriesMax = 64

    private var groups: [[Entry?]]

    /// - Parameter sizes: the members of each group; one that is alone needs no memory.
    init(groupSizes sizes: [Int]) {
        groups = sizes.map { $0 > 1 ? Array(repeating: nil, count: Self.entriesMax) : [] }
    }

    /// What these bytes are, where they are those of the group's event with this index.
    @inline(__always)
    func find(group: Int, index: Int, _ bytes: UnsafeRawBufferPointer) -> EventScan? {
        guard !groups[group].isEmpty, let entry = groups[group][index % Self.entriesMax], entry.index == index,
            entry.bytes.count == bytes.count
        else { return nil }
        let isEqual = entry.bytes.withUnsafeBytes { known in
            known.baseAddress.map { base in bytes.baseAddress.map { memcmp(base, $0, bytes.count) == 0 } ?? false }
                ?? true
        }
        return isEqual ? entry.scan : nil
    }

    mutating func keep(_ scan: EventScan, group: Int, index: Int, _ bytes: UnsafeRawBufferPointer) {
        guard !groups[group].isEmpty else { return }
        groups[group][index % Self.entriesMax] = Entry(index: index, scan: scan, bytes: Array(bytes))
    }
}
