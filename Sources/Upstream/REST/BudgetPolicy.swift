/// How much of an org's daily API allowance we may use, and for what.
public struct BudgetPolicy: Sendable, Hashable {
    /// Calls of ours within 24 hours; nil: as many as the org's allowance and the reserve permit.
    public var dailyMax: Int?
    /// The share of the org's allowance that stays for others, in 0..<1. It counts what everybody uses, not us alone.
    public var reserve: Double
    /// The share that is held for a purpose against purposes of lower priority, in 0...1; together at most 1. What is held
    /// for none is free for all. A purpose may use more than its share as long as that is not held for a more urgent one.
    public var shares: [CallPurpose: Double]
    /// Bulk API query jobs of ours within 24 hours; the org allows 10,000 to all its clients together.
    public var queryJobsMax: Int
    /// After so long without news from the org one call is let through, whatever the org's last figure was: the figure falls
    /// as calls of yesterday are forgotten, and only an answer can tell.
    public var probeSeconds: Int64 = 15 * 60

    public static let reserveDefault = 0.1
    public static let sharesDefault: [CallPurpose: Double] = [
        .refetch: 0.2, .writeBack: 0.2, .polling: 0.1, .other: 0.05, .reconcile: 0.1,
    ]
    public static let queryJobsMaxDefault = 5_000

    public init(
        dailyMax: Int? = nil, reserve: Double = reserveDefault, shares: [CallPurpose: Double] = sharesDefault,
        queryJobsMax: Int = queryJobsMaxDefault
    ) {
        self.dailyMax = dailyMax
        self.reserve = reserve
        self.shares = shares
        self.queryJobsMax = queryJobsMax
    }

    /// What is wrong with it; empty: nothing.
    public var mistakes: [String] {
        var mistakes: [String] = []
        if let dailyMax, dailyMax < 1 { mistakes.append("dailyMax must be at least 1, not \(dailyMax)") }
        if !(0..<1).contains(reserve) { mistakes.append("reserve must be at least 0 and less than 1, not \(reserve)") }
        for purpose in CallPurpose.allCases {
            guard let share = shares[purpose], !(0...1).contains(share) else { continue }
            mistakes.append("the share of \(purpose.rawValue) must be from 0 to 1, not \(share)")
        }
        let sum = shares.values.reduce(0, +)
        // Shares are written in decimals: ten times 0.1 is a little more than 1 in binary.
        if sum > 1.000_001 { mistakes.append("the shares add up to \(sum), more than 1") }
        if queryJobsMax < 0 { mistakes.append("queryJobsMax must not be negative") }
        return mistakes
    }

    func share(_ purpose: CallPurpose) -> Double { shares[purpose] ?? 0 }
}

/// Why a call was not made. Thrown before anything is sent.
public struct BudgetRefusal: Error, Sendable, Hashable {
    /// Which bound is reached.
    public enum Bound: Sendable, Hashable {
        /// `BudgetPolicy.dailyMax`.
        case dailyMax
        /// The org's allowance less the reserve.
        case reserve
        /// What the org allows to the connected app that we log in with.
        case applicationAllowance
        /// The org itself has refused a call for its limit.
        case refusedByOrg
        /// What is left is held for more urgent purposes.
        case heldForOthers
        /// `BudgetPolicy.queryJobsMax`.
        case queryJobs
    }

    public var purpose: CallPurpose
    public var bound: Bound
    /// Calls (for `queryJobs`: jobs) of the last 24 hours that count toward the bound.
    public var used: Int
    public var max: Int
    /// Of `max`, held for more urgent purposes.
    public var held: Int
    /// When a call for this purpose is possible again at the soonest, in seconds since 1970. For bounds that the org keeps
    /// it is when the org is asked again.
    public var freeAt: Int64
}

extension BudgetRefusal: CustomStringConvertible {
    public var description: String {
        let time = OrgTime.text(seconds: freeAt)
        let name = purpose.rawValue
        return switch bound {
        case .dailyMax:
            "No call for \(name): \(used) of the \(max) calls that we may make in 24 hours (dailyMax) are used; free "
                + "again at \(time)."
        case .reserve:
            "No call for \(name): the org has used \(used) calls in 24 hours and we leave it alone above \(max), so that "
                + "the reserve stays for others; asked again at \(time)."
        case .applicationAllowance:
            "No call for \(name): the connected app has used \(used) of its \(max) calls in 24 hours; asked again at "
                + "\(time)."
        case .refusedByOrg:
            "No call for \(name): the org has refused a call because its limit is reached (\(used) of \(max) used); asked "
                + "again at \(time)."
        case .heldForOthers:
            "No call for \(name): \(used) of \(max) calls in 24 hours are used and the other \(held) are held for more "
                + "urgent purposes; free again at \(time)."
        case .queryJobs:
            "No Bulk query job for \(name): \(used) of \(max) jobs in 24 hours are used; free again at \(time)."
        }
    }
}
