import ChangeEvents
import Doors
import SOQL

/// Cuts a query of a whole object into ranges of ids, as `Sforce-Enable-PKChunking` asks for. The cuts are made in the numbers
/// that ids count, so a chunk of 100,000 has at most that many rows, and fewer where records were deleted.
enum PKChunks {
    /// Ids of an object begin with its prefix and the org's instance; then they count.
    private static let fixedCharacters = 6

    /// An order, a limit or a group speaks of the whole; such a query is not cut, nor is what is no query.
    static func suit(_ soql: String) -> Bool {
        do throws(SOQLError) {
            let query = try Query(soql)
            return query.order.isEmpty && query.limit == nil && query.offset == nil && query.grouping.isEmpty
        } catch {
            // Whoever plans the text says what is wrong with it.
            return false
        }
    }

    static func ranges(from first: RecordID, to last: RecordID, chunkSize: Int) -> [QueryProgress.IDRange] {
        let prefix = String(first.short.prefix(fixedCharacters))
        guard last.short.hasPrefix(prefix), let start = Base62.number(first.short.dropFirst(fixedCharacters)),
            let end = Base62.number(last.short.dropFirst(fixedCharacters)), start <= end
        else { return [.init(from: first.string, below: nil)] }
        let width = first.short.count - fixedCharacters
        let starts = stride(from: start, through: end, by: chunkSize).compactMap { number in
            RecordID(prefix + Base62.text(number, width: width))?.string
        }
        return starts.enumerated().map { index, id in
            .init(from: id, below: index + 1 < starts.count ? starts[index + 1] : nil)
        }
    }

    /// The query, of one range.
    static func soql(_ soql: String, in range: QueryProgress.IDRange) -> String {
        let bounds = "Id >= '\(range.from)'" + (range.below.map { " AND Id < '\($0)'" } ?? "")
        let words = keywords(of: soql).drop { $0.word != "from" }
        let tail = words.first { tailWords.contains($0.word) }?.start ?? soql.endIndex
        guard let place = words.first(where: { $0.word == "where" }) else {
            return "\(soql[..<tail]) WHERE \(bounds) \(soql[tail...])"
        }
        return "\(soql[..<place.end]) (\(soql[place.end..<tail])) AND \(bounds) \(soql[tail...])"
    }

    /// What may stand behind the condition of a query that is cut: `WITH SECURITY_ENFORCED`, `FOR VIEW`, `ALL ROWS`.
    private static let tailWords: Set<String> = ["with", "for", "all"]

    /// The words of a query that stand outside its texts and brackets.
    private static func keywords(of soql: String) -> [(word: String, start: String.Index, end: String.Index)] {
        var words: [(word: String, start: String.Index, end: String.Index)] = []
        var depth = 0
        var isQuoted = false
        var isEscaped = false
        var start: String.Index?
        var index = soql.startIndex
        func flush(at end: String.Index) {
            if let start, depth == 0 { words.append((soql[start..<end].lowercased(), start, end)) }
            start = nil
        }
        while index < soql.endIndex {
            let character = soql[index]
            if isQuoted {
                if isEscaped {
                    isEscaped = false
                } else if character == "\\" {
                    isEscaped = true
                } else if character == "'" {
                    isQuoted = false
                }
            } else if character.isLetter || character.isNumber || character == "_" || character == "." {
                start = start ?? index
            } else {
                flush(at: index)
                if character == "'" { isQuoted = true }
                if character == "(" { depth += 1 }
                if character == ")" { depth -= 1 }
            }
            index = soql.index(after: index)
        }
        flush(at: index)
        return words
    }
}

extension Sandbox {
    /// The ranges of an object's ids that there are.
    func pkChunks(
        of object: String, scope: QueryScope, _ chunking: PKChunking, context: CallContext
    ) async throws(OrgError) -> [QueryProgress.IDRange] {
        guard let last = try await id(of: object, "DESC", scope, context) else { return [] }
        var first = try await id(of: object, "ASC", scope, context) ?? last
        if let text = chunking.startRow {
            guard let start = RecordID(text), start.keyPrefix == first.keyPrefix else {
                throw .invalidJob("startRow is no id of \(object): \(text)")
            }
            if start.string > last.string { return [] }
            if start.string > first.string { first = start }
        }
        return PKChunks.ranges(from: first, to: last, chunkSize: chunking.chunkSize)
    }

    private func id(
        of object: String, _ order: String, _ scope: QueryScope, _ context: CallContext
    ) async throws(OrgError) -> RecordID? {
        let query = try await rowQuery(
            "SELECT Id FROM \(object) ORDER BY Id \(order) LIMIT 1", scope: scope, context: context)
        guard case .string(let id)? = try await rows(of: query, after: nil, limit: 1, context: context).values.first
        else {
            return nil
        }
        return RecordID(id)
    }
}
