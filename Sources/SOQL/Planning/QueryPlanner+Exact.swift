/// What other protocols ask and SOQL's text does not say: texts as they stand, and the rows behind a given one.
extension QueryPlanner {
    /// An empty field satisfies no exact test, so that every one satisfies the negation of it.
    mutating func sql(_ test: ExactTest, _ operand: FilterOperand, isNegated: Bool) throws(QueryError) -> String {
        guard operand.type.isText || operand.type == .identifier else {
            throw QueryError(
                .invalidFilterOperator, "invalid operator on \(operand.type.noun) field", at: operand.place)
        }
        let claim: String
        switch test {
        case .among(let texts):
            let parameters = texts.map { bind(.string($0.string)) }.joined(separator: ", ")
            // The column's own collation first: an index has it, and what it leaves out is not equal either.
            claim =
                operand.type == .identifier
                ? "\(operand.sql) IN (\(parameters))"
                : "(\(operand.sql) IN (\(parameters)) AND \(operand.sql) COLLATE BINARY IN (\(parameters)))"
        case .search(let search):
            claim = "soql_search(\(operand.sql), \(bind(.string(search.encoded)))) = 1"
        case .compare(let operation, let text):
            claim = "\(operand.sql) COLLATE BINARY \(operation.rawValue) \(bind(.string(text.string)))"
        }
        return isNegated ? "NOT ifnull(\(claim), 0)" : claim
    }

    /// The rows that come, in this order, behind the one with these values.
    mutating func behind(_ values: [Value], _ order: [OrderTerm]) throws(QueryError) -> String {
        guard values.count == order.count else {
            throw QueryError(.malformedQuery, "\(order.count) values name the place in this order, not \(values.count)")
        }
        var terms: [(sql: String, parameter: String)] = []
        var alternatives: [String] = []
        for (term, value) in zip(order, values) {
            let sql = try orderable(term.term)
            let isNull = value == .null
            let parameter = isNull ? "NULL" : bind(value)
            let comparison: String? =
                switch (isNull, term.nullsLast) {
                case (true, true): nil
                case (true, false): "\(sql) IS NOT NULL"
                case (false, false): "\(sql) \(term.isDescending ? "<" : ">") \(parameter)"
                case (false, true): "(\(sql) \(term.isDescending ? "<" : ">") \(parameter) OR \(sql) IS NULL)"
                }
            if let comparison {
                let equal = terms.map { "\($0.sql) IS \($0.parameter)" }
                alternatives.append((equal + [comparison]).joined(separator: " AND "))
            }
            terms.append((sql, parameter))
        }
        return alternatives.isEmpty ? "0" : "(\(alternatives.map { "(\($0))" }.joined(separator: " OR ")))"
    }
}
