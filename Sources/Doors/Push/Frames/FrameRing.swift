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

    private let countMax: Int
    private let bytesMax: Int
    private var frames = SlotTable(empty: Frame(bytes: nil, count: 0, references: 0))
    private var places: [FrameKey: Index] = [:]
    /// Keys from oldest to newest, in a circle.
    private var recent: [FrameKey?]
    private var oldest = 0
    private var recentCount = 0
    private var recentBytes = 0

    init(countMax: Int, bytesMax: Int) {
        self.countMax = countMax
        self.bytesMax = bytesMax
        recent = Array(repeating: nil, count: countMax)
    }

    deinit {
        for index in frames.indices { frames[index].bytes?.deallocate() }
    }

    /// Frames in memory, in the ring or held by queues.
    var count: Int { frames.count }

    func find(_ key: FrameKey) -> Index? { places[key] }

    /// Adds a frame to the ring. It may leave the ring with the next `insert`: whoever wants it longer retains it.
    mutating func insert(_ key: FrameKey, _ parts: FrameParts) -> Index {
        if let index = places[key] { return index }
        let index = make(parts)
        let count = frames[index].count
        while recentCount == countMax || (recentBytes + count > bytesMax && recentCount > 0) { evictOldest() }
        recent[(oldest + recentCount) % countMax] = key
        recentCount += 1
        recentBytes += count
        places[key] = index
        return index
    }

    /// A frame for one connection. The caller owns one reference.
    mutating func make(_ parts: FrameParts) -> Index {
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

    mutating func release(_ index: Index) {
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

    private mutating func evictOldest() {
        guard let key = recent[oldest], let index = places.removeValue(forKey: key) else {
            preconditionFailure("the ring and its index hold the same keys")
        }
        recent[oldest] = nil
        oldest = (oldest + 1) % countMax
        recentCount -= 1
        recentBytes -= frames[index].count
        release(index)
    }
}
