extension FormulaCompiler {
    mutating func binary(
        _ operation: FormulaOperator, _ left: Operand, binding: Int, at position: Int
    ) throws(FormulaError) -> Operand {
        let left = try plain(left)
        if operation == .and || operation == .or { return try logical(operation, left, binding: binding) }
        let right = try plain(try expression(from: binding + 1))
        let type: FormulaType
        switch operation {
        case .add, .subtract: type = try sum(operation, left, right)
        case .multiply, .divide, .power:
            try requireNumbers(operation, left, right)
            instructions.append(.operate(operation == .multiply ? .multiply : operation == .divide ? .divide : .power))
            type = .number
        case .concatenate:
            for operand in [left, right] { try require(.text, operand, in: "operator '&'") }
            instructions.append(.operate(.concatenate))
            type = .text
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            try comparison(operation, left, right)
            type = .boolean
        case .and, .or, .not: preconditionFailure("these have no place here: and, or jump; not is unary")
        }
        return Operand(type: type, position: left.position)
    }

    /// The right side is evaluated only where the left has not decided.
    private mutating func logical(
        _ operation: FormulaOperator, _ left: Operand, binding: Int
    ) throws(FormulaError) -> Operand {
        try require(.boolean, left, in: "operator '\(operation.rawValue)'")
        let decided = hole()
        let right = try plain(try expression(from: binding + 1))
        try require(.boolean, right, in: "operator '\(operation.rawValue)'")
        let alsoDecided = hole()
        settle([decided, alsoDecided], isAnd: operation == .and)
        return Operand(type: .boolean, position: left.position)
    }

    /// The end of AND and OR: the holes lead to the value that decides, falling through gives the other.
    mutating func settle(_ holes: [Int], isAnd: Bool) {
        instructions.append(.push(.boolean(isAnd)))
        let end = hole()
        for hole in holes { fill(hole) { isAnd ? .jumpUnlessTrue(to: $0) : .jumpIfTrue(to: $0) } }
        instructions.append(.push(.boolean(!isAnd)))
        fill(end) { .jump(to: $0) }
    }

    /// `+` and `-`: numbers; days added to dates and date-times, and the days between two; milliseconds likewise with times of
    /// day; `+` joins texts as well.
    private mutating func sum(
        _ operation: FormulaOperator, _ left: Operand, _ right: Operand
    ) throws(FormulaError) -> FormulaType {
        let place = "operator '\(operation.rawValue)'"
        if operation == .add, left.type == .text || right.type == .text {
            for operand in [left, right] { try require(.text, operand, in: place) }
            instructions.append(.operate(.concatenate))
            return .text
        }
        instructions.append(.operate(operation == .add ? .add : .subtract))
        let (leftIsMoment, rightIsMoment) = (isMoment(left.type), isMoment(right.type))
        switch (leftIsMoment, rightIsMoment) {
        case (false, false):
            try requireNumbers(operation, left, right, alsoMoments: true)
            return left.type == .null ? (right.type == .null ? .number : right.type) : left.type
        case (true, false):
            try require(.number, right, in: place)
            return left.type
        case (false, true):
            guard operation == .add else {
                throw .wrongType(place, expected: "Number", received: right.type.label, at: right.position)
            }
            try require(.number, left, in: place)
            return right.type
        case (true, true):
            guard operation == .subtract, left.type == right.type else {
                let expected = operation == .add ? "Number" : left.type.label
                throw .wrongType(place, expected: expected, received: right.type.label, at: right.position)
            }
            return .number
        }
    }

    private func isMoment(_ type: FormulaType) -> Bool { type == .date || type == .dateTime || type == .time }

    private func requireNumbers(
        _ operation: FormulaOperator, _ left: Operand, _ right: Operand, alsoMoments: Bool = false
    ) throws(FormulaError) {
        for operand in [left, right] where !FormulaType.number.fits(operand.type) {
            throw .wrongType(
                "operator '\(operation.rawValue)'", expected: alsoMoments ? "Number, Date, DateTime" : "Number",
                received: operand.type.label, at: operand.position)
        }
    }

    private mutating func comparison(
        _ operation: FormulaOperator, _ left: Operand, _ right: Operand
    ) throws(FormulaError) {
        let place = "operator '\(operation.rawValue)'"
        guard left.type.fits(right.type) else {
            throw .wrongType(place, expected: left.type.label, received: right.type.label, at: right.position)
        }
        let isEquality = operation == .equal || operation == .notEqual
        for operand in [left, right] where operand.type == .boolean && !isEquality {
            throw .wrongType(
                place, expected: "Number, Text, Date, DateTime", received: operand.type.label,
                at: operand.position)
        }
        let rule: FormulaComparison =
            if left.type == .text || right.type == .text {
                .texts
            } else if isEquality, left.type == .null || right.type == .null {
                .withNull
            } else {
                .values
            }
        instructions.append(.operate(.compare(operation, rule)))
    }
}
