import ChangeEvents
import Crypto

/// Differences of long texts: the result of one has the hash that it states; one that was made takes the old text to the
/// new one.
enum TextDiffs {
    static func run(_ input: inout FuzzInput) {
        let diff = String(decoding: input.part(until: 0), as: UTF8.self)
        let old = String(decoding: input.part(until: 0), as: UTF8.self)
        if let new = attempt({ try TextDiff.apply(diff, to: old) }) {
            let hash = SHA256.hash(data: Array(new.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            property("the result of a difference has its hash", holds: diff.contains(hash))
        }
        // Only texts of a thousand characters have differences.
        let filler = String(repeating: "a line of the text that stays as it is\n", count: 30)
        let (before, after) = (filler + old + filler, filler + diff + filler)
        guard let made = TextDiff.make(from: before, to: after) else { return }
        let applied = must("a difference that was made can be applied") { try TextDiff.apply(made, to: before) }
        property("a difference that was made gives the new text", holds: applied.utf8.elementsEqual(after.utf8))
    }
}
