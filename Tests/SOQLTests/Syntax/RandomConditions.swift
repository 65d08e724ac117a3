@testable import SOQL

/// SplitMix64: the same conditions from the same seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Makes syntax trees, in the normal form that the parser gives.
struct RandomConditions {
    var generator: SeededGenerator

    mutating func expression(depth: Int) -> Expression {
        let choice = depth == 0 ? 0 : Int.random(in: 0..<6, using: &generator)
        switch choice {
        case 3: return .all((0..<Int.random(in: 1...4, using: &generator)).map { _ in expression(depth: depth - 1) })
        case 4: return .any((0..<Int.random(in: 1...4, using: &generator)).map { _ in expression(depth: depth - 1) })
        case 5: return .not(expression(depth: depth - 1))
        default: return .comparison(Comparison(field: FieldName(pick(Self.fields)), test: test()))
        }
    }

    private mutating func test() -> Comparison.Test {
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: return .like(pattern())
        case 1:
            let kind = Int.random(in: 2..<8, using: &generator)
            let values = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                Bool.random(using: &generator) ? value(kind: kind) : value(kind: kind)
            }
            return .among(values, isNegated: Bool.random(using: &generator))
        case 2:
            let groups = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
                (0..<Int.random(in: 1...3, using: &generator)).map { _ in
                    ExactText(String(String.UnicodeScalarView(text().unicodeScalars.filter { $0 != ";" })) + "x")
                }
            }
            return .includes(groups, isNegated: Bool.random(using: &generator))
        default:
            let value = value(kind: Int.random(in: 0..<8, using: &generator))
            switch value {
            case .null, .boolean: return .compare(Bool.random(using: &generator) ? .equal : .notEqual, value)
            default: return .compare(pick(ComparisonOperator.allCases), value)
            }
        }
    }

    private mutating func value(kind: Int) -> Value {
        switch kind {
        case 0: .null
        case 1: .boolean(Bool.random(using: &generator))
        case 2: .integer(Int64.random(in: .min ... .max, using: &generator))
        case 3:
            .double(
                Double(
                    sign: .plus, exponent: Int.random(in: -300...300, using: &generator),
                    significand: Double.random(in: 1..<2, using: &generator)))
        case 4: .date(milliseconds: Int64.random(in: -90_000...700_000, using: &generator) * 86_400_000)
        case 5: .dateTime(milliseconds: Int64.random(in: -8_000_000_000_000...60_000_000_000_000, using: &generator))
        case 6: .time(milliseconds: Int64.random(in: 0..<86_400_000, using: &generator))
        default: .string(text())
        }
    }

    private mutating func pattern() -> LikePattern {
        var pattern = LikePattern()
        for _ in 0..<Int.random(in: 0...12, using: &generator) {
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: pattern.appendAnyText()
            case 1: pattern.appendAnyCharacter()
            default: pattern.append(pick(Self.scalars))
            }
        }
        return pattern
    }

    private mutating func text() -> String {
        String(
            String.UnicodeScalarView((0..<Int.random(in: 0...10, using: &generator)).map { _ in pick(Self.scalars) }))
    }

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &generator)]
    }

    private static let fields = [
        "Id", "Status", "A__c", "BillingAddress.City", "ChangeEventHeader.changeType", "x.y.z",
    ]
    private static let scalars: [Unicode.Scalar] = [
        "a", "B", "z", "0", " ", "'", "\"", "\\", "%", "_", ";", "\n", "\r", "\t", "\u{8}", "\u{C}", "\u{1}", "é", "ß",
        "İ",
        "😀", "\u{301}", "\u{200D}",
    ]
}
