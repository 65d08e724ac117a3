/// One step of a compiled formula, for a machine with a stack. Jumps go forward only, so that a formula ends after at most as many
/// steps as it has.
enum FormulaInstruction: Sendable, Hashable {
    case push(FormulaValue)
    /// The value of a reference, by its index.
    case load(Int)
    /// Takes away the value below the top.
    case dropSecond
    case jump(to: Int)
    /// Takes the top; a blank is not true.
    case jumpUnlessTrue(to: Int)
    case jumpIfTrue(to: Int)
    /// Leaves the top and jumps, or takes it and goes on.
    case jumpUnlessBlank(to: Int)
    case jumpUnlessNull(to: Int)
    /// Takes the top and compares it with the one below: equal, it takes that too and goes on; otherwise it jumps.
    case jumpUnlessCase(to: Int)
    case operate(FormulaOperation)
    case call(FormulaFunction, count: Int)
}

/// What an operator does, chosen by the types of its operands.
enum FormulaOperation: Sendable, Hashable {
    case add, subtract, multiply, divide, power, concatenate, negate, not
    /// With the rule for blanks: of texts a blank is the empty one, of others a comparison with a blank is blank, unless
    /// `NULL` is written there.
    case compare(FormulaOperator, FormulaComparison)
}

enum FormulaComparison: Sendable, Hashable { case texts, values, withNull }
