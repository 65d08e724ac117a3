/// A `LIKE` pattern for a database: made from its text in SOQL, used on many values. Immutable, usable from any thread.
package final class TextPattern: Sendable {
    private let matcher: LikeMatcher

    /// `soql`: as it stands between the quotes, in canonical writing. That can be longer than what was parsed (a line
    /// break becomes an escape), so the limit of the parser does not count.
    package convenience init?(soql: String) {
        do {
            self.init(try StringReader(bytes: Array("'\(soql)'".utf8)[...], charactersMax: .max).pattern())
        } catch {
            return nil
        }
    }

    package init(_ pattern: LikePattern) { matcher = LikeMatcher(pattern) }

    package func matches(_ value: String) -> Bool { matcher.matches(value) }
}

/// The groups of an `INCLUDES` for a database. Immutable, usable from any thread.
package final class TextSelection: Sendable {
    private let matcher: SelectionMatcher

    /// Groups with U+001E between them, their values with U+001F.
    package convenience init?(encoded: String) {
        self.init(
            encoded.unicodeScalars.split(separator: "\u{1E}").map { group in
                group.split(separator: "\u{1F}").map { ExactText(String($0)) }
            })
    }

    package init(_ groups: [[ExactText]]) { matcher = SelectionMatcher(groups) }

    package func matches(_ value: String) -> Bool { matcher.matches(value) }

    package static func encode(_ groups: [[ExactText]]) -> String {
        groups.map { $0.map(\.string).joined(separator: "\u{1F}") }.joined(separator: "\u{1E}")
    }
}
