import ChangeEvents

/// A formula field's formula: defined once, evaluated for any record. A value; thread-safe, no I/O of its own.
///
/// Defining it checks everything that can be checked without a record, with Salesforce's texts and the place; what remains (a
/// division by zero, a text that is no number) gives null, as the API of an org shows `#Error!`. Whatever the text is, it gives
/// a formula or an error: nesting and sizes are bounded (`FormulaLimits`).
struct Formula: Sendable, Hashable {
    /// What a blank number, currency or percent field counts as. Texts and checkboxes are never null in a formula; dates are.
    enum BlankTreatment: Sendable, Hashable { case asZero, asBlank }

    let text: String
    let resultType: FormulaType
    let blanks: BlankTreatment
    /// The fields it needs, each once, with their declared names.
    let references: [FormulaField]
    /// What a formula that refers to this one adds to its own size.
    let compiledSize: Int
    let instructions: [FormulaInstruction]

    init(
        _ text: String, returning resultType: FormulaType, blanks: BlankTreatment = .asZero, scope: some FormulaScope
    ) throws(FormulaError) {
        var compiler = try FormulaCompiler(text, scope: scope)
        let operand = try compiler.formula()
        guard resultType.fits(operand.type) else { throw .wrongResult(operand.type, expected: resultType) }
        self.text = text
        self.resultType = resultType
        self.blanks = blanks
        references = compiler.references
        compiledSize = compiler.compiledSize
        instructions = compiler.instructions
    }

    /// The field's value for a record: null where the formula has none. Throws only what `source` throws.
    func evaluate(_ source: some FormulaSource) throws -> FieldValue {
        do {
            return try result(source)
        } catch is FormulaEvaluationError {
            return .null
        }
    }

    /// As `evaluate`, but says why there is no value, as a `FormulaEvaluationError`.
    func result(_ source: some FormulaSource) throws -> FieldValue {
        var run = FormulaRun(formula: self, now: source.now)
        return fieldValue(try run.value(source))
    }

    private func fieldValue(_ value: FormulaValue) -> FieldValue {
        switch value {
        case .blank: return resultType == .boolean ? .boolean(false) : .null
        case .boolean(let truth): return .boolean(truth)
        case .number(let number):
            return .double(FormulaNumber.significant(resultType == .percent ? number * 100 : number))
        case .text(let text):
            return text.isEmpty ? .null : .string(String(text.prefix(FormulaLimits.resultCharactersMax)))
        case .date(let milliseconds): return .date(milliseconds: milliseconds)
        case .dateTime(let milliseconds): return .dateTime(milliseconds: milliseconds)
        case .time(let milliseconds): return .time(milliseconds: milliseconds)
        }
    }
}
