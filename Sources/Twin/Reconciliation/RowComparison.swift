import ChangeEvents
import Store

/// What a row should be, beside what it is. Pure.
struct RowComparison {
    enum Outcome: Sendable, Hashable {
        case equal
        case different(Difference)
        /// One side is in doubt: it will be read again by itself.
        case undecided
    }

    /// Depend on the reading or on who asks.
    static let uncomparable: Set<String> = ["SystemModstamp", "LastViewedDate", "LastReferencedDate"]
    /// Worked out by the org, beside formulas, without an event.
    static let derivedAlways: Set<String> = ["LastActivityDate", "PhotoUrl"]

    /// What rows are counted by; nil: ids alone.
    let stamp: String?
    private let fields: [String]
    private let derived: Set<String>

    /// - Parameters:
    ///   - fields: those that are compared, as far as they can be.
    ///   - calculated: formulas among them.
    init(fields: [String], stamp: String?, calculated: Set<String>) {
        self.stamp = stamp
        derived = calculated.union(Self.derivedAlways)
        self.fields = fields.filter { !Self.uncomparable.contains($0) }
    }

    /// - Parameters:
    ///   - expected: nil: the org does not have it.
    ///   - kept: nil: the table does not.
    func compare(_ id: RecordID, expected: StoredRecord?, kept: StoredRecord?) -> Outcome {
        func different(_ cause: Difference.Cause, _ fields: [String] = []) -> Outcome {
            .different(Difference(record: id.string, cause: cause, fields: fields))
        }
        if kept?.needsRefetch ?? false || expected?.needsRefetch ?? false { return .undecided }
        let isLive = kept.map { !$0.isDeleted } ?? false
        guard let expected else { return isLive ? different(.gone) : .equal }
        if expected.isDeleted { return isLive ? different(.deleted) : .equal }
        guard let kept else { return different(.missing) }
        if kept.isDeleted { return different(.undeleted) }
        let differing = fields.filter { name in
            !Self.isSame(expected.image.fields[name] ?? .null, kept.image.fields[name] ?? .null)
        }
        if differing.isEmpty { return .equal }
        if let stamp, differing.contains(stamp) { return different(.stale, differing) }
        return different(differing.allSatisfy(derived.contains) ? .derived : .values, differing)
    }

    /// The org's APIs tell times in whole seconds.
    private static func isSame(_ left: FieldValue, _ right: FieldValue) -> Bool {
        guard case .dateTime(let left) = left, case .dateTime(let right) = right else { return left == right }
        return seconds(left) == seconds(right)
    }

    private static func seconds(_ milliseconds: Int64) -> Int64 {
        milliseconds >= 0 ? milliseconds / 1_000 : -((999 - milliseconds) / 1_000)
    }
}
