import ChangeEvents
import Crypto
import Testing

struct TextDiffTests {
    private func diff(_ new: String, _ hunks: [String]) -> String {
        let hash = SHA256.hash(data: Array(new.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return (["--- ", "+++ " + hash] + hunks).joined(separator: "\n")
    }

    @Test(arguments: ["\n", "\r\n", "\r"])
    func aChangedLineKeepsTheLineBreaks(lineBreak: String) throws {
        let old = ["one", "two", "three"].joined(separator: lineBreak)
        let new = ["one", "2", "three"].joined(separator: lineBreak)
        #expect(try TextDiff.apply(diff(new, ["@@ -2,1 +2,1 @@", "-two", "+2"]), to: old) == new)
    }

    @Test func linesAreAddedAndRemovedAtEveryPlace() throws {
        let old = "a\nb\nc\nd"
        #expect(try TextDiff.apply(diff("x\na\nb\nc\nd", ["@@ -0,0 +1,1 @@", "+x"]), to: old) == "x\na\nb\nc\nd")
        #expect(
            try TextDiff.apply(diff("a\nb\nx\ny\nc\nd", ["@@ -2,0 +3,2 @@", "+x", "+y"]), to: old) == "a\nb\nx\ny\nc\nd"
        )
        #expect(try TextDiff.apply(diff("a\nb\nc\nd\nx", ["@@ -4,0 +5,1 @@", "+x"]), to: old) == "a\nb\nc\nd\nx")
        #expect(
            try TextDiff.apply(diff("b\nc", ["@@ -1,1 +0,0 @@", "-a", "@@ -4,1 +2,0 @@", "-d"]), to: old) == "b\nc")
        #expect(
            try TextDiff.apply(diff("a\nB\nc\nD", ["@@ -2 +2 @@", "-b", "+B", "@@ -4,1 +4,1 @@", "-d", "+D"]), to: old)
                == "a\nB\nc\nD")
    }

    @Test func aSingleLineMayBecomeMany() throws {
        #expect(try TextDiff.apply(diff("a\r\nb", ["@@ -1,1 +1,2 @@", "-a", "+a", "+b"]), to: "a") == "a\r\nb")
        #expect(try TextDiff.apply(diff("a\nc\n", ["@@ -2,1 +2,1 @@", "-b", "+c"]), to: "a\nb\n") == "a\nc\n")
        #expect(try TextDiff.apply(diff("ä🚗", ["@@ -1,1 +1,1 @@", "-x", "+ä🚗"]), to: "x") == "ä🚗")
    }

    @Test func linesThatLookLikeMarksAreText() throws {
        #expect(
            try TextDiff.apply(
                diff("--\n@@", ["@@ -1,2 +1,2 @@", "-+", "-@@ -1 +1 @@", "+--", "+@@"]), to: "+\n@@ -1 +1 @@")
                == "--\n@@")
    }

    @Test(arguments: ["other", "", "one\ntwo", "ONE\ntwo\nthree"])
    func anotherTextIsNotTouched(old: String) {
        let diff = diff("uno\ntwo\nthree", ["@@ -1,1 +1,1 @@", "-one", "+uno"])
        let error = #expect(throws: TextDiffError.self) { try TextDiff.apply(diff, to: old) }
        #expect(error?.code == .otherText)
    }

    @Test(arguments: [
        "", "--- ", "--- \n+++ ", "--- \n+++ abc", "plain text\nof two lines",
        "--- \n+++ \(String(repeating: "0", count: 64))\n@@",
        "--- \n+++ \(String(repeating: "0", count: 64))\n@@ -1,1 +1,1 @@\n-a",
        "--- \n+++ \(String(repeating: "0", count: 64))\n@@ -1,99999999999 +1,1 @@\n-a\n+b",
        "--- \n+++ \(String(repeating: "0", count: 64))\n@@ -0,1 +1,1 @@\n-a\n+b",
        "--- \n+++ \(String(repeating: "0", count: 64))\n@@ -1,1 +1,1 @@\n+a\n-b",
    ])
    func whatIsNoDiffIsRefused(diff: String) {
        let error = #expect(throws: TextDiffError.self) { try TextDiff.apply(diff, to: "a") }
        #expect(error?.code == .malformedDiff)
    }
}
