import Testing

@testable import SOQL

/// What is accepted and how it prints.
struct ParsingTests {
    @Test(arguments: [
        ("Status='New'", "Status = 'New'"),
        ("status <> 'New'", "status != 'New'"),
        ("  A = 1  and\n\tB=2 AND c=3 ", "A = 1 AND B = 2 AND c = 3"),
        ("A = 1 AND (B = 2 AND C = 3)", "A = 1 AND B = 2 AND C = 3"),
        ("((A = 1))", "A = 1"),
        ("(A = 1 OR B = 2) AND C = 3", "(A = 1 OR B = 2) AND C = 3"),
        ("A = 1 OR (B = 2 AND C = 3)", "A = 1 OR (B = 2 AND C = 3)"),
        ("A = 1 AND a = 1", "A = 1"),
        ("not A = 1", "NOT A = 1"),
        ("NOT (A = 1)", "NOT A = 1"),
        ("NOT (A = 1 OR B = 2)", "NOT (A = 1 OR B = 2)"),
        ("NOT (NOT A = 1)", "NOT (NOT A = 1)"),
        ("A = 1 AND (NOT B = 2)", "A = 1 AND (NOT B = 2)"),
        ("A in ('x',  'y')", "A IN ('x', 'y')"),
        ("A not in (1,2.5,null)", "A NOT IN (1, 2.5, null)"),
        ("Name like 'A\\%b%_\\_'", "Name LIKE 'A\\%b%_\\_'"),
        ("Name LIKE 'a%%%b'", "Name LIKE 'a%b'"),
        ("Colours__c includes ('Red;Green','Blue')", "Colours__c INCLUDES ('Red;Green', 'Blue')"),
        ("Colours__c EXCLUDES ('Red')", "Colours__c EXCLUDES ('Red')"),
        ("A = TRUE", "A = true"), ("A = Null", "A = null"), ("A != false", "A != false"),
        ("A > -5", "A > -5"), ("A <= +5", "A <= 5"), ("A >= 1.50", "A >= 1.5"), ("A < 1e3", "A < 1000.0"),
        ("A = 9223372036854775807", "A = 9223372036854775807"),
        ("A = 9223372036854775808.0", "A = 9.223372036854776e+18"),
        ("D = 2026-07-09", "D = 2026-07-09"), ("D = 2024-02-29", "D = 2024-02-29"),
        ("D = 2026-07-09T10:30:11-08:00", "D = 2026-07-09T18:30:11Z"),
        ("D = 2026-07-09T10:30:11.5Z", "D = 2026-07-09T10:30:11.500Z"),
        ("D = 2026-07-09T23:59:59.999999999+0000", "D = 2026-07-09T23:59:59.999Z"),
        ("D < 1969-12-31T23:59:59.001Z", "D < 1969-12-31T23:59:59.001Z"),
        ("T = 14:30:00Z", "T = 14:30:00Z"), ("T = 14:30:00.250Z", "T = 14:30:00.250Z"),
        ("BillingAddress.City = 'Berlin'", "BillingAddress.City = 'Berlin'"),
        ("ChangeEventHeader.changeType != 'DELETE'", "ChangeEventHeader.changeType != 'DELETE'"),
        ("A = 'it\\'s \\\"here\\\" \\\\ \\n\\r\\t\\b\\f'", "A = 'it\\'s \"here\" \\\\ \\n\\r\\t\\b\\f'"),
        ("A = '\\u00e9\\uD83D\\uDE00\\_\\%'", "A = 'é😀_%'"),
        ("A = ''", "A = ''"),
        ("In__c = 1 AND Order = 2 AND From = 3", "In__c = 1 AND Order = 2 AND From = 3"),
    ])
    func printsCanonically(text: String, canonical: String) throws {
        let condition = try Condition(text)
        #expect(condition.description == canonical)
        let again = try Condition(canonical)
        #expect(again == condition)
        #expect(again.hashValue == condition.hashValue)
        #expect(again.description == canonical)
    }

    @Test func equalityIgnoresHowItIsWritten() throws {
        #expect(try Condition("status = 'New' and A=1") == Condition("(STATUS = 'New') AND ( a = 1 )"))
        #expect(try Condition("A = 1 AND B = 2") != Condition("A = 1 OR B = 2"))
        #expect(try Condition("A = 'x'") != Condition("A = 'y'"))
        #expect(try Condition("A = 1") != Condition("A = 1.0"))
    }

    /// Swift takes the two spellings of é for equal; evaluation does not, so neither may interning.
    @Test func spellingsInUnicodeStayApart() throws {
        let composed = "\u{E9}"
        let decomposed = "e\u{301}"
        for form in ["A = '%'", "A LIKE '#\\%'", "A IN ('%', 'x')", "A INCLUDES ('%')"] {
            let left = form.replacing(form.contains("#") ? "#" : "%", with: composed)
            let right = form.replacing(form.contains("#") ? "#" : "%", with: decomposed)
            #expect(try Condition(left) != Condition(right))
            #expect(try Condition("\(left) AND \(right)").description.utf8.elementsEqual("\(left) AND \(right)".utf8))
        }
    }

    @Test func fieldsAreNamedOnceAsWritten() throws {
        let condition = try Condition("A = 1 AND (b.C = 2 OR a = 3) AND (NOT D__c LIKE 'x')")
        #expect(condition.fields.count == 3)
        #expect(condition.fields.isSuperset(of: ["b.C", "D__c"]))
        #expect(condition.fields.contains("A") || condition.fields.contains("a"))
    }

    @Test func andJoinsWithoutRepeating() throws {
        let left = try Condition("A = 1 AND B = 2")
        #expect(Condition.and(left, try Condition("C = 3 AND a = 1")).description == "A = 1 AND B = 2 AND C = 3")
        #expect(Condition.and(left, left) == left)
        #expect(
            Condition.and(left, try Condition("A = 1 OR B = 2")).description == "A = 1 AND B = 2 AND (A = 1 OR B = 2)")
    }

    @Test func limitsHoldAtTheirBounds() throws {
        let nesting = SyntaxLimits.nestingMax
        _ = try Condition(String(repeating: "(", count: nesting) + "A = 1" + String(repeating: ")", count: nesting))
        let tooDeep = String(repeating: "(", count: nesting + 1) + "A = 1" + String(repeating: ")", count: nesting + 1)
        #expect(throws: SOQLError(message: "conditions can be nested 100 deep at most", position: 101)) {
            try Condition(tooDeep)
        }

        let terms = Array(repeating: "A = 1", count: SyntaxLimits.comparisonsMax)
        _ = try Condition(terms.joined(separator: " OR "))
        #expect(throws: SOQLError.self) { try Condition((terms + ["A = 1"]).joined(separator: " OR ")) }

        let text = String(repeating: "é", count: SyntaxLimits.stringCharactersMax)
        _ = try Condition("A = '\(text)'")
        #expect(throws: SOQLError(message: "a text is longer than 4000 characters", position: 5)) {
            try Condition("A = '\(text)x'")
        }

        let filler = SyntaxLimits.textCharactersMax - "A = 1".count
        _ = try Condition("A = 1" + String(repeating: " ", count: filler))
        #expect(throws: SOQLError(message: "the condition is longer than 131072 characters", position: 131_073)) {
            try Condition("A = 1" + String(repeating: " ", count: filler + 1))
        }
    }

    @Test func hostileNestingEndsInAnError() {
        for text in [
            String(repeating: "(", count: 131_000), String(repeating: "NOT (", count: 26_000),
            String(repeating: "A = 1 AND (", count: 11_000), String(repeating: "(", count: 10_000_000),
            "A = " + String(repeating: "\\", count: 100_000), String(repeating: "a.", count: 60_000),
            "A IN (" + String(repeating: "(", count: 100_000), "'" + String(repeating: "\\u12", count: 30_000),
        ] {
            #expect(throws: SOQLError.self) { try Condition(text) }
        }
    }
}
