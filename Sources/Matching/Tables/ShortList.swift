/// A list that is nearly always of one element or two, 16 bytes in a row: eight bytes of elements in place, more of them
/// on the heap. The row's owner calls `removeAll` before the row goes.
///
/// Only where it lies for good (in `Rows`) may its elements be lent.
struct ShortList<Element: BitwiseCopyable>: BitwiseCopyable {
    /// Elements, or where they are.
    private var storage: UInt64 = 0
    private(set) var count: UInt32 = 0
    /// Of the heap; 0: in place.
    private var capacity: UInt32 = 0

    static var inPlaceMax: Int { MemoryLayout<UInt64>.size / MemoryLayout<Element>.stride }

    init() {}

    var isEmpty: Bool { count == 0 }
    var heapBytes: Int { Int(capacity) * MemoryLayout<Element>.stride }

    subscript(index: Int) -> Element {
        mutating get {
            precondition(index >= 0 && index < count, "no such element")
            return base[index]
        }
        set {
            precondition(index >= 0 && index < count, "no such element")
            base[index] = newValue
        }
    }

    mutating func append(_ element: Element) {
        if Int(count) == (capacity == 0 ? Self.inPlaceMax : Int(capacity)) { resize(to: max(4, Int(count) * 2)) }
        (base + Int(count)).initialize(to: element)
        count += 1
    }

    /// Takes an element out and puts the last one in its place; answers the one that moved.
    mutating func remove(at index: Int) -> Element? {
        precondition(index >= 0 && index < count, "no such element")
        let last = base[Int(count) - 1]
        base[index] = last
        count -= 1
        if Int(count) * 4 <= Int(capacity) { resize(to: Int(count) * 2) }
        return index == Int(count) ? nil : last
    }

    mutating func removeAll() {
        if capacity > 0 { base.deallocate() }
        self = ShortList()
    }

    /// The elements where they lie.
    var elements: UnsafeMutableBufferPointer<Element> {
        mutating get { UnsafeMutableBufferPointer(start: base, count: Int(count)) }
    }

    private var base: UnsafeMutablePointer<Element> {
        mutating get {
            if capacity > 0 {
                guard let heap = UnsafeMutablePointer<Element>(bitPattern: UInt(storage)) else {
                    preconditionFailure("a list with a capacity has its elements on the heap")
                }
                return heap
            }
            return withUnsafeMutablePointer(to: &storage) {
                UnsafeMutableRawPointer($0).assumingMemoryBound(to: Element.self)
            }
        }
    }

    /// To the heap, to a larger or smaller place on it, or back.
    private mutating func resize(to wished: Int) {
        let old = base
        let wasOnHeap = capacity > 0
        if wished <= Self.inPlaceMax {
            guard wasOnHeap else { return }
            capacity = 0
            let count = Int(count)
            storage = 0
            base.update(from: old, count: count)
        } else {
            let heap = UnsafeMutablePointer<Element>.allocate(capacity: wished)
            heap.initialize(from: old, count: Int(count))
            storage = UInt64(UInt(bitPattern: heap))
            capacity = UInt32(wished)
        }
        if wasOnHeap { old.deallocate() }
    }
}
