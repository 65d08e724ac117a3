import Testing

@testable import ChangeEvents

/// When a long text goes out as a difference, and what the difference says.
struct TextDiffMakingTests {
    private static let lines = (1...60).map { "line \($0) with some words in it" }
    private static let text = lines.joined(separator: "\n")

    private func changed(_ change: (inout [String]) -> Void) -> String {
        var lines = Self.lines
        change(&lines)
        return lines.joined(separator: "\n")
    }

    @Test func hunksHaveNoContextAndAlwaysACount() throws {
        let new = changed {
            $0[1] = "two"
            $0.remove(at: 10)
            $0.insert("new", at: 20)
            $0.append("end")
        }
        let diff = try #require(TextDiff.make(from: Self.text, to: new))
        let heads = diff.split(separator: "\n").filter { $0.hasPrefix("@@") }
        #expect(heads == ["@@ -2,1 +2,1 @@", "@@ -11,1 +10,0 @@", "@@ -21,0 +21,1 @@", "@@ -60,0 +61,1 @@"])
        #expect(try TextDiff.apply(diff, to: Self.text) == new)
    }

    @Test func theHashIsOfTheNewText() throws {
        let new = changed { $0[0] = "one" }
        let diff = try #require(TextDiff.make(from: Self.text, to: new))
        #expect(throws: TextDiffError.self) { try TextDiff.apply(diff, to: new) }
        let head = diff.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(head[0] == "--- ")
        #expect(head[1].hasPrefix("+++ "))
        #expect(head[1].utf8.count == 68)
    }

    @Test func shortTextsAreWhole() {
        let old = String(repeating: "a\n", count: 499) + "a"
        #expect(old.utf16.count == 999)
        #expect(TextDiff.make(from: old, to: old + "b") == nil)
        let long = Self.text
        #expect(TextDiff.make(from: long, to: String(long.prefix(999))) == nil)
    }

    @Test func lengthsThatDifferByMoreThanHalfAreWhole() {
        let half = Self.text + String(repeating: "x", count: Self.text.utf16.count / 2)
        #expect(TextDiff.make(from: Self.text, to: half + "xx") == nil)
    }

    @Test func moreThanAQuarterOfTheLinesIsWhole() {
        let quarter = changed { lines in for index in 0..<15 { lines[index] = "x\(index)" } }
        #expect(TextDiff.make(from: Self.text, to: quarter) != nil)
        let more = changed { lines in for index in 0..<16 { lines[index] = "x\(index)" } }
        #expect(TextDiff.make(from: Self.text, to: more) == nil)
    }

    @Test func aDifferenceLongerThanTheTextIsNotSent() {
        let line = String(repeating: "a", count: 600)
        let old = "\(line)\n\(line)\nb\nc\nd\ne\nf\ng"
        #expect(TextDiff.make(from: old, to: "\(line)1\n\(line)2\nb\nc\nd\ne\nf\ng") == nil)
    }

    @Test func anotherLineBreakIsSentWhole() {
        #expect(TextDiff.make(from: Self.text, to: Self.lines.joined(separator: "\r\n")) == nil)
        let mixed = Self.text.replacing("line 3 with some words in it\n", with: "line 3 with some words in it\r\n")
        #expect(TextDiff.make(from: Self.text, to: mixed) == nil)
    }

    @Test func randomChangesCanBeApplied() throws {
        var random = SeededRandom(seed: 11)
        var sent = 0
        for _ in 0..<200 {
            var lines = Self.lines
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<lines.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: lines.remove(at: place)
                case 1: lines.insert("new \(place)", at: place)
                default: lines[place] = "changed \(place)"
                }
            }
            let new = lines.joined(separator: "\n")
            guard let diff = TextDiff.make(from: Self.text, to: new) else { continue }
            sent += 1
            #expect(try TextDiff.apply(diff, to: Self.text) == new)
        }
        #expect(sent > 150)
    }
}
