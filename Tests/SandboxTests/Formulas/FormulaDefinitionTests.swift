import TestSupport
import Testing

@testable import Sandbox

@Suite("Formulas: errors of the definition") struct FormulaDefinitionTests {
    let record = FormulaRecord()

    @Test(
        "message and place",
        arguments: [
            ("Foo__c", "Field Foo__c does not exist. Check spelling.", 1),
            ("Name & Account.Nope", "Field Account.Nope does not exist. Check spelling.", 8),
            ("Name.", "Field Name. does not exist. Check spelling.", 1),
            ("FOO(1)", "Unknown function FOO. Check spelling.", 1),
            ("LEFT(Name)", "Incorrect number of parameters for function 'LEFT()'. Expected 2, received 1", 1),
            ("FIND(Name)", "Incorrect number of parameters for function 'FIND()'. Expected 2-3, received 1", 1),
            ("PI(1)", "Incorrect number of parameters for function 'PI()'. Expected 0, received 1", 1),
            ("MIN()", "Incorrect number of parameters for function 'MIN()'. Expected 1 or more, received 0", 1),
            ("IF(TRUE, 1)", "Incorrect number of parameters for function 'IF()'. Expected 3, received 2", 1),
            ("IF()", "Incorrect number of parameters for function 'IF()'. Expected 3, received 0", 1),
            (
                "CASE(1, 1, 2)",
                "Incorrect number of parameters for function 'CASE()'. Expected an even number from 4 on, received 3", 1
            ),
            (
                "CASE(1, 1, 2, 3, 4)",
                "Incorrect number of parameters for function 'CASE()'. Expected an even number from 4 on, received 5", 1
            ),
            ("LEFT(1, 2)", "Incorrect parameter type for function 'LEFT()'. Expected Text, received Number", 6),
            ("IF(1, 2, 3)", "Incorrect parameter type for function 'IF()'. Expected Boolean, received Number", 4),
            ("IF(TRUE, 2, \"x\")", "Incorrect parameter type for function 'IF()'. Expected Number, received Text", 13),
            (
                "CASE(1, \"x\", 2, 3)",
                "Incorrect parameter type for function 'CASE()'. Expected Number, received Text", 9
            ),
            ("Name + 1", "Incorrect parameter type for operator '+'. Expected Text, received Number", 8),
            ("Name & 1", "Incorrect parameter type for operator '&'. Expected Text, received Number", 8),
            ("1 * \"x\"", "Incorrect parameter type for operator '*'. Expected Number, received Text", 5),
            (
                "TRUE + 1",
                "Incorrect parameter type for operator '+'. Expected Number, Date, DateTime, received Boolean", 1
            ),
            ("Start__c + Start__c", "Incorrect parameter type for operator '+'. Expected Number, received Date", 12),
            ("Start__c - Stamp__c", "Incorrect parameter type for operator '-'. Expected Date, received DateTime", 12),
            ("1 - Start__c", "Incorrect parameter type for operator '-'. Expected Number, received Date", 5),
            ("IsOpen__c = Start__c", "Incorrect parameter type for operator '='. Expected Boolean, received Date", 13),
            (
                "TRUE < FALSE",
                "Incorrect parameter type for operator '<'. Expected Number, Text, Date, DateTime, received Boolean", 1
            ),
            ("TRUE && 1", "Incorrect parameter type for operator '&&'. Expected Boolean, received Number", 9),
            ("-Name", "Incorrect parameter type for operator '-'. Expected Number, received Text", 2),
            ("NOT(1)", "Incorrect parameter type for function 'NOT()'. Expected Boolean, received Number", 5),
            (
                "Status = \"New\"",
                "Field Status is a picklist field. Picklist fields are only supported in certain functions.", 1
            ),
            (
                "UPPER(Status)",
                "Field Status is a picklist field. Picklist fields are only supported in certain functions.", 7
            ),
            (
                "Colors__c & \"x\"",
                "Field Colors__c is a multi-select picklist field. Multi-select picklist fields are only supported in "
                    + "certain functions.", 1
            ),
            (
                "TEXT(TRUE)",
                "Incorrect parameter type for function 'TEXT()'. Expected Number, Date, DateTime, Picklist, received Boolean",
                6
            ),
            (
                "ISPICKVAL(Name, \"x\")",
                "Incorrect parameter type for function 'ISPICKVAL()'. Expected Picklist, received Text", 11
            ),
            (
                "ISPICKVAL(Status, Name)",
                "Incorrect parameter type for function 'ISPICKVAL()'. Expected Text Literal, received Text", 19
            ),
            ("YEAR(NOW())", "Incorrect parameter type for function 'YEAR()'. Expected Date, received DateTime", 6),
            ("(1 + 2", "Syntax error.  Missing ')'", 7), ("LEFT(Name, 2", "Syntax error.  Missing ')'", 13),
            ("1 +", "Syntax error.  Found 'end of formula'", 4), ("", "Syntax error.  Found 'end of formula'", 1),
            ("1 2", "Syntax error.  Found '2'", 3), ("1)", "Syntax error. Extra ')'", 2),
            ("LEFT(Name,, 2)", "Syntax error. Extra ','", 11), ("1 # 2", "Syntax error.  Found '#'", 3),
            ("1 & & 2", "Syntax error.  Found '&'", 5), ("\"open", "Syntax error.  Missing '\"'", 1),
            ("'a\\x'", "Syntax error.  Found '\\'", 3), ("1 /* never", "Syntax error.  Missing '*/'", 3),
            ("1.2.3", "Syntax error.  Found '1.2.3'", 1),
            ("1", "Formula result is data type (Number), incompatible with expected data type (Text).", 1),
        ] as [(String, String, Int)])
    func refused(_ formula: String, _ message: String, _ position: Int) throws {
        let error = try #require(record.refusal(formula))
        #expect(error.message == message)
        #expect(error.position == position)
    }

    @Test("3,900 characters are taken, one more is not")
    func length() throws {
        let comment = "1 /*" + String(repeating: "x", count: 3_900 - 6) + "*/"
        #expect(record.refusal(comment, .number) == nil)
        #expect(
            record.refusal(comment + " ", .number)?.message
                == "Formula is too long (3,901 characters).  Maximum length is 3,900 characters")
        #expect(record.refusal(String(repeating: "x", count: 2_000_000))?.code == .tooLong)
    }

    @Test("referred formulas count")
    func compiledSize() throws {
        #expect(record.refusal("Huge__c") == nil)
        let error = try #require(record.refusal("Huge__c & Huge__c"))
        #expect(
            error.message
                == "Compiled formula is too big to execute (5,215 characters). Maximum size is 5,000 characters")
    }

    @Test("nesting is bounded, chains are not")
    func depth() throws {
        func nested(_ levels: Int) -> String {
            String(repeating: "(", count: levels) + "1" + String(repeating: ")", count: levels)
        }
        #expect(record.refusal(nested(FormulaLimits.depthMax - 1), .number) == nil)
        #expect(record.refusal(nested(FormulaLimits.depthMax), .number)?.code == .tooDeep)
        #expect(record.refusal(nested(1_900), .number)?.code == .tooDeep)
        #expect(record.refusal(String(repeating: "-", count: 3_000) + "1", .number)?.code == .tooDeep)
        #expect(record.refusal(String(repeating: "NOT ", count: 900) + "TRUE", .boolean)?.code == .tooDeep)
        let chain = "1" + String(repeating: "+1", count: 1_900)
        #expect(try record.number(chain) == 1_901)
    }

    @Test("whatever the text is, it gives a formula or an error")
    func hostile() throws {
        var random = SeededRandom(seed: 20_250_315)
        let words = [
            "(", ")", ",", "+", "-", "*", "/", "^", "&", "&&", "||", "!", "=", "<>", "<", ">=", "\"a\"", "'b'", "1",
            "0.5", ".",
            "IF", "IF(", "CASE(", "AND(", "LEFT(", "LPAD(", "DATE(", "ADDMONTHS(", "NOT", "TRUE", "NULL", "Name",
            "Status",
            "Start__c", "Amount__c", "Missing__c", "$", "\\", "\"", "/*", "*/", "é", "😀", "\u{0}", "10 ^ 300", " ",
            "TEXT(",
        ]
        var defined = 0
        for _ in 0..<4_000 {
            let count = Int.random(in: 1...14, using: &random)
            let text = (0..<count).map { _ in words[Int.random(in: 0..<words.count, using: &random)] }.joined(
                separator: Bool.random(using: &random) ? " " : "")
            for type in [FormulaType.text, .number, .date, .boolean] {
                do {
                    _ = try Formula(text, returning: type, scope: record).evaluate(record)
                    defined += 1
                } catch let error as FormulaError {
                    #expect(error.position >= 1 && error.position <= text.unicodeScalars.count + 1, "\(text)")
                }
            }
        }
        #expect(defined > 0)
    }
}
