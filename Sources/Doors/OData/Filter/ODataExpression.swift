internal import SOQL

/// A `$filter`, taken apart: what the text says, before anybody knows which properties there are. Places are byte offsets.
indirect enum ODataExpression: Hashable {
    case property(String, place: Int)
    case literal(ODataLiteral, place: Int)
    case call(String, [ODataExpression], place: Int)
    /// The place is the operator's.
    case comparison(ComparisonOperator, ODataExpression, ODataExpression, place: Int)
    /// `Name in ('a','b')`
    case membership(ODataExpression, [PlacedLiteral])
    case not(ODataExpression)
    case and([ODataExpression])
    case or([ODataExpression])

    struct PlacedLiteral: Hashable {
        var literal: ODataLiteral
        var place: Int
    }

    /// Where it begins, as far as messages need it.
    var place: Int {
        switch self {
        case .property(_, let place), .literal(_, let place), .call(_, _, let place): place
        case .comparison(_, let left, _, _), .membership(let left, _): left.place
        case .not(let operand): operand.place
        case .and(let operands), .or(let operands): operands.first?.place ?? 0
        }
    }
}
