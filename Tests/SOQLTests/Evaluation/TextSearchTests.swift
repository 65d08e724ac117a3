import SOQL
import Testing

@Suite struct TextSearchTests {
    @Test(arguments: [
        (TextSearch.Kind.contains, "b", "abc", true), (.contains, "B", "abc", false), (.contains, "", "abc", true),
        (.contains, "abcd", "abc", false), (.contains, "ü", "Zürich", true), (.contains, "u", "Zürich", false),
        (.startsWith, "Zü", "Zürich", true), (.startsWith, "zü", "Zürich", false), (.endsWith, "ich", "Zürich", true),
        (.endsWith, "Zürich!", "Zürich", false), (.phrase, "Sales Marketing", "Sales & Marketing", true),
        (.phrase, " Sales  & Marketing\t", "the Sales Marketing team", true), (.phrase, "sales", "Sales", false),
        (.phrase, "a-b", "a b", false), (.phrase, "a-b", "xa-bx", true), (.phrase, "O'Neil", "O'Neil", true),
    ])
    func bytesAreFoundInBytes(_ kind: TextSearch.Kind, _ wanted: String, _ text: String, _ isFound: Bool) throws {
        let search = TextSearch(kind, wanted)
        #expect(search.matches(text) == isFound)
        let again = try #require(TextSearch(encoded: search.encoded))
        #expect(again == search && again.matches(text) == isFound)
    }

    /// `e` and U+0301 are one character with `c` before them, and two texts as bytes.
    @Test func aCombiningMarkAtTheStartStaysWithTheText() throws {
        let search = TextSearch(.contains, "\u{301}")
        #expect(TextSearch(encoded: search.encoded) == search)
        #expect(search.matches("e\u{301}") && !search.matches("é"))
    }

    @Test func punctuationAloneIsNoPhrase() {
        #expect(TextSearch(.phrase, " &!' ").isEmpty)
        #expect(!TextSearch(.phrase, "-").isEmpty)
    }

    @Test func whatIsNoSearchIsNone() {
        #expect(TextSearch(encoded: "") == nil)
        #expect(TextSearch(encoded: "xabc") == nil)
    }
}
