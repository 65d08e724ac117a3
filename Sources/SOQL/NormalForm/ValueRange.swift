/// Numbers, days, instants or times of day between two bounds, of which one may be missing.
package struct ValueRange: Hashable, Sendable {
    package enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        case number, date, dateTime, time
    }

    package enum Point: Hashable, Sendable {
        /// Also a double without a fraction; milliseconds of dates and times.
        case integer(Int64)
        case double(Double)
    }

    package struct Bound: Hashable, Sendable {
        package var point: Point
        package var isInclusive: Bool

        package init(point: Point, isInclusive: Bool) {
            self.point = point
            self.isInclusive = isInclusive
        }
    }

    package var kind: Kind
    package var lower: Bound?
    package var upper: Bound?

    package init(kind: Kind, lower: Bound?, upper: Bound?) {
        self.kind = kind
        self.lower = lower
        self.upper = upper
    }

    /// Nil for an operator that is none of order, and for texts and booleans.
    init?(_ operation: ComparisonOperator, _ literal: Value) {
        let point: Point
        switch EqualityKey(literal) {
        case .integer(let integer)?: (kind, point) = (.number, .integer(integer))
        case .double(let double)?: (kind, point) = (.number, .double(double))
        case .date(let milliseconds)?: (kind, point) = (.date, .integer(milliseconds))
        case .dateTime(let milliseconds)?: (kind, point) = (.dateTime, .integer(milliseconds))
        case .time(let milliseconds)?: (kind, point) = (.time, .integer(milliseconds))
        case .text?, .boolean?, nil: return nil
        }
        switch operation {
        case .less: upper = Bound(point: point, isInclusive: false)
        case .lessOrEqual: upper = Bound(point: point, isInclusive: true)
        case .greater: lower = Bound(point: point, isInclusive: false)
        case .greaterOrEqual: lower = Bound(point: point, isInclusive: true)
        case .equal, .notEqual: return nil
        }
    }

    /// Of a value that is not empty.
    package func truth(of value: Value) -> Truth {
        for (bound, outside) in [(lower, Order.less), (upper, Order.greater)] {
            guard let bound else { continue }
            guard let order = operand(bound.point).order(of: value, isIdentifierField: false) else { return .unknown }
            if order == outside || order == .equal && !bound.isInclusive { return .no }
        }
        return .yes
    }

    /// Where both hold. For instants not exact: a day is compared with each bound by the bound's day.
    func intersection(with other: ValueRange) -> ValueRange {
        var common = self
        if let bound = other.lower {
            switch lower.map({ Self.order(bound.point, $0.point) }) {
            case nil, .greater: common.lower = bound
            case .equal where !bound.isInclusive: common.lower = bound
            case .equal, .less: break
            }
        }
        if let bound = other.upper {
            switch upper.map({ Self.order(bound.point, $0.point) }) {
            case nil, .less: common.upper = bound
            case .equal where !bound.isInclusive: common.upper = bound
            case .equal, .greater: break
            }
        }
        return common
    }

    /// Nothing lies between the bounds.
    var isEmpty: Bool {
        guard let lower, let upper else { return false }
        return switch Self.order(lower.point, upper.point) {
        case .less: false
        case .equal: !(lower.isInclusive && upper.isInclusive)
        case .greater: true
        }
    }

    /// The bounds on one line of doubles, rounded: a value inside them lies, rounded, between these or on one.
    package var span: ClosedRange<Double> {
        let low = lower.map { $0.point.rounded } ?? -.infinity
        let high = upper.map { $0.point.rounded } ?? .infinity
        return low <= high ? low...high : high...low
    }

    private static func order(_ left: Point, _ right: Point) -> Order {
        let value: Value =
            switch left {
            case .integer(let integer): .integer(integer)
            case .double(let double): .double(double)
            }
        let operand: Operand =
            switch right {
            case .integer(let integer): .integer(integer)
            case .double(let double): .double(double)
            }
        guard let order = operand.order(of: value, isIdentifierField: false) else {
            preconditionFailure("numbers that are numbers have an order")
        }
        return order
    }

    private func operand(_ point: Point) -> Operand {
        switch (kind, point) {
        case (.number, .integer(let integer)): .integer(integer)
        case (_, .double(let double)): .double(double)
        case (.date, .integer(let milliseconds)): .date(milliseconds)
        case (.dateTime, .integer(let milliseconds)): .dateTime(milliseconds)
        case (.time, .integer(let milliseconds)): .time(milliseconds)
        }
    }
}

extension ValueRange.Point {
    /// To the nearest double; rounding keeps the order.
    package var rounded: Double {
        switch self {
        case .integer(let integer): Double(integer)
        case .double(let double): double
        }
    }
}
