import ChangeEvents
import Testing

@testable import Sandbox

@Suite("Formulas: values") struct FormulaEvaluationTests {
    let record = FormulaRecord()

    @Test(
        "numbers",
        arguments: [
            ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("-2 + 5", 3), ("- - 2", 2), ("10 - 4 - 3", 3), ("12 / 4 / 3", 1),
            // As in Salesforce's grammar, ^ binds looser than *.
            ("2 ^ 3", 8), ("2 * 3 ^ 2", 36), ("2 ^ 3 ^ 2", 64), (".5 + 1.25", 1.75),
            ("0.1 + 0.2", 0.3), ("1.1 * 3", 3.3), ("Amount__c * 2", 2_501), ("amount__C + count__c", 1_257.5),
            ("Count__c + Missing__c", 7), ("Rate__c * 100", 25), ("1 /* one */ + /* two */ 2", 3),
            ("IF(IsOpen__c, 1, 2)", 1), ("IF(NOT IsOpen__c, 1, 2)", 2), ("IF(!IsOpen__c, 1, 2)", 2),
            // What is not chosen is not evaluated.
            ("IF(Missing__c = 0, 0, 1 / Missing__c)", 0),
            ("CASE(Status, \"New\", 1, \"Closed\", 2, 3)", 1), ("CASE(NoStatus__c, \"New\", 1, 3)", 3),
            ("CASE(Count__c, 1, 10, 7, 70, 0) + 1", 71), ("CASE(1, 1, CASE(2, 3, 1, 2), 9)", 2),
            ("CASE(Name, \"X\", 1, \"Voltus\", 2, 0)", 2), ("CASE(NoStatus__c, \"\", 1, 2)", 1),
            ("BLANKVALUE(Missing__c, 5)", 0), ("NULLVALUE(NULL, 5)", 5), ("BLANKVALUE(NULL, 4) + 1", 5),
            ("LEN(Name)", 6), ("LEN(Empty__c)", 0), ("VALUE(\" -12.50 \")", -12.5), ("FIND(\"t\", Name)", 4),
            ("FIND(\"l\", \"hello\", 4)", 4), ("FIND(\"z\", Name)", 0), ("FIND(\"\", Name)", 0),
            ("FIND(\"T\", Name)", 0),
            ("ROUND(1.005, 2)", 1.01), ("ROUND(-1.5, 0)", -2), ("ROUND(2.5, 0)", 3), ("ROUND(1250, -2)", 1_300),
            ("ROUND(49, -2)", 0), ("ROUND(50, -2)", 100), ("ROUND(9.999, 2)", 10), ("ROUND(0.05, 1)", 0.1),
            ("TRUNC(1.99)", 1), ("TRUNC(-1.987, 2)", -1.98), ("FLOOR(2.7)", 2), ("FLOOR(-2.7)", -2),
            ("CEILING(2.1)", 3), ("CEILING(-2.1)", -3), ("MFLOOR(-2.1)", -3), ("MCEILING(-2.1)", -2),
            ("CEILING(0.1 * 3 * 10)", 3), ("ABS(-3.5)", 3.5), ("MOD(7, 3)", 1), ("MOD(-7, 3)", -1), ("MOD(7, -3)", 1),
            ("MOD(0.3, 0.1)", 0), ("MIN(3, 1, 2)", 1), ("MAX(3, 1, 2)", 3), ("MAX(4)", 4), ("SQRT(16)", 4),
            ("LOG(1000)", 3), ("EXP(0)", 1), ("LN(1)", 0),
            ("YEAR(Start__c)", 2_025), ("MONTH(Start__c)", 1), ("DAY(Start__c)", 31), ("WEEKDAY(Start__c)", 6),
            ("TODAY() - Start__c", 43), ("DATE(2024, 3, 1) - DATE(2024, 2, 28)", 2),
            ("DATETIMEVALUE(\"2024-01-02 12:00:00\") - DATETIMEVALUE(\"2024-01-01 00:00:00\")", 1.5),
            ("Parent__r.Total__c + 1", 1), ("10000000000 * 10", 100_000_000_000),
        ] as [(String, Double)])
    func number(_ formula: String, _ expected: Double) throws {
        #expect(try record.number(formula) == expected)
    }

    @Test(
        "texts",
        arguments: [
            ("\"a\" & 'b'", "ab"), ("\"a\" + \"b\" + Empty__c", "ab"), ("Name & NULL", "Voltus"),
            ("Account.Owner.Name", "Ada Lovelace"), ("account.OWNER.name", "Ada Lovelace"),
            ("$User.Id", "005000000000001"),
            ("\"say \\\"hi\\\"\\n\" & 'it\\'s'", "say \"hi\"\nit's"),
            ("LEFT(Name, 3)", "Vol"), ("RIGHT(Name, 2)", "us"), ("MID(Name, 2, 3)", "olt"), ("MID(Name, 0, 2)", "Vo"),
            ("LEFT(Name, 99)", "Voltus"), ("UPPER(Name)", "VOLTUS"), ("LOWER(Name, \"en\")", "voltus"),
            ("INITCAP(\"ada lovelace\")", "Ada Lovelace"), ("TRIM(\"  a b \")", "a b"), ("REVERSE(\"abc\")", "cba"),
            ("SUBSTITUTE(\"a-b-c\", \"-\", \"+\")", "a+b+c"), ("SUBSTITUTE(Name, \"\", \"x\")", "Voltus"),
            ("LPAD(\"7\", 3, \"0\")", "007"), ("RPAD(\"7\", 4, \"ab\")", "7aba"), ("LPAD(\"12345\", 3, \"0\")", "123"),
            ("RPAD(\"x\", 3) & \"|\"", "x  |"), ("TEXT(1.50)", "1.5"), ("TEXT(0.1 + 0.2)", "0.3"),
            ("TEXT(1 / 3)", "0.333333333333333"),
            ("TEXT(100000000000000000000)", "100000000000000000000"), ("TEXT(0.00001)", "0.00001"),
            ("TEXT(-0.5)", "-0.5"),
            ("TEXT(Start__c)", "2025-01-31"), ("TEXT(Stamp__c)", "2025-01-31 10:00:00Z"), ("TEXT(Status)", "New"),
            ("TEXT(Rate__c)", "0.25"), ("IF(ISPICKVAL(Status, \"New\"), \"yes\", \"no\")", "yes"),
            ("IF(INCLUDES(Colors__c, \"Blue\"), \"yes\", \"no\")", "yes"),
            ("IF(INCLUDES(Colors__c, \"Blu\"), \"yes\", \"no\")", "no"),
            ("BLANKVALUE(Empty__c, \"none\")", "none"), ("BLANKVALUE(Name, \"none\")", "Voltus"),
            ("HYPERLINK(\"/500?a=1&b=2\", Name)", "<a href=\"/500?a=1&amp;b=2\" target=\"_blank\">Voltus</a>"),
            ("HYPERLINK(\"/x\", \"y\", \"_self\")", "<a href=\"/x\" target=\"_self\">y</a>"),
            ("IMAGE(\"/i.gif\", \"red\")", "<img src=\"/i.gif\" alt=\"red\" border=\"0\"/>"),
            (
                "IMAGE(\"/i.gif\", \"red\", 10, 20)",
                "<img src=\"/i.gif\" alt=\"red\" style=\"height:10px; width:20px;\" border=\"0\"/>"
            ),
            ("CASESAFEID(\"005000000000001\")", "005000000000001AAA"), ("\"a\" & BR() & \"b\"", "a<br>b"),
        ] as [(String, String)])
    func text(_ formula: String, _ expected: String) throws {
        #expect(try record.text(formula) == expected)
    }

    @Test(
        "truths",
        arguments: [
            ("1 = 1.0", true), ("0.1 + 0.2 = 0.3", true), ("1 <> 2 && 1 != 2", true), ("1 == 1", true),
            ("2 >= 2", true),
            ("2 < 2", false), ("\"a\" < \"b\"", true), ("\"a\" = \"A\"", false), ("Name = \"Voltus\"", true),
            ("Empty__c = \"\"", true), ("Start__c < TODAY()", true), ("Stamp__c <= NOW()", true),
            ("IsOpen__c = TRUE", true),
            ("TRUE || 1 / 0 = 1", true), ("FALSE && 1 / 0 = 1", false), ("AND(TRUE, 1 = 1, FALSE)", false),
            ("OR(FALSE, 1 = 2, TRUE)", true), ("NOT(TRUE) || TRUE", true), ("true && FALSE || TRUE", true),
            ("ISBLANK(Empty__c)", true), ("ISNULL(Empty__c)", false), ("ISBLANK(NoDate__c)", true),
            ("ISNULL(NoDate__c)", true), ("ISBLANK(Missing__c)", false), ("ISBLANK(NoStatus__c)", true),
            ("ISPICKVAL(NoStatus__c, \"\")", true), ("ISNUMBER(\"12.5\")", true), ("ISNUMBER(\"1e5\")", false),
            ("CONTAINS(Name, \"olt\")", true), ("CONTAINS(Name, \"\")", true), ("BEGINS(Name, \"Vol\")", true),
            ("BEGINS(Name, \"vol\")", false), ("NoDate__c = NULL", true), ("Start__c <> NULL", true),
            // A comparison with a value that is not there is not true, nor is its contrary.
            ("NoDate__c < TODAY()", false), ("NOT(NoDate__c < TODAY())", true), ("NoDate__c >= TODAY()", false),
            ("Parent__r.Total__c = 0", true),
        ] as [(String, Bool)])
    func truth(_ formula: String, _ expected: Bool) throws {
        #expect(try record.truth(formula) == expected)
    }

    @Test(
        "dates",
        arguments: [
            ("Start__c + 1", "2025-02-01"), ("1.9 + Start__c", "2025-02-01"), ("Start__c - 31", "2024-12-31"),
            ("DATE(2024, 2, 29)", "2024-02-29"), ("DATEVALUE(\"2024-02-29\")", "2024-02-29"),
            ("DATEVALUE(Stamp__c)", "2025-01-31"), ("ADDMONTHS(Start__c, 1)", "2025-02-28"),
            ("ADDMONTHS(DATE(2025, 2, 28), 1)", "2025-03-31"), ("ADDMONTHS(DATE(2025, 1, 15), -13)", "2023-12-15"),
            ("ADDMONTHS(DATE(2024, 1, 30), 1)", "2024-02-29"),
            ("TODAY()", "2025-03-15"), ("IF(ISBLANK(NoDate__c), Start__c, NoDate__c)", "2025-01-31"),
        ] as [(String, String)])
    func date(_ formula: String, _ expected: String) throws {
        let milliseconds = try #require(OrgTime.date(expected))
        #expect(try record.evaluate(formula, .date) == .date(milliseconds: milliseconds))
    }

    @Test(
        "date-times",
        arguments: [
            ("NOW()", "2025-03-15T12:30:45Z"), ("Stamp__c + 0.5", "2025-01-31T22:00:00Z"),
            ("Stamp__c - 1 / 24", "2025-01-31T09:00:00Z"), ("DATETIMEVALUE(Start__c)", "2025-01-31T00:00:00Z"),
            ("DATETIMEVALUE(\"2024-02-29 23:59:58\")", "2024-02-29T23:59:58Z"),
            ("ADDMONTHS(Stamp__c, 1)", "2025-02-28T10:00:00Z"),
        ] as [(String, String)])
    func dateTime(_ formula: String, _ expected: String) throws {
        let milliseconds = try #require(OrgTime.dateTime(expected))
        #expect(try record.evaluate(formula, .dateTime) == .dateTime(milliseconds: milliseconds))
    }

    @Test(
        "what cannot be computed is null",
        arguments: [
            ("1 / 0", .number), ("MOD(1, 0)", .number), ("SQRT(-1)", .number), ("LN(0)", .number),
            ("EXP(10000)", .number),
            ("0 ^ -1", .number), ("(-8) ^ 0.5", .number), ("VALUE(\"abc\")", .number), ("VALUE(\"1e5\")", .number),
            ("DATE(2025, 2, 29)", .date), ("DATE(2025, 13, 1)", .date), ("DATEVALUE(\"31.12.2025\")", .date),
            ("DATETIMEVALUE(\"soon\")", .dateTime), ("Start__c + 10 ^ 300", .date), ("Start__c + 99999999", .date),
            ("ADDMONTHS(Start__c, 10 ^ 17)", .date), ("ADDMONTHS(DATE(9999, 12, 31), 1)", .date),
            ("NoDate__c + 1", .date), ("YEAR(NoDate__c)", .number), ("NULL + 1", .number), ("NULL", .text),
            ("LPAD(\"x\", 10 ^ 300, \"yz\")", .text), ("LPAD(\"x\", 1000000)", .text),
        ] as [(String, FormulaType)])
    func nothing(_ formula: String, _ type: FormulaType) throws {
        #expect(try record.evaluate(formula, type) == .null)
    }

    @Test("an error says why")
    func reason() throws {
        let formula = try Formula("1 / 0", returning: .number, scope: record)
        #expect(throws: FormulaEvaluationError.divisionByZero) { try formula.result(record) }
    }

    @Test("blanks as blanks instead of zeroes")
    func blanks() throws {
        #expect(try record.number("Missing__c + 1", blanks: .asBlank) == nil)
        #expect(try record.number("BLANKVALUE(Missing__c, 5)", blanks: .asBlank) == 5)
        #expect(try record.truth("ISBLANK(Missing__c)", blanks: .asBlank) == true)
        #expect(try record.truth("Missing__c = 0", blanks: .asBlank) == false)
        #expect(try record.number("Parent__r.Total__c", blanks: .asBlank) == nil)
    }

    @Test("a percent counts as its fraction, and comes out as a percent")
    func percent() throws {
        #expect(try record.evaluate("Rate__c * 2", .percent) == .double(50))
        #expect(try record.evaluate("Amount__c * Rate__c", .currency) == .double(312.625))
        #expect(try record.evaluate("0.07", .percent) == .double(7))
    }

    @Test("a text result ends after 1,300 characters, and a checkbox is never null")
    func results() throws {
        #expect(try record.text("LPAD(\"\", 2000, \"é\")")?.count == 1_300)
        #expect(try record.evaluate("NoDate__c < TODAY()", .boolean) == .boolean(false))
        #expect(try record.text("Empty__c") == nil)
    }

    @Test("texts that grow and grow are given up")
    func growth() throws {
        var formula = "\"aa\""
        for _ in 0..<20 { formula = "SUBSTITUTE(\(formula), \"a\", \"aaaaaaaa\")" }
        #expect(try record.evaluate(formula, .text) == .null)
    }

    @Test("surrogates and lone halves of characters do not trap")
    func unicode() throws {
        #expect(try record.number("LEN(\"😀\")") == 2)
        #expect(try record.text("LEFT(\"😀\", 1)") == "\u{FFFD}")
        #expect(try record.text("MID(\"a😀b\", 2, 2)") == "😀")
    }

    @Test("each field is asked for once")
    func references() throws {
        let formula = try Formula("amount__c + AMOUNT__C * Count__c", returning: .number, scope: record)
        #expect(formula.references.map(\.path) == [["Amount__c"], ["Count__c"]])
    }
}
