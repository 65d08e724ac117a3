@testable import Doors

/// Searches (SOSL): what is read has a word to look for and bounded rows; the conditions in it are handed on as they stand.
enum Searches {
    static func run(_ input: inout FuzzInput) {
        let text = input.remainingText()
        if let terms = attempt({ try SOSLParser.terms(text) }) { check(terms, of: text) }
        let search: RecordSearch
        do throws(OrgError) {
            search = try SOSLParser.parse(text)
        } catch {
            property(
                "an error is a client's fault", holds: (400..<500).contains(error.status) && !error.message.isEmpty)
            return
        }
        check(search.terms, of: text)
        property("rows are bounded", holds: (1...SearchResources.limitMax).contains(search.limit))
        for target in search.targets {
            property("an object has a name", holds: !target.object.isEmpty)
            for clause in [target.condition, target.orderBy] {
                if let clause { property("a clause is handed on as it stands", holds: text.contains(clause)) }
            }
        }
    }

    private static func check(_ terms: [String], of text: String) {
        property("a search has a word", holds: !terms.isEmpty && terms.allSatisfy { !$0.isEmpty })
        property("words are part of the text", holds: terms.reduce(0) { $0 + $1.utf8.count } <= text.utf8.count)
    }
}
