/// A value that one loop owns, behind a pointer.
///
/// A variable of a class costs a run-time check of exclusive access each time it is changed; for what is touched at every
/// delivery those checks were a third of the loop's user time. Whoever holds one of these is on the loop's thread, and never
/// changes the value from within a change of it.
struct LoopOwned<Value>: ~Copyable {
    private let pointer: UnsafeMutablePointer<Value>

    init(_ value: Value) {
        pointer = .allocate(capacity: 1)
        pointer.initialize(to: value)
    }

    deinit {
        pointer.deinitialize(count: 1)
        pointer.deallocate()
    }

    var value: Value {
        @inline(__always) _read { yield pointer.pointee }
        @inline(__always) nonmutating _modify { yield &pointer.pointee }
    }
}
