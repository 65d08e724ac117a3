internal import SOQL

/// What a `$filter` says of each record: the same of all of them, or what SOQL's tree can be asked.
enum ODataClaim: Hashable, Sendable {
    case always(Bool)
    case filter(Filter)

    static func all(_ claims: [ODataClaim]) -> ODataClaim {
        var filters: [Filter] = []
        for claim in claims {
            switch claim {
            case .always(true): break
            case .always(false): return .always(false)
            case .filter(.and(let inner)): filters += inner
            case .filter(let filter): filters.append(filter)
            }
        }
        return filters.isEmpty ? .always(true) : .filter(filters.count == 1 ? filters[0] : .and(filters))
    }

    static func any(_ claims: [ODataClaim]) -> ODataClaim {
        var filters: [Filter] = []
        for claim in claims {
            switch claim {
            case .always(false): break
            case .always(true): return .always(true)
            case .filter(.or(let inner)): filters += inner
            case .filter(let filter): filters.append(filter)
            }
        }
        let merged = merged(filters)
        return merged.isEmpty ? .always(false) : .filter(merged.count == 1 ? merged[0] : .or(merged))
    }

    var negated: ODataClaim {
        switch self {
        case .always(let isTrue): .always(!isTrue)
        case .filter(.not(let inner)): .filter(inner)
        case .filter(let filter): .filter(.not(filter))
        }
    }

    /// `Id eq 'a' or Id eq 'b' or …`, which an org sends for a page of parents, is one list.
    private static func merged(_ filters: [Filter]) -> [Filter] {
        var merged: [Filter] = []
        var places: [Term: Int] = [:]
        for filter in filters {
            guard case .test(let test) = filter, case .exact(.among(let texts)) = test.test else {
                merged.append(filter)
                continue
            }
            if let place = places[test.term], case .test(var known) = merged[place],
                case .exact(.among(let earlier)) = known.test
            {
                known.test = .exact(.among(earlier + texts))
                merged[place] = .test(known)
            } else {
                places[test.term] = merged.count
                merged.append(filter)
            }
        }
        return merged
    }
}

extension ODataProperty {
    var term: Term { .field(FieldPath(spelling: name, place: 0)) }
}

extension Filter {
    /// One test of a property. Places are those of an option's text, for what its text says.
    init(_ property: ODataProperty, _ test: FilterTest.Test, place: Int = 0, literalPlace: Int = 0) {
        let term = Term.field(FieldPath(spelling: property.name, place: place))
        self = .test(FilterTest(term: term, test: test, literalPlace: literalPlace))
    }

    /// Levels of `and` inside `or` inside `and`.
    var logicDepth: Int {
        switch self {
        case .test: 0
        case .not(let operand): operand.logicDepth
        case .and(let operands), .or(let operands): 1 + (operands.map(\.logicDepth).max() ?? 0)
        }
    }
}
