import ChangeEvents
import Foundation

/// One evaluation: a stack, and the formula's instructions from the first to the last. Uses no recursion.
struct FormulaRun {
    private let formula: Formula
    let now: Int64
    private var stack: [FormulaValue] = []
    private var loaded: [FormulaValue?]

    init(formula: Formula, now: Int64) {
        self.formula = formula
        self.now = now
        loaded = Array(repeating: nil, count: formula.references.count)
    }

    mutating func value(_ source: some FormulaSource) throws -> FormulaValue {
        var index = 0
        while index < formula.instructions.count {
            let instruction = formula.instructions[index]
            index += 1
            switch instruction {
            case .push(let value): stack.append(value)
            case .load(let reference): stack.append(try load(reference, source))
            case .dropSecond:
                let top = pop()
                _ = pop()
                stack.append(top)
            case .jump(let target): index = target
            case .jumpUnlessTrue(let target): if !pop().isTrue { index = target }
            case .jumpIfTrue(let target): if pop().isTrue { index = target }
            case .jumpUnlessBlank(let target): jumpKeeping(unless: \.isBlank, to: target, &index)
            case .jumpUnlessNull(let target): jumpKeeping(unless: \.isNull, to: target, &index)
            case .jumpUnlessCase(let target):
                let candidate = pop()
                if isCase(pop(), candidate) == false { index = target }
            case .operate(let operation): try operate(operation)
            case .call(let function, let count):
                let arguments = Array(stack.suffix(count))
                stack.removeLast(count)
                stack.append(try call(function, arguments))
            }
        }
        return pop()
    }

    // The compiler has balanced the stack: it is never empty here.
    private mutating func pop() -> FormulaValue { stack.popLast() ?? .blank }

    private mutating func jumpKeeping(unless isMissing: KeyPath<FormulaValue, Bool>, to target: Int, _ index: inout Int)
    {
        let top = pop()
        guard !top[keyPath: isMissing] else { return }
        stack.append(top)
        index = target
    }

    /// Puts the subject back where the candidate is another.
    private mutating func isCase(_ subject: FormulaValue, _ candidate: FormulaValue) -> Bool {
        let isEqual =
            if case .number(let left) = subject, case .number(let right) = candidate {
                FormulaNumber.significant(left) == FormulaNumber.significant(right)
            } else {
                subject == candidate || (subject.isBlank && candidate.isBlank)
            }
        if !isEqual { stack.append(subject) }
        return isEqual
    }

    private mutating func load(_ reference: Int, _ source: some FormulaSource) throws -> FormulaValue {
        if let value = loaded[reference] { return value }
        let field = formula.references[reference]
        let value = converted(try source.value(at: field.path), field.type)
        loaded[reference] = value
        return value
    }

    /// A field's value as a formula sees it.
    private func converted(_ value: FieldValue, _ type: FormulaType) -> FormulaValue {
        switch value {
        case .null: return missing(type)
        case .boolean(let truth): return .boolean(truth)
        case .integer(let number): return .number(scaled(Double(number), type))
        case .double(let number): return number.isFinite ? .number(scaled(number, type)) : missing(type)
        case .string(let text): return .text(text)
        case .date(let milliseconds): return .date(milliseconds)
        case .dateTime(let milliseconds): return .dateTime(milliseconds)
        case .time(let milliseconds): return .time(milliseconds)
        case .list(let names): return .text(names.joined(separator: ";"))
        }
    }

    private func scaled(_ number: Double, _ type: FormulaType) -> Double { type == .percent ? number / 100 : number }

    private func missing(_ type: FormulaType) -> FormulaValue {
        switch type {
        case .number, .currency, .percent: formula.blanks == .asZero ? .number(0) : .blank
        case .text, .picklist, .multiPicklist: .text("")
        case .boolean: .boolean(false)
        case .date, .dateTime, .time, .null: .blank
        }
    }

    private mutating func operate(_ operation: FormulaOperation) throws {
        switch operation {
        case .not: stack.append(.boolean(!pop().isTrue))
        case .negate:
            if case .number(let value) = pop() { stack.append(.number(-value)) } else { stack.append(.blank) }
        case .compare(let comparison, let rule):
            let right = pop()
            stack.append(Self.compare(comparison, rule, pop(), right))
        case .concatenate:
            let right = pop()
            stack.append(.text(try Self.bounded(Self.text(pop()) + Self.text(right))))
        case .add, .subtract, .multiply, .divide, .power:
            let right = pop()
            stack.append(try Self.calculate(operation, pop(), right))
        }
    }

    static func text(_ value: FormulaValue) -> String {
        if case .text(let text) = value { text } else { "" }
    }

    static func bounded(_ text: String) throws -> String {
        guard text.utf8.count <= FormulaLimits.textBytesMax else { throw FormulaEvaluationError.tooBig }
        return text
    }
}

extension FormulaValue {
    fileprivate var isNull: Bool { self == .blank }
}
