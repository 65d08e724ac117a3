internal import SOQL

/// Gives a `$filter` its meaning: names to properties of one entity type, comparisons to SOQL's tree.
///
/// **Trap 31.** SOQL compares texts without case, and an org drops the rows that do not carry exactly the value it asked for.
/// So `eq`, `ne`, `in` and the text functions compare exactly here: the same case, no trimming, and a record id in the form
/// in which it is answered, 18 characters. (`gt`, `ge`, `lt` and `le` follow `$orderby`, which is SOQL's: without case.)
///
/// Logic has two values: an empty property satisfies no comparison but `ne` and `eq null`, and `not` turns that round.
struct ODataTranslation {
    /// Below the planner's own bound, with room for what the door adds.
    static let logicDepthMax = 20

    let type: ODataEntityType

    static func claim(_ text: String, _ type: ODataEntityType) throws(ODataSyntaxError) -> ODataClaim {
        let expression = try ODataParser.parse(text)
        let claim = try ODataTranslation(type: type).claim(expression)
        if case .filter(let filter) = claim, filter.logicDepth > logicDepthMax {
            throw ODataSyntaxError(
                message: "'and' and 'or' stand in each other more than \(logicDepthMax) levels deep",
                place: expression.place)
        }
        return claim
    }

    private func claim(_ expression: ODataExpression) throws(ODataSyntaxError) -> ODataClaim {
        switch expression {
        case .and(let operands):
            var claims: [ODataClaim] = []
            for operand in operands { claims.append(try claim(operand)) }
            return .all(claims)
        case .or(let operands):
            var claims: [ODataClaim] = []
            for operand in operands { claims.append(try claim(operand)) }
            return .any(claims)
        case .not(let operand): return try claim(operand).negated
        case .literal(.boolean(let isTrue), _): return .always(isTrue)
        case .literal(_, let place):
            throw ODataSyntaxError(message: "a literal alone says nothing of a record", place: place)
        case .property(let name, let place):
            let property = try property(name, place)
            guard property.type == .boolean else {
                throw ODataSyntaxError(message: "\(name) is \(property.type.name), not Edm.Boolean", place: place)
            }
            return test(property, place, .compare(.equal, .value(.boolean(true))), place)
        case .call(let name, let arguments, let place): return try call(name, arguments, place)
        case .comparison(let operation, let left, let right, let place):
            return try comparison(operation, left, right, place)
        case .membership(.property(let name, let place), let literals):
            let property = try property(name, place)
            var claims: [ODataClaim] = []
            for literal in literals {
                claims.append(try compare(property, place, .equal, literal.literal, literal.place))
            }
            return .any(claims)
        case .membership(let operand, _):
            throw ODataSyntaxError(
                message: "only a property can stand before 'in'", place: operand.place, isUnsupported: true)
        }
    }

    private func comparison(
        _ operation: ComparisonOperator, _ left: ODataExpression, _ right: ODataExpression, _ place: Int
    ) throws(ODataSyntaxError) -> ODataClaim {
        let oneOfEach = ODataSyntaxError(
            message: "a comparison has a property on one side and a literal on the other", place: place,
            isUnsupported: true)
        switch (left, right) {
        case (.property(let name, let namePlace), .literal(let literal, let literalPlace)):
            return try compare(try property(name, namePlace), namePlace, operation, literal, literalPlace)
        case (.literal(let literal, let literalPlace), .property(let name, let namePlace)):
            return try compare(try property(name, namePlace), namePlace, operation.flipped, literal, literalPlace)
        case (.property, .property), (.literal, .literal): throw oneOfEach
        case (let claim, .literal(.boolean(let isTrue), _)), (.literal(.boolean(let isTrue), _), let claim):
            // `contains(Name,'x') eq true`
            guard operation == .equal || operation == .notEqual else {
                throw ODataSyntaxError(message: "booleans have no order", place: place)
            }
            let claimed = try self.claim(claim)
            return isTrue == (operation == .equal) ? claimed : claimed.negated
        default: throw oneOfEach
        }
    }

    // MARK: One comparison

    private func compare(
        _ property: ODataProperty, _ place: Int, _ operation: ComparisonOperator, _ literal: ODataLiteral,
        _ literalPlace: Int
    ) throws(ODataSyntaxError) -> ODataClaim {
        let isEquality = operation == .equal || operation == .notEqual
        func answer(_ test: FilterTest.Test) -> ODataClaim { self.test(property, place, test, literalPlace) }
        switch (property.type, literal) {
        case (.boolean, .null):
            // A checkbox is never empty.
            return .always(operation == .notEqual)
        case (_, .null), (.text, .string("")), (.recordID, .string("")), (.timeOfDay, .string("")):
            // An empty text is a null in an org, and its comparison with one arrives as either.
            return isEquality ? answer(.compare(operation, .value(.null))) : .always(false)
        case (.text, .string(let text)) where !isEquality:
            return answer(.compare(operation, .value(.string(text))))
        case (.recordID, .string(let text)) where !isEquality:
            return answer(.exact(.compare(operation, ExactText(text))))
        case (.text, .string(let text)), (.recordID, .string(let text)):
            let isEqual = answer(.exact(.among([ExactText(text)])))
            return operation == .equal ? isEqual : isEqual.negated
        case (.timeOfDay, .string(let text)):
            guard let time = ODataTime.time(text) else {
                if isEquality { return .always(operation == .notEqual) }
                throw ODataSyntaxError(message: "the form of a time is '10:30:00.000Z'", place: literalPlace)
            }
            return answer(.compare(operation, .value(.time(milliseconds: time))))
        case (.boolean, .boolean(let flag)):
            guard isEquality else { throw ODataSyntaxError(message: "booleans have no order", place: place) }
            return answer(.compare(operation, .value(.boolean(flag))))
        case (.int32, .integer(let number)), (.decimal, .integer(let number)), (.double, .integer(let number)):
            return answer(.compare(operation, .value(.integer(number))))
        case (.int32, .double(let number)), (.decimal, .double(let number)), (.double, .double(let number)):
            return answer(.compare(operation, .value(.double(number))))
        case (.date, .moment(let milliseconds, let isExact)):
            let day = CalendarDay.startOfDay(milliseconds)
            return Self.moment(operation, isExact: isExact && day == milliseconds) { operation in
                answer(.compare(operation, .value(.date(milliseconds: day))))
            }
        case (.dateTimeOffset, .moment(let milliseconds, let isExact)):
            return Self.moment(operation, isExact: isExact) { operation in
                answer(.compare(operation, .value(.dateTime(milliseconds: milliseconds))))
            }
        case (.text, _), (.recordID, _), (.timeOfDay, _), (.boolean, _), (.int32, _), (.decimal, _), (.double, _),
            (.date, _), (.dateTimeOffset, _):
            throw ODataSyntaxError(
                message: "\(property.name) is \(property.type.name) and cannot be compared with \(literal.noun)",
                place: literalPlace)
        }
    }

    /// A moment between two that records can have is compared by the earlier of them.
    private static func moment(
        _ operation: ComparisonOperator, isExact: Bool, _ answer: (ComparisonOperator) -> ODataClaim
    ) -> ODataClaim {
        guard !isExact else { return answer(operation) }
        switch operation {
        case .equal: return .always(false)
        case .notEqual: return .always(true)
        case .greater, .greaterOrEqual: return answer(.greater)
        case .less, .lessOrEqual: return answer(.lessOrEqual)
        }
    }

    private static let functions: [String: TextSearch.Kind] = [
        "contains": .contains, "startswith": .startsWith, "endswith": .endsWith,
    ]

    private func call(
        _ name: String, _ arguments: [ODataExpression], _ place: Int
    ) throws(ODataSyntaxError) -> ODataClaim {
        guard let kind = Self.functions[name] else {
            throw ODataSyntaxError(
                message: "the function '\(name.prefix(ODataLexer.quotedCharactersMax))' is not supported: there are "
                    + "contains, startswith and endswith", place: place, isUnsupported: true)
        }
        guard arguments.count == 2, case .property(let propertyName, let propertyPlace) = arguments[0],
            case .literal(.string(let text), let textPlace) = arguments[1]
        else {
            throw ODataSyntaxError(message: "\(name) takes a property and a text", place: place)
        }
        let property = try property(propertyName, propertyPlace)
        switch property.type {
        case .text, .recordID:
            return test(property, propertyPlace, .exact(.search(TextSearch(kind, text))), textPlace)
        case .timeOfDay, .boolean, .int32, .decimal, .double, .date, .dateTimeOffset:
            throw ODataSyntaxError(message: "\(name) takes a text, which \(propertyName) is not", place: propertyPlace)
        }
    }

    // MARK: Names

    private func property(_ name: String, _ place: Int) throws(ODataSyntaxError) -> ODataProperty {
        guard let property = type.property(name) else {
            throw ODataSyntaxError(
                message: "\(type.name) has no property '\(name.prefix(ODataLexer.quotedCharactersMax))'", place: place)
        }
        guard property.isFilterable else {
            throw ODataSyntaxError(message: "\(name) cannot be filtered", place: place)
        }
        return property
    }

    private func test(
        _ property: ODataProperty, _ place: Int, _ test: FilterTest.Test, _ literalPlace: Int
    ) -> ODataClaim {
        .filter(Filter(property, test, place: place, literalPlace: literalPlace))
    }
}

extension ComparisonOperator {
    /// With its sides exchanged.
    fileprivate var flipped: ComparisonOperator {
        switch self {
        case .equal, .notEqual: self
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        }
    }
}
