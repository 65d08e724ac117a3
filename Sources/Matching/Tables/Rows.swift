/// Rows of one kind, by number, in pages: a row never moves, so that growing copies nothing and pauses nobody.
///
/// A row holds no references; what it owns beside itself its owner gives back before the row. Every number is checked.
/// Owned by one loop.
struct Rows<Row: BitwiseCopyable>: ~Copyable {
    typealias Index = UInt32

    static var none: Index { .max }
    private static var pageRows: Index { 512 }

    /// Where the pages lie; not an array, whose count of references would change with every row that is looked at.
    private var pages: UnsafeMutablePointer<UnsafeMutablePointer<Row>>
    private var pageCount = 0
    private var pageCapacity = 8
    /// Rows that have ever been in use: `0..<limit` may be looked at; one that is free is as `empty`, but for its first
    /// four bytes.
    private(set) var limit: Index = 0
    private(set) var count = 0
    /// The row given back last; its first four bytes say which was before it.
    private var free = Self.none
    private let empty: Row

    init(empty: Row) {
        precondition(MemoryLayout<Row>.size >= MemoryLayout<Index>.size, "a free row holds a number")
        self.empty = empty
        pages = .allocate(capacity: pageCapacity)
    }

    deinit {
        for page in 0..<pageCount { pages[page].deallocate() }
        pages.deallocate()
    }

    /// A row that is `empty`.
    mutating func allocate() -> Index {
        count += 1
        if free != Self.none {
            let index = free
            free = UnsafeRawPointer(address(index)).loadUnaligned(as: Index.self)
            address(index).initialize(to: empty)
            return index
        }
        precondition(limit < Self.none - 1, "four bytes number the rows")
        if limit % Self.pageRows == 0 { addPage() }
        limit += 1
        address(limit - 1).initialize(to: empty)
        return limit - 1
    }

    mutating func release(_ index: Index) {
        count -= 1
        address(index).initialize(to: empty)
        UnsafeMutableRawPointer(address(index)).storeBytes(of: free, as: Index.self)
        free = index
    }

    /// Where a row lies, for good.
    @inline(__always)
    func address(_ index: Index) -> UnsafeMutablePointer<Row> {
        precondition(index < limit, "no such row")
        return pages[Int(index / Self.pageRows)] + Int(index % Self.pageRows)
    }

    subscript(index: Index) -> Row {
        @inline(__always) get { address(index).pointee }
        @inline(__always) nonmutating _modify { yield &address(index).pointee }
    }

    /// Memory held, without what rows own beside themselves.
    var bytes: Int { pageCount * Int(Self.pageRows) * MemoryLayout<Row>.stride }

    private mutating func addPage() {
        if pageCount == pageCapacity {
            let larger = UnsafeMutablePointer<UnsafeMutablePointer<Row>>.allocate(capacity: pageCapacity * 2)
            larger.moveInitialize(from: pages, count: pageCount)
            pages.deallocate()
            pages = larger
            pageCapacity *= 2
        }
        (pages + pageCount).initialize(to: .allocate(capacity: Int(Self.pageRows)))
        pageCount += 1
    }
}
