public import ChangeEvents

/// Ids of an object's records, cut into ranges of about the same size.
public enum IDChunks {
    /// Bounds between the first and the last id that there are: each is the first id of the next range. Ids are given out by counting, in
    /// base 62 behind the object's prefix and the instance's, so that equal steps hold about as many records; where they do not, ranges
    /// are of different sizes, and every record is in one of them all the same.
    /// - Parameter count: ranges; there are fewer where the ids lie too close for so many.
    public static func bounds(from first: RecordID, to last: RecordID, count: Int) -> [RecordID] {
        guard count > 1, first < last else { return [] }
        let (low, high) = (Array(first.short.utf8), Array(last.short.utf8))
        guard let begin = low.indices.first(where: { low[$0] != high[$0] }) else { return [] }
        // What 64 bits hold.
        let end = min(begin + 10, low.count)
        let (from, to) = (number(low[begin..<end]), number(high[begin..<end]))
        guard from < to else { return [] }
        var bounds: [RecordID] = []
        for step in 1..<count {
            let share = (to - from).multipliedFullWidth(by: UInt64(step))
            let value = from + UInt64(count).dividingFullWidth(share).quotient
            let tail = Array(repeating: digits[0], count: low.count - end)
            let text = String(decoding: low[..<begin] + text(value, length: end - begin) + tail, as: UTF8.self)
            guard let bound = RecordID(text), bound > bounds.last ?? first, bound <= last else { continue }
            bounds.append(bound)
        }
        return bounds
    }

    /// In the order in which ids are compared.
    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    private static func number(_ text: ArraySlice<UInt8>) -> UInt64 {
        text.reduce(0) { $0 * 62 + UInt64(digits.firstIndex(of: $1) ?? 0) }
    }

    private static func text(_ number: UInt64, length: Int) -> [UInt8] {
        var (rest, text): (UInt64, [UInt8]) = (number, [])
        for _ in 0..<length {
            text.append(digits[Int(rest % 62)])
            rest /= 62
        }
        return text.reversed()
    }
}
