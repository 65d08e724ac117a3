import SOQL
import Testing

/// Every mistake says what is wrong and where.
struct ErrorTests {
    @Test(arguments: [
        ("", 1, "the condition is empty"),
        ("   ", 4, "the condition is empty"),
        ("Status =", 9, "expected a value after '=' but found end of text"),
        (
            "Status", 7,
            "expected an operator (=, !=, <, <=, >, >=, LIKE, IN, NOT IN, INCLUDES, EXCLUDES) after 'Status' but found end of text"
        ),
        (
            "Status 'New'", 8,
            "expected an operator (=, !=, <, <=, >, >=, LIKE, IN, NOT IN, INCLUDES, EXCLUDES) after 'Status' but found ''New''"
        ),
        ("= 1", 1, "expected a field name but found '='"),
        ("A = 1 AND", 10, "expected a field name after 'AND' but found end of text"),
        ("A = 1 OR B = 2 AND C = 3", 16, "unexpected token: 'AND': AND and OR can be mixed only with parentheses"),
        ("A = 1 AND B = 2 OR C = 3", 17, "unexpected token: 'OR': AND and OR can be mixed only with parentheses"),
        ("A = 1 AND NOT B = 2", 11, "unexpected token: 'NOT': NOT beside other conditions needs parentheses: (NOT …)"),
        ("NOT A = 1 AND B = 2", 11, "unexpected token: 'AND': NOT beside other conditions needs parentheses: (NOT …)"),
        ("NOT NOT A = 1", 5, "unexpected token: 'NOT': write NOT (NOT …)"),
        ("(A = 1", 7, "expected ')' after '1' but found end of text"),
        ("A = 1)", 6, "unexpected token: ')': there is no '(' that it closes"),
        ("A = 1 ORDER BY B", 7, "unexpected token: 'ORDER': expected AND, OR or end of text"),
        ("A = 'abc", 5, "the text that begins here has no closing quote (')"),
        ("A = 'abc\\", 5, "the text that begins here has no closing quote (')"),
        ("Ä = 1", 1, "unexpected character 'Ä'"),
        ("Name = 'Ä' AND €", 16, "unexpected character '€'"),
        ("A = \"x\"", 5, "text stands in single quotes (') in SOQL, not in double quotes"),
        ("A = :x", 5, "bind variables are not allowed here: write the value itself"),
        ("A ! 1", 3, "unexpected character '!': the operator for 'not equal' is !="),
        ("A = B", 5, "expected a value but found the name 'B' (a text stands in single quotes)"),
        ("A = AND", 5, "expected a value after '=' but found 'AND'"),
        ("A. = 1", 3, "expected a name after '.'"),
        ("A > null", 5, "null can be compared only with = and !="),
        ("A <= true", 6, "true and false can be compared only with = and !="),
        ("A LIKE 5", 8, "expected a text in single quotes after 'LIKE' but found '5'"),
        ("A NOT LIKE 'x'", 7, "unexpected token: 'LIKE': SOQL has no NOT LIKE: write (NOT A LIKE …)"),
        ("A NOT 'x'", 7, "expected IN after 'NOT' but found ''x''"),
        ("A IN 'x'", 6, "expected '(' after 'IN' but found ''x''"),
        ("A IN ()", 7, "expected a value after '(' but found ')'"),
        ("A IN (1, 'x')", 10, "the values of a list must be of one type"),
        ("A IN (2026-01-01, 2026-01-01T00:00:00Z)", 19, "the values of a list must be of one type"),
        ("A IN (1 2)", 9, "expected ',' or ')' after '1' but found '2'"),
        ("A IN (SELECT Id FROM B)", 7, "a subquery cannot be used in a condition here"),
        ("A INCLUDES (1)", 13, "expected a text in single quotes after '(' but found '1'"),
        ("A INCLUDES ('a;;b')", 13, "a selected value cannot be empty"),
        (
            "D = TODAY", 5,
            "'TODAY' depends on the day and is not allowed in a subscription's condition: write a date such as 2026-07-09"
        ),
        (
            "D > last_n_days:7", 5,
            "'last_n_days' depends on the day and is not allowed in a subscription's condition: write a date such as 2026-07-09"
        ),
        (
            "D > NEXT_FISCAL_QUARTER", 5,
            "'NEXT_FISCAL_QUARTER' depends on the day and is not allowed in a subscription's condition: write a date such as 2026-07-09"
        ),
        ("CALENDAR_YEAR(D) = 2026", 14, "unexpected token: '(': functions cannot be used in a condition here"),
        ("D = 2026-02-29", 5, "'2026-02-29' is not a day of the calendar"),
        ("D = 2026-13-01", 5, "'2026-13-01' is not a day of the calendar"),
        ("D = 1699-12-31", 5, "'1699-12-31' is outside Salesforce's years 1700 to 4000"),
        ("D = 1700-01-01T00:00:00+01:00", 5, "'1700-01-01T00:00:00+01:00' is outside Salesforce's years 1700 to 4000"),
        ("D = 2026-07-09T25:00:00Z", 5, "'2026-07-09T25:00:00Z' is not a time of day"),
        (
            "D = 2026-07-09T10:00:00", 5,
            "'2026-07-09T10:00:00' has no time zone: end it with Z or an offset such as -08:00"
        ),
        (
            "D = 2026-07-09T10:00", 5,
            "'2026-07-09T10:00' is not a date-time: the form is 2026-07-09T10:30:00Z or 2026-07-09T10:30:00-08:00"
        ),
        ("D = 2026-07-09T10:00:00+15:00", 5, "'2026-07-09T10:00:00+15:00' has an offset that no time zone has"),
        ("T = 14:30:00", 5, "'14:30:00' is not a time: the form is 14:30:00Z, and the Z is required"),
        ("A = 1x", 5, "'1x' is not a number, date, date-time or time"),
        ("A = 1.", 5, "'1.' is not a number"),
        ("A = -", 5, "'-' is not a number"),
        (
            "A = 9223372036854775808", 5,
            "'9223372036854775808' is too large for a whole number: write it with a decimal point (9223372036854775808.0)"
        ),
        ("A = 1e999", 5, "'1e999' is too large for a number"),
        (
            "A = 'a\\x'", 7,
            "a backslash must be written as \\\\ where it does not begin an escape (\\' \\\" \\\\ \\n \\r \\t \\b \\f \\_ \\% \\uXXXX)"
        ),
        ("A = 'é\\u12g4'", 7, "expected four hexadecimal digits after \\u"),
        ("A = '\\uD83D!'", 6, "\\u escapes give half of a surrogate pair"),
        ("A = '\\uD83D\\u0041'", 6, "\\u escapes give half of a surrogate pair"),
    ])
    func mistakesHaveAPlace(text: String, position: Int, message: String) {
        #expect(throws: SOQLError(message: message, position: position)) { try Condition(text) }
    }

    @Test func longTokensAreQuotedShort() {
        let error = #expect(throws: SOQLError.self) { try Condition("A = 1 " + String(repeating: "x", count: 500)) }
        #expect((error?.message.count ?? 0) < 150)
        #expect(error?.description.hasSuffix("(at character 7)") == true)
    }
}
