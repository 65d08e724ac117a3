/// Reads the tokens of a formula once: grammar, types and instructions come out of the same pass. The recursion is bounded by
/// `FormulaLimits.depthMax`; chains such as `a & b & c` need none.
struct FormulaCompiler<Scope: FormulaScope> {
    /// What an expression turned out to be.
    struct Operand {
        var type: FormulaType
        var position: Int
        /// The name, where the expression is nothing but a field.
        var field: String?
        /// Where the expression is nothing but a text.
        var literal: String?
    }

    private let tokens: [FormulaToken]
    private let scope: Scope
    private var index = 0
    private var depth = 0
    private var size: Int
    var instructions: [FormulaInstruction] = []
    private(set) var references: [FormulaField] = []
    private var referenceIndexes: [[String]: Int] = [:]

    init(_ text: String, scope: Scope) throws(FormulaError) {
        var lexer = try FormulaLexer(text)
        tokens = try lexer.tokens()
        size = lexer.size
        self.scope = scope
    }

    /// The size that is compared with Salesforce's bound.
    var compiledSize: Int { size }

    mutating func formula() throws(FormulaError) -> Operand {
        let operand = try expression()
        guard token.kind == .end else { throw unexpected() }
        guard size <= FormulaLimits.compiledSizeMax else { throw .tooBig(size) }
        return try plain(operand)
    }

    // Tokens

    var token: FormulaToken { tokens[index] }

    mutating func advance() -> FormulaToken {
        let token = tokens[index]
        // The last token is the end, which nothing passes.
        if index < tokens.count - 1 { index += 1 }
        return token
    }

    mutating func take(_ kind: FormulaToken.Kind) -> Bool {
        guard token.kind == kind else { return false }
        _ = advance()
        return true
    }

    func unexpected() -> FormulaError {
        switch token.kind {
        case .end: .syntaxFound(token.label, at: token.position)
        case .comma: FormulaError(code: .syntax, message: "Syntax error. Extra ','", position: token.position)
        case .close: FormulaError(code: .syntax, message: "Syntax error. Extra ')'", position: token.position)
        default: .syntaxFound(token.label, at: token.position)
        }
    }

    mutating func close() throws(FormulaError) {
        if take(.close) { return }
        throw token.kind == .comma ? unexpected() : .syntaxMissing("')'", at: token.position)
    }

    // Expressions

    mutating func expression(from precedence: Int = 1) throws(FormulaError) -> Operand {
        guard depth < FormulaLimits.depthMax else { throw .tooDeep(at: token.position) }
        depth += 1
        defer { depth -= 1 }
        var left = try unary()
        while case .operation(let operation) = token.kind, let binding = operation.precedence, binding >= precedence {
            let position = advance().position
            left = try binary(operation, left, binding: binding, at: position)
        }
        return left
    }

    private mutating func unary() throws(FormulaError) -> Operand {
        let start = token
        switch start.kind {
        case .operation(.subtract), .operation(.add):
            _ = advance()
            let operand = try plain(try nested())
            guard FormulaType.number.fits(operand.type) else {
                throw .wrongType(
                    "operator '\(start.label)'", expected: "Number", received: operand.type.label, at: operand.position)
            }
            if start.kind == .operation(.subtract) { instructions.append(.operate(.negate)) }
            return Operand(type: operand.type == .null ? .number : operand.type, position: start.position)
        case .operation(.not): return try negation()
        case .name(let name) where name.uppercased() == "NOT": return try negation()
        default: return try primary()
        }
    }

    private mutating func negation() throws(FormulaError) -> Operand {
        let start = advance()
        let operand = try plain(try nested())
        try require(.boolean, operand, in: "function 'NOT()'")
        instructions.append(.operate(.not))
        return Operand(type: .boolean, position: start.position)
    }

    /// What a sign or NOT stands before.
    private mutating func nested() throws(FormulaError) -> Operand {
        guard depth < FormulaLimits.depthMax else { throw .tooDeep(at: token.position) }
        depth += 1
        defer { depth -= 1 }
        return try unary()
    }

    private mutating func primary() throws(FormulaError) -> Operand {
        let start = token
        switch start.kind {
        case .number(let value):
            _ = advance()
            instructions.append(.push(.number(value)))
            return Operand(type: .number, position: start.position)
        case .text(let text):
            _ = advance()
            instructions.append(.push(.text(text)))
            return Operand(type: .text, position: start.position, literal: text)
        case .open:
            _ = advance()
            let inner = try expression()
            try close()
            return inner
        case .name(let name):
            _ = advance()
            if take(.open) { return try call(name, at: start.position) }
            return try reference(name, at: start.position)
        case .operation, .close, .comma, .end: throw unexpected()
        }
    }

    private mutating func reference(_ name: String, at position: Int) throws(FormulaError) -> Operand {
        let constant: (FormulaValue, FormulaType)? =
            switch name.uppercased() {
            case "TRUE": (.boolean(true), .boolean)
            case "FALSE": (.boolean(false), .boolean)
            case "NULL": (.blank, .null)
            default: nil
            }
        if let (value, type) = constant {
            instructions.append(.push(value))
            return Operand(type: type, position: position)
        }
        let path = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard !path.contains(""), let field = scope.field(path) else { throw .unknownField(name, at: position) }
        size += field.compiledSize
        let reference = referenceIndexes[field.path] ?? references.count
        if reference == references.count {
            references.append(field)
            referenceIndexes[field.path] = reference
        }
        instructions.append(.load(reference))
        return Operand(type: field.type, position: position, field: name)
    }

    // Types

    /// A picklist field is refused where nothing says that it may stand.
    func plain(_ operand: Operand) throws(FormulaError) -> Operand {
        guard operand.type == .picklist || operand.type == .multiPicklist else { return operand }
        throw .picklist(operand.field ?? "", isMultiple: operand.type == .multiPicklist, at: operand.position)
    }

    func require(_ type: FormulaType, _ operand: Operand, in place: String) throws(FormulaError) {
        guard type.fits(operand.type) else {
            throw .wrongType(place, expected: type.label, received: operand.type.label, at: operand.position)
        }
    }

    // Jumps are written before their target is known.

    mutating func hole() -> Int {
        instructions.append(.jump(to: 0))
        return instructions.count - 1
    }

    mutating func fill(_ hole: Int, _ instruction: (Int) -> FormulaInstruction) {
        instructions[hole] = instruction(instructions.count)
    }
}
