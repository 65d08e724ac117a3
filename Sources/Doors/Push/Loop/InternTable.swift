/// Equal values, kept once and counted: conditions, grants, subjects, frame classes. A row holds four bytes instead of them.
/// Owned by one loop.
struct InternTable<Value: Hashable> {
    typealias Index = UInt32

    private var values: [Value?] = []
    private var counts: [UInt32] = []
    private var free: [Index] = []
    private var places: [Value: Index] = [:]

    var count: Int { places.count }

    /// One more user of the value.
    mutating func acquire(_ value: Value) -> Index {
        if let index = places[value] {
            counts[Int(index)] += 1
            return index
        }
        let index: Index
        if let reused = free.popLast() {
            index = reused
            values[Int(index)] = value
            counts[Int(index)] = 1
        } else {
            index = Index(values.count)
            values.append(value)
            counts.append(1)
        }
        places[value] = index
        return index
    }

    /// One user less; true when it was the last one and the index is free again.
    @discardableResult
    mutating func release(_ index: Index) -> Bool {
        counts[Int(index)] -= 1
        guard counts[Int(index)] == 0, let value = values[Int(index)] else { return false }
        places[value] = nil
        values[Int(index)] = nil
        free.append(index)
        return true
    }

    subscript(index: Index) -> Value {
        guard let value = values[Int(index)] else { preconditionFailure("an index is used after its last release") }
        return value
    }

    func index(of value: Value) -> Index? { places[value] }
}
