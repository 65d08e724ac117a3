/// A text in lower case, made once: comparing a record's value with it makes no new string while the value is ASCII.
///
/// Folding takes each Unicode scalar to its lower-case mapping; no normalization (`é` in one scalar or two are
/// different), no language-dependent rules. Order is that of the folded UTF-8 bytes, which is the order of code points.
package struct FoldedText: Hashable, Sendable {
    let bytes: [UInt8]

    init(_ text: String) {
        bytes = Self.fold(text)
    }

    /// The order of a value to this text.
    func order(of value: String) -> Order {
        let fast = value.utf8.withContiguousStorageIfAvailable { (utf8: UnsafeBufferPointer<UInt8>) -> Order? in
            bytes.withUnsafeBufferPointer { folded -> Order? in
                let common = min(utf8.count, folded.count)
                for index in 0..<common {
                    let byte = utf8[index]
                    guard byte < 0x80 else { return nil }
                    let lower = Self.lower(byte)
                    if lower != folded[index] { return lower < folded[index] ? .less : .greater }
                }
                if utf8.count > common, utf8[common] >= 0x80 { return nil }
                return Order(utf8.count, folded.count)
            }
        }
        if let fast, let order = fast { return order }
        return Self.order(Self.fold(value), bytes)
    }

    /// Lends the folded bytes of a value; on the stack where it is ASCII and not huge.
    package static func withFolded<Result>(_ value: String, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        let count = value.utf8.count
        let fast = value.utf8.withContiguousStorageIfAvailable { (utf8: UnsafeBufferPointer<UInt8>) -> Result? in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { folded -> Result? in
                for index in 0..<count {
                    let byte = utf8[index]
                    guard byte < 0x80 else { return nil }
                    folded.initializeElement(at: index, to: Self.lower(byte))
                }
                return body(UnsafeBufferPointer(rebasing: folded[0..<count]))
            }
        }
        if let fast, let result = fast { return result }
        return fold(value).withUnsafeBufferPointer(body)
    }

    static func fold(_ text: String) -> [UInt8] {
        var folded: [UInt8] = []
        folded.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            if scalar.isASCII {
                folded.append(lower(UInt8(truncatingIfNeeded: scalar.value)))
            } else {
                folded.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
            }
        }
        return folded
    }

    static func order(_ left: some Sequence<UInt8>, _ right: some Sequence<UInt8>) -> Order {
        if left.lexicographicallyPrecedes(right) { return .less }
        return right.lexicographicallyPrecedes(left) ? .greater : .equal
    }

    @inline(__always)
    static func lower(_ byte: UInt8) -> UInt8 {
        byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
    }
}

/// How a value stands to a literal.
enum Order: Int8, Hashable, Sendable {
    case less = -1
    case equal = 0
    case greater = 1

    init<T: Comparable>(_ left: T, _ right: T) {
        self = left == right ? .equal : left < right ? .less : .greater
    }

    var reversed: Order {
        switch self {
        case .less: .greater
        case .equal: .equal
        case .greater: .less
        }
    }
}

/// How texts are ordered wherever SOQL compares them; databases use it as their collation, so that an index agrees with
/// the evaluator.
package enum TextOrder {
    /// Negative, zero or positive, for two texts in UTF-8: the order of their folded bytes.
    package static func compare(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Int32 {
        let common = min(left.count, right.count)
        var index = 0
        while index < common {
            let (first, second) = (left[index], right[index])
            if first | second >= 0x80 { return foldedOrder(left[index...], right[index...]) }
            let (lower, other) = (FoldedText.lower(first), FoldedText.lower(second))
            if lower != other { return lower < other ? -1 : 1 }
            index += 1
        }
        return left.count == right.count ? 0 : left.count < right.count ? -1 : 1
    }

    private static func foldedOrder(
        _ left: Slice<UnsafeBufferPointer<UInt8>>, _ right: Slice<UnsafeBufferPointer<UInt8>>
    ) -> Int32 {
        let order = FoldedText.order(
            FoldedText.fold(String(decoding: left, as: UTF8.self)),
            FoldedText.fold(String(decoding: right, as: UTF8.self)))
        return Int32(order.rawValue)
    }
}
