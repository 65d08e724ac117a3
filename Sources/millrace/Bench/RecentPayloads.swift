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

    /// One that is alone has nobody to compare with.
    private let isShared: [Bool]
    /// Each grows with its events: there may be half as many groups as connections.
    private var groups: [[Entry?]]

    /// - Parameter sizes: the members of each group.
    init(groupSizes sizes: [Int]) {
        isShared = sizes.map { $0 > 1 }
        groups = Array(repeating: [], count: sizes.count)
    }

    /// What these bytes are, where they are those of the group's event with this index.
    @inline(__always)
    func find(group: Int, index: Int, _ bytes: UnsafeRawBufferPointer) -> EventScan? {
        let slot = index % Self.entriesMax
        guard slot < groups[group].count, let entry = groups[group][slot], entry.index == index,
            entry.bytes.count == bytes.count
        else { return nil }
        let isEqual = entry.bytes.withUnsafeBytes { known in
            known.baseAddress.map { base in bytes.baseAddress.map { memcmp(base, $0, bytes.count) == 0 } ?? false }
                ?? true
        }
        return isEqual ? entry.scan : nil
    }

    mutating func keep(_ scan: EventScan, group: Int, index: Int, _ bytes: UnsafeRawBufferPointer) {
        guard isShared[group] else { return }
        let slot = index % Self.entriesMax
        while groups[group].count <= slot { groups[group].append(nil) }
        groups[group][slot] = Entry(index: index, scan: scan, bytes: Array(bytes))
    }
}
