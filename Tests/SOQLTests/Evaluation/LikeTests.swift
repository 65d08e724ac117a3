import Testing

@testable import SOQL

struct LikeTests {
    @Test(arguments: [
        ("Widget", "widget", true), ("Widget", "wid", false), ("Wid%", "widget", true), ("%get", "Widget", true),
        ("%dge%", "Widget", true), ("W%t", "Widget", true), ("W%x", "Widget", false), ("%", "anything", true),
        ("_", "a", true),
        ("_", "ab", false), ("__", "ab", true), ("W_dget", "Widget", true), ("%_", "a", true), ("%__", "a", false),
        ("100\\%", "100%", true), ("100\\%", "1000", false), ("a\\_b", "a_b", true), ("a\\_b", "axb", false),
        ("%a%a%", "banana", true), ("%na%na", "banana", true), ("%na%na%na", "banana", false), ("b%b", "b", false),
        ("Z_rich", "Zürich", true), ("z%ICH", "ZÜRICH", true), ("%Ü%", "zürich", true), ("%_rich", "Zürich", true),
        ("%_r_ch%", "Zürich am See", true), ("😀_", "😀😀", true), ("_", "😀", true), ("%😀", "a😀", true),
    ])
    func patternsMatch(pattern: String, value: String, expected: Bool) throws {
        let condition = try Condition("A LIKE '\(pattern)'")
        #expect((condition.evaluate(on: DictionaryRecord(fields: ["A": .string(value)])) == .yes) == expected)
    }

    /// Against the definition, by plain recursion, on all that short alphabets can make.
    @Test(arguments: [21, 22, 23] as [UInt64])
    func agreesWithTheDefinition(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var matches = 0
        for _ in 0..<20_000 {
            let alphabet: [Unicode.Scalar] = Bool.random(using: &generator) ? ["a", "B"] : ["a", "é", "😀"]
            var pattern = LikePattern()
            var plain: [Unicode.Scalar?] = []
            for _ in 0..<Int.random(in: 1...7, using: &generator) {
                switch Int.random(in: 0..<5, using: &generator) {
                case 0:
                    pattern.appendAnyText()
                    plain.append("%")
                case 1:
                    pattern.appendAnyCharacter()
                    plain.append(nil)
                default:
                    let scalar = alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
                    pattern.append(scalar)
                    plain.append(scalar)
                }
            }
            let value = (0..<Int.random(in: 1...9, using: &generator)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            let text = String(String.UnicodeScalarView(value))
            let expected = Self.matches(plain[...], value[...])
            if expected { matches += 1 }
            if LikeMatcher(pattern).matches(text) != expected {
                Issue.record("seed \(seed): \(pattern) on \(text) should be \(expected)")
            }
        }
        #expect(matches > 1_000)
    }

    /// A pattern made to be slow, on the longest text that Salesforce keeps.
    @Test func hostilePatternsStayLinear() throws {
        let long = String(repeating: "a", count: 131_072)
        let record = DictionaryRecord(fields: ["A": .string(long)])
        let pieces = [
            "%" + String(repeating: "a", count: 3_990) + "b%", "%" + String(repeating: "a_", count: 1_990) + "b%",
            String(repeating: "%a", count: 1_990) + "%b",
        ]
        for piece in pieces {
            let condition = try Condition("A LIKE '\(piece)'")
            let spent = processorTime { #expect(condition.evaluate(on: record) == .no) }
            // Naive matching takes minutes here in a debug build.
            #expect(spent < .seconds(20))
        }
    }

    /// nil is `_`.
    private static func matches(_ pattern: ArraySlice<Unicode.Scalar?>, _ value: ArraySlice<Unicode.Scalar>) -> Bool {
        guard let first = pattern.first else { return value.isEmpty }
        let rest = pattern.dropFirst()
        if first == "%" { return (value.startIndex...value.endIndex).contains { matches(rest, value[$0...]) } }
        guard let head = value.first else { return false }
        if let first, first.properties.lowercaseMapping != head.properties.lowercaseMapping { return false }
        return matches(rest, value.dropFirst())
    }
}
