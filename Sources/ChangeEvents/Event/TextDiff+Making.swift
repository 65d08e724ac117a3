import Crypto

extension TextDiff {
    /// Shorter texts are always sent whole.
    static let charactersMin = 1_000
    /// The share of a text's length, and of both texts' lines, up to which a difference is worth sending.
    private static let lengthChangeMax = 0.5
    private static let lineChangeMax = 0.25

    /// The difference that takes `old` to `new`, as an org sends it; nil where it sends the whole text: it is short, its
    /// length has changed by more than half, more than a quarter of the lines of both have changed, the difference is no
    /// shorter than the text, or it could not be applied (the kind of line break has changed).
    public static func make(from old: String, to new: String) -> String? {
        let oldCount = old.utf16.count
        let newCount = new.utf16.count
        // The reader joins the lines with the old text's break.
        let breaks = lineBreaks(of: old)
        guard breaks.count <= 1, lineBreaks(of: new).isSubset(of: breaks) else { return nil }
        guard oldCount >= charactersMin, newCount >= charactersMin, old != new,
            Double(abs(newCount - oldCount)) <= Double(oldCount) * lengthChangeMax
        else { return nil }
        let oldLines = lines(of: old)
        let newLines = lines(of: new)
        let hunks = hunks(from: oldLines, to: newLines)
        let changed = hunks.reduce(0) { $0 + $1.old.count + $1.new.count }
        guard Double(changed) <= Double(oldLines.count + newLines.count) * lineChangeMax else { return nil }
        var text = ["--- ", "+++ " + hexadecimal(SHA256.hash(data: Array(new.utf8)))]
        for hunk in hunks {
            // Lines count from 1; of an empty side the line before it is named.
            let oldStart = hunk.old.isEmpty ? hunk.old.lowerBound : hunk.old.lowerBound + 1
            let newStart = hunk.new.isEmpty ? hunk.new.lowerBound : hunk.new.lowerBound + 1
            text.append("@@ -\(oldStart),\(hunk.old.count) +\(newStart),\(hunk.new.count) @@")
            text += oldLines[hunk.old].map { "-" + $0 }
            text += newLines[hunk.new].map { "+" + $0 }
        }
        let diff = text.joined(separator: "\n")
        guard diff.utf16.count < newCount else { return nil }
        do {
            return try apply(diff, to: old).utf8.elementsEqual(new.utf8) ? diff : nil
        } catch {
            return nil
        }
    }

    /// The kinds of line break in a text.
    private static func lineBreaks(of text: String) -> Set<String> {
        var breaks: Set<String> = []
        var follows = false
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\n") {
                breaks.insert(follows ? "\r\n" : "\n")
            } else if follows {
                breaks.insert("\r")
            }
            follows = byte == UInt8(ascii: "\r")
        }
        if follows { breaks.insert("\r") }
        return breaks
    }

    private struct ChangedLines {
        var old: Range<Int>
        var new: Range<Int>
    }

    /// The places where the lines differ, by the shortest edit script; the parts before and after all changes are cut off
    /// first. Falls back to one hunk over everything between them when that is too long to search.
    private static func hunks(from old: [Substring], to new: [Substring]) -> [ChangedLines] {
        func isSame(_ left: Substring, _ right: Substring) -> Bool { left.utf8.elementsEqual(right.utf8) }
        var start = 0
        while start < min(old.count, new.count), isSame(old[start], new[start]) { start += 1 }
        var end = 0
        while end < min(old.count, new.count) - start, isSame(old[old.count - 1 - end], new[new.count - 1 - end]) {
            end += 1
        }
        let oldRange = start..<old.count - end
        let newRange = start..<new.count - end
        guard oldRange.count * newRange.count <= cellsMax else { return [ChangedLines(old: oldRange, new: newRange)] }
        return hunks(old: old, oldRange, new: new, newRange, isSame: isSame)
    }

    /// Pairs of lines that are compared at most.
    private static let cellsMax = 4_000_000

    /// By the longest common subsequence of the lines.
    private static func hunks(
        old: [Substring], _ oldRange: Range<Int>, new: [Substring], _ newRange: Range<Int>,
        isSame: (Substring, Substring) -> Bool
    ) -> [ChangedLines] {
        let width = newRange.count + 1
        var lengths = [Int32](repeating: 0, count: (oldRange.count + 1) * width)
        for row in stride(from: oldRange.count - 1, through: 0, by: -1) {
            for column in stride(from: newRange.count - 1, through: 0, by: -1) {
                lengths[row * width + column] =
                    isSame(old[oldRange.lowerBound + row], new[newRange.lowerBound + column])
                    ? lengths[(row + 1) * width + column + 1] + 1
                    : max(lengths[(row + 1) * width + column], lengths[row * width + column + 1])
            }
        }
        var hunks: [ChangedLines] = []
        var row = 0
        var column = 0
        while row < oldRange.count || column < newRange.count {
            let oldStart = row
            let newStart = column
            while row < oldRange.count || column < newRange.count {
                if row < oldRange.count, column < newRange.count,
                    isSame(old[oldRange.lowerBound + row], new[newRange.lowerBound + column])
                {
                    break
                }
                if column == newRange.count
                    || (row < oldRange.count
                        && lengths[(row + 1) * width + column] >= lengths[row * width + column + 1])
                {
                    row += 1
                } else {
                    column += 1
                }
            }
            if row > oldStart || column > newStart {
                hunks.append(
                    ChangedLines(
                        old: oldRange.lowerBound + oldStart..<oldRange.lowerBound + row,
                        new: newRange.lowerBound + newStart..<newRange.lowerBound + column))
            }
            while row < oldRange.count, column < newRange.count,
                isSame(old[oldRange.lowerBound + row], new[newRange.lowerBound + column])
            {
                row += 1
                column += 1
            }
        }
        return hunks
    }
}
