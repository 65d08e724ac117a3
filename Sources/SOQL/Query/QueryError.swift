/// Why a query is refused, in Salesforce's codes and words.
package struct QueryError: Error, Hashable, Sendable {
    package enum Code: String, Sendable {
        case malformedQuery = "MALFORMED_QUERY"
        case invalidField = "INVALID_FIELD"
        case invalidType = "INVALID_TYPE"
        case invalidFilterOperator = "INVALID_QUERY_FILTER_OPERATOR"
        case tooComplicated = "QUERY_TOO_COMPLICATED"
        case numberOutOfRange = "NUMBER_OUTSIDE_VALID_RANGE"
        case exceededIDLimit = "EXCEEDED_ID_LIMIT"
    }

    package var code: Code
    package var message: String
    /// Byte offset in the text of the query; nil where no place is to blame.
    package var place: Int?

    package init(_ code: Code, _ message: String, at place: Int? = nil) {
        self.code = code
        self.message = message
        self.place = place
    }

    /// As an org shows it: the line, a caret under the place, row and column, the reason. Long lines are cut around the
    /// place.
    package func text(in soql: String) -> String {
        guard let place else { return message }
        let bytes = Array(soql.utf8)
        let end = min(place, bytes.count)
        let before = bytes[..<end]
        let lineStart = (before.lastIndex(of: 0x0A) ?? -1) + 1
        let row = before.count(where: { $0 == 0x0A }) + 1
        let lineEnd = bytes[end...].firstIndex(of: 0x0A) ?? bytes.count
        let left = Array(String(decoding: bytes[lineStart..<end], as: UTF8.self))
        let right = Array(String(decoding: bytes[end..<lineEnd], as: UTF8.self))
        let shownLeft = String(left.suffix(Self.shownCharacters))
        let shownRight = String(right.prefix(Self.shownCharacters))
        let caret = String(repeating: " ", count: min(left.count, Self.shownCharacters)) + "^"
        return "\n\(shownLeft)\(shownRight)\n\(caret)\nERROR at Row:\(row):Column:\(left.count + 1)\n\(message)"
    }

    private static let shownCharacters = 60
}

extension SOQLError {
    /// A text that is no query.
    package func queryError(in soql: String) -> QueryError {
        let characters = soql.prefix(max(0, position - 1))
        return QueryError(.malformedQuery, message, at: characters.utf8.count)
    }
}
