/// Which frame: the same key has the same bytes.
struct FrameKey: Hashable {
    enum Kind: UInt8 {
        /// As the form says.
        case event
        /// The whole record, in the form `changes` too.
        case whole
        case left
        case gap
        case checkpoint
    }

    var place: LogPlace
    /// Index of the record in a merged event.
    var record: UInt32
    var kind: Kind
    /// The serial of the frame class: never used twice, so that a class that comes after another cannot be shown its frames.
    var classSerial: UInt64
}

/// The ready-made frames of one loop: bytes that the kernel takes as they are.
///
/// Frames with a key are *recent*: a bounded ring keeps them, so that live delivery, catching up and a crowd that reconnects
/// share one making. A queue refers to a frame by its index and holds it by a count, so that leaving the ring never takes
/// bytes from under a queue. Owned by one loop, and used by it only: plain counts, no atomics.
struct FrameRing: ~Copyable {
    typealias Index = UInt32

    private struct Frame: BitwiseCopyable {
        var bytes: UnsafeMutableRawPointer?
        var count: Int
        var references: UInt32
    }

    /// The frames that have a key, from oldest to newest, in a circle.
    private struct Recent {
        var indices: [FrameKey: Index] = [:]
        var keys: [FrameKey?]
        var oldest = 0
        var count = 0
        var bytes = 0
    }

    private let countMax: Int
    private let bytesMax: Int
    private let frames = SlotTable(empty: Frame(bytes: nil, count: 0, references: 0))
    private let recent: LoopOwned<Recent>

    init(countMax: Int, bytesMax: Int) {
        self.countMax = countMax
        self.bytesMax = bytesMax
        recent = LoopOwned(Recent(keys: Array(repeating: nil, count: countMax)))
    }

    deinit {
        for index in frames.indices { frames[index].bytes?.deallocate() }
    }

    /// Frames in memory, in the ring or held by queues.
    var count: Int { frames.count }

    func find(_ key: FrameKey) -> Index? { recent.value.indices[key] }

    /// Adds a frame to the ring. It may leave the ring with the next `insert`: whoever wants it longer retains it.
    func insert(_ key: FrameKey, _ parts: FrameParts) -> Index {
        if let index = find(key) { return index }
        let index = make(parts)
        let count = frames[index].count
        while isFull(for: count) { evictOldest() }
        let place = (recent.value.oldest + recent.value.count) % countMax
        recent.value.keys[place] = key
        recent.value.count += 1
        recent.value.bytes += count
        recent.value.indices[key] = index
        return index
    }

    /// A frame for one connection. The caller owns one reference.
    func make(_ parts: FrameParts) -> Index {
        let count = parts.count
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 1)
        parts.copy(to: bytes)
        let index = frames.allocate()
        frames[index] = Frame(bytes: bytes, count: count, references: 1)
        return index
    }

    func retain(_ index: Index) {
        frames[index].references += 1
    }

    func release(_ index: Index) {
        frames[index].references -= 1
        guard frames[index].references == 0 else { return }
        frames[index].bytes?.deallocate()
        frames[index].bytes = nil
        frames.release(index)
    }

    func byteCount(_ index: Index) -> Int { frames[index].count }

    /// Valid while the frame is held.
    func bytes(_ index: Index) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: frames[index].bytes, count: frames[index].count)
    }

    private func isFull(for bytes: Int) -> Bool {
        recent.value.count == countMax || (recent.value.bytes + bytes > bytesMax && recent.value.count > 0)
    }

    private func evictOldest() {
        guard let key = recent.value.keys[recent.value.oldest],
            let index = recent.value.indices.removeValue(forKey: key)
        else {
            preconditionFailure("the ring and its index hold the same keys")
        }
        recent.value.keys[recent.value.oldest] = nil
        recent.value.oldest = (recent.value.oldest + 1) % countMax
        recent.value.count -= 1
        recent.value.bytes -= frames[index].count
        release(index)
    }
}
