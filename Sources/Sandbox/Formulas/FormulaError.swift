/// Why a formula cannot be defined, in Salesforce's words.
struct FormulaError: Error, Sendable, Hashable {
    enum Code: Sendable, Hashable {
        case syntax, unknownField, unknownFunction, wrongType, wrongCount, wrongResult, tooLong, tooDeep
    }
    var code: Code
    var message: String
    /// Of the character that the message is about, from 1.
    var position: Int

    static func syntaxFound(_ text: String, at position: Int) -> Self {
        Self(code: .syntax, message: "Syntax error.  Found '\(text)'", position: position)
    }

    static func syntaxMissing(_ text: String, at position: Int) -> Self {
        Self(code: .syntax, message: "Syntax error.  Missing \(text)", position: position)
    }

    static func unknownField(_ name: String, at position: Int) -> Self {
        Self(code: .unknownField, message: "Field \(name) does not exist. Check spelling.", position: position)
    }

    static func unknownFunction(_ name: String, at position: Int) -> Self {
        Self(code: .unknownFunction, message: "Unknown function \(name). Check spelling.", position: position)
    }

    /// `place`: `function 'LEFT()'` or `operator '+'`.
    static func wrongType(_ place: String, expected: String, received: String, at position: Int) -> Self {
        Self(
            code: .wrongType,
            message: "Incorrect parameter type for \(place). Expected \(expected), received \(received)",
            position: position)
    }

    static func wrongCount(_ function: String, expected: String, received: Int, at position: Int) -> Self {
        Self(
            code: .wrongCount,
            message:
                "Incorrect number of parameters for function '\(function)()'. Expected \(expected), received \(received)",
            position: position)
    }

    static func picklist(_ name: String, isMultiple: Bool, at position: Int) -> Self {
        let kind = isMultiple ? "multi-select picklist" : "picklist"
        return Self(
            code: .wrongType,
            message:
                "Field \(name) is a \(kind) field. \(isMultiple ? "Multi-select picklist" : "Picklist") fields are only "
                + "supported in certain functions.", position: position)
    }

    static func wrongResult(_ type: FormulaType, expected: FormulaType) -> Self {
        Self(
            code: .wrongResult,
            message:
                "Formula result is data type (\(type.label)), incompatible with expected data type (\(expected.label)).",
            position: 1)
    }

    static func tooLong(_ count: Int) -> Self {
        Self(
            code: .tooLong,
            message: "Formula is too long (\(grouped(count)) characters).  Maximum length is "
                + "\(grouped(FormulaLimits.charactersMax)) characters", position: 1)
    }

    static func tooBig(_ count: Int) -> Self {
        Self(
            code: .tooLong,
            message: "Compiled formula is too big to execute (\(grouped(count)) characters). Maximum size is "
                + "\(grouped(FormulaLimits.compiledSizeMax)) characters", position: 1)
    }

    static func tooDeep(at position: Int) -> Self {
        Self(
            code: .tooDeep, message: "Formula is nested deeper than \(FormulaLimits.depthMax) levels",
            position: position)
    }

    /// `3,900`
    private static func grouped(_ number: Int) -> String {
        var text = String(number)
        var index = text.count - 3
        while index > 0 {
            text.insert(",", at: text.index(text.startIndex, offsetBy: index))
            index -= 3
        }
        return text
    }
}

extension FormulaError: CustomStringConvertible {
    var description: String { "\(message) (position \(position))" }
}

/// Bounds of a formula. The first two are Salesforce's.
enum FormulaLimits {
    /// Of the text, with spaces and comments.
    static let charactersMax = 3_900
    /// Of the text without spaces and comments, plus that of each formula field it refers to, once per reference.
    static let compiledSizeMax = 5_000
    /// Parentheses, functions and signs within one another. The parser's recursion ends here, far above what people write and
    /// far below what a thread's stack holds.
    static let depthMax = 64
    /// UTF-8 bytes of any text while evaluating: nested SUBSTITUTE would otherwise double it again and again.
    static let textBytesMax = 131_072
    /// Characters of a text formula's result.
    static let resultCharactersMax = 1_300
}
