/// What a condition says of a record (Kleene's three values).
public enum Truth: Hashable, Sendable {
    case yes
    case no
    /// A field that decides it is not known. (`A = 1 OR Unknown = 2` is `yes` where A is 1.)
    case unknown

    package init(_ claim: Bool) {
        self = claim ? .yes : .no
    }

    package var negated: Truth {
        switch self {
        case .yes: .no
        case .no: .yes
        case .unknown: .unknown
        }
    }
}
