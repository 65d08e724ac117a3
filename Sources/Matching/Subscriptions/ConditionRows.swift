/// A distinct condition of a channel: a row. 48 bytes; a formula of up to four words lies in it, a longer one on the heap.
struct ConditionRow: HashedRow {
    static let wordsInPlace = 4

    var hash: UInt32 = 0
    var next: UInt32 = 0
    /// 0: no condition, which every change satisfies.
    var wordCount: UInt32 = 0
    /// The first of its groups; `none`: the row is free.
    var firstGroup = UInt32.max
    var words: (UInt64, UInt64) = (0, 0)
    /// Where it is filed; one with the term `none`: in the list of those that no index finds.
    var access = ShortList<Access>()

    struct Access: BitwiseCopyable {
        var term: UInt32
        /// In the term's list.
        var place: UInt32
    }

    static func words(_ row: UnsafeMutablePointer<ConditionRow>) -> UnsafeBufferPointer<Formula.Word> {
        let count = Int(row.pointee.wordCount)
        if count > wordsInPlace {
            return UnsafeBufferPointer(start: UnsafePointer(bitPattern: UInt(row.pointee.words.0)), count: count)
        }
        let start = withUnsafeMutablePointer(to: &row.pointee.words) { UnsafeRawPointer($0) }
        return UnsafeBufferPointer(start: start.assumingMemoryBound(to: Formula.Word.self), count: count)
    }

    static func setWords(_ words: [Formula.Word], of row: UnsafeMutablePointer<ConditionRow>) {
        row.pointee.wordCount = UInt32(words.count)
        if words.count > wordsInPlace {
            let heap = UnsafeMutablePointer<Formula.Word>.allocate(capacity: words.count)
            heap.initialize(from: words, count: words.count)
            row.pointee.words.0 = UInt64(UInt(bitPattern: heap))
        } else {
            words.withUnsafeBytes { source in
                withUnsafeMutableBytes(of: &row.pointee.words) { $0.copyMemory(from: source) }
            }
        }
    }

    /// Gives back what the row owns on the heap.
    static func dispose(_ row: UnsafeMutablePointer<ConditionRow>) {
        if row.pointee.wordCount > wordsInPlace {
            UnsafeMutablePointer<Formula.Word>(bitPattern: UInt(row.pointee.words.0))?.deallocate()
        }
        row.pointee.wordCount = 0
        row.pointee.access.removeAll()
    }

    static func heapBytes(_ row: UnsafeMutablePointer<ConditionRow>) -> Int {
        (row.pointee.wordCount > wordsInPlace ? Int(row.pointee.wordCount) * 4 : 0) + row.pointee.access.heapBytes
    }
}

/// All subscriptions with one condition and one frame class: a row. Never without a slot.
struct GroupRow: HashedRow {
    var hash: UInt32 = 0
    var next: UInt32 = 0
    var condition: UInt32 = 0
    var frameClass: UInt32 = 0
    /// In the list of the condition's groups.
    var following = UInt32.max
    var preceding = UInt32.max
    /// `Kin.serial`.
    var serial: UInt64 = 0
    var slots = ShortList<SubscriptionSlot>()
}
