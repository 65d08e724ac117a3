internal import NIOCore
internal import Synchronization

/// Bytes that were made for one listener and are the same for the next who sees as much: an event is encoded once for each
/// class of listeners, not once for each of them.
///
/// A key holds everything that the bytes follow from, so that no listener is ever handed another class's. Bounded; any thread.
final class RecentEncodings<Key: Hashable & Sendable>: Sendable {
    /// Two generations: when the younger is full, the older is forgotten and the younger takes its place.
    private struct Generations {
        var younger: [Key: ByteBuffer] = [:]
        var older: [Key: ByteBuffer] = [:]
        var bytesOfYounger = 0
    }

    private let bytesMax: Int
    private let generations = Mutex(Generations())

    /// - Parameter bytesMax: of all encodings, without their keys.
    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// `make` runs without the lock: of two listeners who come at once, both may run it.
    func bytes<Failure: Error>(
        _ key: Key, make: () throws(Failure) -> ByteBuffer
    ) throws(Failure) -> ByteBuffer {
        if let known = generations.withLock({ $0.younger[key] ?? $0.older[key] }) { return known }
        let made = try make()
        let size = made.readableBytes
        // One that fills a generation by itself would drive out all others.
        guard size <= bytesMax / 4 else { return made }
        generations.withLock { generations in
            if generations.bytesOfYounger + size > bytesMax / 2 {
                generations.older = generations.younger
                generations.younger = [:]
                generations.bytesOfYounger = 0
            }
            if generations.younger.updateValue(made, forKey: key) == nil { generations.bytesOfYounger += size }
        }
        return made
    }

    /// Encodings that are kept.
    var count: Int { generations.withLock { $0.younger.count + $0.older.count } }
}
