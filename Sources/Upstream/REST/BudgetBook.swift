/// The accounts of the API budget: what the org has told, what we have called, and whether one more call may be made.
///
/// Pure: no clock, no I/O; `now` is seconds since 1970. `APIBudget` is the shell. Codable, so that it can outlive the
/// process.
public struct BudgetBook: Sendable, Hashable, Codable {
    /// Between two kept reports, and how many are kept: an hour of them makes the forecast.
    private static let reportSpacing: Int64 = 5 * 60
    private static let reportsMax = 13

    struct Usage: Sendable, Hashable, Codable {
        var used: Int
        var max: Int
    }

    private struct Report: Sendable, Hashable, Codable {
        var time: Int64
        var used: Int
    }

    private var calls = RollingCounts()
    private var jobs = RollingCounts()
    /// The org's allowance and its use by everybody, as of the last report.
    private(set) var org: Usage?
    /// The same of our connected app, where it has an allowance of its own.
    private(set) var application: Usage?
    /// Calls admitted since the last report: the org may count them already, or will.
    private var callsSinceReport = 0
    private var reports: [Report] = []
    /// The last report, refusal by the org or probe.
    private var lastNews: Int64?
    /// The org has refused a call for its limit, and no call has succeeded since.
    private var isRefusedByOrg = false
    private var admitted: [CallPurpose: Int] = [:]
    private var refused: [CallPurpose: Int] = [:]

    public init() {}

    /// Counts one call, or throws why it must not be made (which is counted too).
    public mutating func admit(_ purpose: CallPurpose, by policy: BudgetPolicy, at now: Int64) throws(BudgetRefusal) {
        calls.forget(at: now)
        if let refusal = refusal(of: purpose, by: policy, at: now) {
            refused[purpose, default: 0] += 1
            throw refusal
        }
        calls.add(purpose, at: now)
        callsSinceReport += 1
        admitted[purpose, default: 0] += 1
    }

    /// Counts one Bulk API query job, beside the calls that it takes.
    public mutating func admitQueryJob(
        _ purpose: CallPurpose, by policy: BudgetPolicy, at now: Int64
    ) throws(BudgetRefusal) {
        jobs.forget(at: now)
        guard jobs.total < policy.queryJobsMax else {
            refused[purpose, default: 0] += 1
            let free = jobs.freed(jobs.total + 1 - policy.queryJobsMax) ?? now + RollingCounts.windowSeconds
            throw BudgetRefusal(
                purpose: purpose, bound: .queryJobs, used: jobs.total, max: policy.queryJobsMax, held: 0, freeAt: free)
        }
        jobs.add(purpose, at: now)
    }

    /// Takes what an answer of the org says.
    public mutating func record(_ info: LimitInfo, at now: Int64) {
        if let used = info.orgUsed, let max = info.orgMax {
            org = Usage(used: used, max: max)
            callsSinceReport = 0
            lastNews = now
            if used < max { isRefusedByOrg = false }
            while let last = reports.last, last.time > now { reports.removeLast() }
            if now - (reports.last?.time ?? .min / 2) >= Self.reportSpacing {
                reports.append(Report(time: now, used: used))
                if reports.count > Self.reportsMax { reports.removeFirst() }
            }
        }
        if let used = info.applicationUsed, let max = info.applicationMax {
            application = Usage(used: used, max: max)
        }
    }

    /// The org has refused a call because its allowance is used up.
    public mutating func refusedByOrg(at now: Int64) {
        isRefusedByOrg = true
        lastNews = now
    }

    private mutating func refusal(of purpose: CallPurpose, by policy: BudgetPolicy, at now: Int64) -> BudgetRefusal? {
        if let dailyMax = policy.dailyMax {
            let held = heldAgainst(purpose, by: policy, of: dailyMax)
            let excess = calls.total + 1 + held - dailyMax
            if excess > 0 {
                return BudgetRefusal(
                    purpose: purpose, bound: calls.total >= dailyMax ? .dailyMax : .heldForOthers, used: calls.total,
                    max: dailyMax, held: held,
                    freeAt: calls.freed(excess) ?? now + RollingCounts.windowSeconds)
            }
        }
        guard let refusal = orgRefusal(of: purpose, by: policy) else { return nil }
        // A clock that was set back must not put the next question off for longer than the interval.
        let news = min(lastNews ?? now, now)
        guard now - news < policy.probeSeconds else {
            lastNews = now
            return nil
        }
        return BudgetRefusal(
            purpose: purpose, bound: refusal.bound, used: refusal.used, max: refusal.max, held: refusal.held,
            freeAt: news + policy.probeSeconds)
    }

    /// By the figures of the org.
    private func orgRefusal(
        of purpose: CallPurpose, by policy: BudgetPolicy
    ) -> (bound: BudgetRefusal.Bound, used: Int, max: Int, held: Int)? {
        if isRefusedByOrg { return (.refusedByOrg, org?.used ?? calls.total, org?.max ?? calls.total, 0) }
        if let application, application.used + callsSinceReport + 1 > application.max {
            return (.applicationAllowance, application.used, application.max, 0)
        }
        guard let org else { return nil }
        let used = org.used + callsSinceReport
        let max = Int((Double(org.max) * (1 - policy.reserve)).rounded(.down))
        if used + 1 > max { return (.reserve, used, max, 0) }
        let held = heldAgainst(purpose, by: policy, of: max)
        return used + 1 + held > max ? (.heldForOthers, used, max, held) : nil
    }

    /// What more urgent purposes have not yet used of their shares.
    private func heldAgainst(_ purpose: CallPurpose, by policy: BudgetPolicy, of capacity: Int) -> Int {
        CallPurpose.allCases.reduce(0) { held, other in
            guard other.rank < purpose.rank else { return held }
            return held + max(0, Int(policy.share(other) * Double(capacity)) - calls[other])
        }
    }
}

extension BudgetBook {
    /// How it stands.
    public func report(by policy: BudgetPolicy, at now: Int64) -> BudgetReport {
        var current = self
        current.calls.forget(at: now)
        current.jobs.forget(at: now)
        let purposes = CallPurpose.allCases.map { purpose in
            BudgetReport.Purpose(
                purpose: purpose, callsInDay: current.calls[purpose], admitted: admitted[purpose, default: 0],
                refused: refused[purpose, default: 0])
        }
        return BudgetReport(
            orgUsed: org.map { $0.used + callsSinceReport }, orgMax: org?.max, applicationUsed: application?.used,
            applicationMax: application?.max, callsInDay: current.calls.total, dailyMax: policy.dailyMax,
            queryJobsInDay: current.jobs.total, queryJobsMax: policy.queryJobsMax, isRefusedByOrg: isRefusedByOrg,
            purposes: purposes, forecast: current.forecast(by: policy, at: now))
    }

    /// The bound that is reached first if everybody goes on as in the last hour; nil: none within a day.
    private func forecast(by policy: BudgetPolicy, at now: Int64) -> BudgetReport.Forecast? {
        var forecasts: [BudgetReport.Forecast] = []
        if let dailyMax = policy.dailyMax, let rate = calls.perSecond(at: now) {
            forecasts.append(Self.forecast(.dailyMax, left: dailyMax - calls.total, rate, now))
        }
        if let org, let rate = orgPerSecond(at: now) {
            let max = Int((Double(org.max) * (1 - policy.reserve)).rounded(.down))
            forecasts.append(Self.forecast(.reserve, left: max - org.used - callsSinceReport, rate, now))
        }
        // Past a day the calls of now are forgotten.
        return forecasts.filter { $0.emptyAt <= now + RollingCounts.windowSeconds }.min { $0.emptyAt < $1.emptyAt }
    }

    private static func forecast(
        _ bound: BudgetRefusal.Bound, left: Int, _ perSecond: Double, _ now: Int64
    ) -> BudgetReport.Forecast {
        let seconds = min(Double(max(left, 0)) / perSecond, Double(Int32.max))
        return BudgetReport.Forecast(bound: bound, emptyAt: now + Int64(seconds), callsPerHour: perSecond * 3_600)
    }

    /// How fast the org's own figure grows, everybody's calls in it; before it has told twice: our calls.
    private func orgPerSecond(at now: Int64) -> Double? {
        let recent = reports.filter { now - $0.time <= 3_600 }
        guard let first = recent.first, let org, let lastNews, lastNews - first.time >= Self.reportSpacing else {
            return calls.perSecond(at: now)
        }
        let grown = org.used - first.used
        return grown > 0 ? Double(grown) / Double(lastNews - first.time) : nil
    }
}

/// The budget for status pages and metrics. Times are seconds since 1970.
public struct BudgetReport: Sendable, Hashable {
    public struct Purpose: Sendable, Hashable {
        public var purpose: CallPurpose
        /// In the last 24 hours.
        public var callsInDay: Int
        /// Since the book was begun.
        public var admitted: Int
        public var refused: Int
    }

    /// At the present rate the bound is reached at `emptyAt`.
    public struct Forecast: Sendable, Hashable {
        public var bound: BudgetRefusal.Bound
        public var emptyAt: Int64
        public var callsPerHour: Double
    }

    /// By everybody, in 24 hours; nil: the org has not told yet.
    public var orgUsed: Int?
    public var orgMax: Int?
    public var applicationUsed: Int?
    public var applicationMax: Int?
    /// Ours.
    public var callsInDay: Int
    public var dailyMax: Int?
    public var queryJobsInDay: Int
    public var queryJobsMax: Int
    public var isRefusedByOrg: Bool
    public var purposes: [Purpose]
    public var forecast: Forecast?
}
