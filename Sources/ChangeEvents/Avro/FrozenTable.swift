/// A table that is filled once and then only read: plain elements in memory of its own.
///
/// An array would do, but each access to one costs a bounds check and each copy of it a reference count, and the
/// programs below do some hundred accesses per event. Their indices come from the compiler of the program, never from a
/// payload.
///
/// `@unchecked Sendable`: the memory is written in `init` only and freed in `deinit`; elements have no references.
final class FrozenTable<Element: BitwiseCopyable>: @unchecked Sendable {
    let elements: UnsafeBufferPointer<Element>

    init(_ source: some Collection<Element>) {
        let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: source.count)
        _ = memory.initialize(fromContentsOf: source)
        elements = UnsafeBufferPointer(memory)
    }

    deinit {
        elements.deallocate()
    }
}
