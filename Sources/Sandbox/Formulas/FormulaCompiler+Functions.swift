extension FormulaCompiler {
    /// A call, the opening parenthesis taken.
    mutating func call(_ name: String, at position: Int) throws(FormulaError) -> Operand {
        let function = name.uppercased()
        let type: FormulaType
        switch function {
        case "IF": type = try condition(at: position)
        case "CASE": type = try cases(at: position)
        case "AND": type = try conjunction(function, isAnd: true, at: position)
        case "OR": type = try conjunction(function, isAnd: false, at: position)
        case "BLANKVALUE", "NULLVALUE": type = try substitute(function, at: position)
        case "ISPICKVAL": type = try picklistTest(at: position)
        default:
            guard let known = FormulaFunction(rawValue: function) else { throw .unknownFunction(name, at: position) }
            type = try plainCall(known, at: position)
        }
        return Operand(type: type, position: position)
    }

    private mutating func plainCall(_ function: FormulaFunction, at position: Int) throws(FormulaError) -> FormulaType {
        let (name, signature) = (function.rawValue, function.signature)
        var first: FormulaType?
        let count = try arguments { (compiler: inout Self, index: Int) throws(FormulaError) in
            let operand = try compiler.expression()
            first = first ?? operand.type
            // Too many arguments are reported as such, behind the loop.
            let isListed = index < signature.parameters.count
            guard isListed || signature.repeatsLast, let last = signature.parameters.last else { return }
            let parameter = isListed ? signature.parameters[index] : last
            if !parameter.takesPicklists { _ = try compiler.plain(operand) }
            let isBoolean = operand.type == .boolean && function == .text
            guard parameter.accepts(operand.type), !isBoolean, !(function == .text && operand.type == .multiPicklist)
            else {
                throw .wrongType(
                    "function '\(name)()'",
                    expected: function == .text ? "Number, Date, DateTime, Picklist" : parameter.label,
                    received: operand.type.label, at: operand.position)
            }
        }
        guard signature.accepts(count: count) else {
            throw .wrongCount(name, expected: signature.countLabel, received: count, at: position)
        }
        instructions.append(.call(function, count: count))
        return signature.result ?? first ?? .null
    }

    /// Reads arguments up to the closing parenthesis; answers how many there were.
    private mutating func arguments(
        _ read: (inout Self, Int) throws(FormulaError) -> Void
    ) throws(FormulaError) -> Int {
        if take(.close) { return 0 }
        var count = 0
        repeat {
            try read(&self, count)
            count += 1
        } while take(.comma)
        try close()
        return count
    }

    private mutating func condition(at position: Int) throws(FormulaError) -> FormulaType {
        var otherwise = 0
        var end = 0
        var result = FormulaType.null
        let count = try arguments { (compiler: inout Self, index: Int) throws(FormulaError) in
            let operand = try compiler.plain(try compiler.expression())
            switch index {
            case 0:
                try compiler.require(.boolean, operand, in: "function 'IF()'")
                otherwise = compiler.hole()
            case 1:
                result = operand.type
                end = compiler.hole()
                compiler.fill(otherwise) { .jumpUnlessTrue(to: $0) }
            case 2:
                result = try compiler.joined(result, operand, in: "function 'IF()'")
                compiler.fill(end) { .jump(to: $0) }
            default: break
            }
        }
        guard count == 3 else { throw .wrongCount("IF", expected: "3", received: count, at: position) }
        return result
    }

    /// `CASE(subject, value, result, …, else)`. The subject lies on the stack until a value equals it, below the else-result
    /// otherwise: which arguments are values is known only when the one behind them is seen.
    private mutating func cases(at position: Int) throws(FormulaError) -> FormulaType {
        let place = "function 'CASE()'"
        var subject = FormulaType.null
        var result = FormulaType.null
        var ends: [Int] = []
        var next: Int?
        let count = try arguments { (compiler: inout Self, index: Int) throws(FormulaError) in
            if index > 0, !index.isMultiple(of: 2), let hole = next {
                compiler.fill(hole) { .jumpUnlessCase(to: $0) }
                next = nil
            }
            let operand = try compiler.expression()
            if index == 0 {
                subject = operand.type == .picklist ? .text : try compiler.plain(operand).type
            } else if index.isMultiple(of: 2) {
                result = try compiler.joined(result, try compiler.plain(operand), in: place)
                ends.append(compiler.hole())
            } else if compiler.token.kind == .comma {
                try compiler.require(subject, try compiler.plain(operand), in: place)
                next = compiler.hole()
            } else {
                result = try compiler.joined(result, try compiler.plain(operand), in: place)
                compiler.instructions.append(.dropSecond)
            }
        }
        guard count >= 4, count.isMultiple(of: 2) else {
            throw .wrongCount("CASE", expected: "an even number from 4 on", received: count, at: position)
        }
        for end in ends { fill(end) { .jump(to: $0) } }
        return result
    }

    private mutating func conjunction(
        _ name: String, isAnd: Bool, at position: Int
    ) throws(FormulaError) -> FormulaType {
        var holes: [Int] = []
        let count = try arguments { (compiler: inout Self, _: Int) throws(FormulaError) in
            let operand = try compiler.plain(try compiler.expression())
            try compiler.require(.boolean, operand, in: "function '\(name)()'")
            holes.append(compiler.hole())
        }
        guard count > 0 else { throw .wrongCount(name, expected: "1 or more", received: 0, at: position) }
        settle(holes, isAnd: isAnd)
        return .boolean
    }

    private mutating func substitute(_ name: String, at position: Int) throws(FormulaError) -> FormulaType {
        var end = 0
        var result = FormulaType.null
        let count = try arguments { (compiler: inout Self, index: Int) throws(FormulaError) in
            let operand = try compiler.plain(try compiler.expression())
            switch index {
            case 0:
                result = operand.type
                end = compiler.hole()
            case 1:
                result = try compiler.joined(result, operand, in: "function '\(name)()'")
                compiler.fill(end) { name == "BLANKVALUE" ? .jumpUnlessBlank(to: $0) : .jumpUnlessNull(to: $0) }
            default: break
            }
        }
        guard count == 2 else { throw .wrongCount(name, expected: "2", received: count, at: position) }
        return result
    }

    private mutating func picklistTest(at position: Int) throws(FormulaError) -> FormulaType {
        let count = try arguments { (compiler: inout Self, index: Int) throws(FormulaError) in
            let operand = try compiler.expression()
            let isRight = index == 0 ? operand.type == .picklist : operand.literal != nil
            guard isRight || index > 1 else {
                throw .wrongType(
                    "function 'ISPICKVAL()'", expected: index == 0 ? "Picklist" : "Text Literal",
                    received: operand.type.label, at: operand.position)
            }
        }
        guard count == 2 else { throw .wrongCount("ISPICKVAL", expected: "2", received: count, at: position) }
        instructions.append(.operate(.compare(.equal, .texts)))
        return .boolean
    }

    /// The common type of results that stand for one another.
    private func joined(_ type: FormulaType, _ operand: Operand, in place: String) throws(FormulaError) -> FormulaType {
        try require(type, operand, in: place)
        return type == .null ? operand.type : type
    }
}
