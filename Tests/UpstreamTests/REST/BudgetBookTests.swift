import Foundation
import Testing

@testable import Upstream

struct BudgetBookTests {
    private static let day: Int64 = 86_400
    private let start: Int64 = 1_771_300_800

    private func admitted(
        _ count: Int, _ purpose: CallPurpose, _ book: inout BudgetBook, _ policy: BudgetPolicy, at now: Int64
    ) -> Int {
        var admitted = 0
        for _ in 0..<count where (try? book.admit(purpose, by: policy, at: now)) != nil { admitted += 1 }
        return admitted
    }

    private func refusal(
        _ purpose: CallPurpose, _ book: inout BudgetBook, _ policy: BudgetPolicy, at now: Int64
    ) -> BudgetRefusal? {
        do throws(BudgetRefusal) {
            try book.admit(purpose, by: policy, at: now)
            return nil
        } catch {
            return error
        }
    }

    @Test func nothingIsRefusedBeforeTheOrgHasTold() {
        var book = BudgetBook()
        #expect(admitted(1_000, .snapshot, &book, BudgetPolicy(), at: start) == 1_000)
        #expect(book.report(by: BudgetPolicy(), at: start).callsInDay == 1_000)
    }

    @Test func dailyMaxIsABoundToTheCall() throws {
        var book = BudgetBook()
        let policy = BudgetPolicy(dailyMax: 10, shares: [:])
        #expect(admitted(20, .other, &book, policy, at: start) == 10)
        let refusal = try #require(refusal(.refetch, &book, policy, at: start))
        #expect(refusal.bound == .dailyMax && refusal.used == 10 && refusal.max == 10)
        #expect(refusal.description.contains("10 of the 10 calls") && refusal.description.contains("dailyMax"))
        // Not a second sooner than it says.
        #expect(self.refusal(.other, &book, policy, at: refusal.freeAt - 1) != nil)
        #expect(self.refusal(.other, &book, policy, at: refusal.freeAt) == nil)
        #expect(refusal.freeAt >= start + Self.day && refusal.freeAt <= start + Self.day + 900)
    }

    @Test func callsAreForgottenBucketByBucket() {
        var book = BudgetBook()
        let policy = BudgetPolicy(dailyMax: 10, shares: [:])
        #expect(admitted(4, .other, &book, policy, at: start) == 4)
        #expect(admitted(9, .other, &book, policy, at: start + 3_600) == 6)
        #expect(refusal(.other, &book, policy, at: start + 3_600)?.freeAt == start + 900 + Self.day)
        #expect(admitted(9, .other, &book, policy, at: start + 900 + Self.day) == 4)
    }

    @Test func aSnapshotCannotStarveARefetch() {
        var book = BudgetBook()
        let policy = BudgetPolicy(dailyMax: 100, shares: [.refetch: 0.3, .polling: 0.1])
        #expect(admitted(500, .snapshot, &book, policy, at: start) == 60)
        #expect(refusal(.snapshot, &book, policy, at: start)?.bound == .heldForOthers)
        // What is held for polling is still there, and what is held for refetching.
        #expect(admitted(500, .polling, &book, policy, at: start) == 10)
        #expect(admitted(500, .refetch, &book, policy, at: start) == 30)
        #expect(refusal(.refetch, &book, policy, at: start)?.bound == .dailyMax)
    }

    @Test func theMostUrgentPurposeMayTakeEverything() {
        var book = BudgetBook()
        let policy = BudgetPolicy(dailyMax: 100, shares: [.refetch: 0.1, .snapshot: 0.9])
        #expect(admitted(500, .refetch, &book, policy, at: start) == 100)
    }

    @Test func theReserveCountsWhatOthersUse() throws {
        var book = BudgetBook()
        let policy = BudgetPolicy(reserve: 0.1, shares: [:])
        book.record(LimitInfo(orgUsed: 895, orgMax: 1_000), at: start)
        #expect(admitted(20, .other, &book, policy, at: start) == 5)
        let refusal = try #require(refusal(.refetch, &book, policy, at: start))
        #expect(refusal.bound == .reserve && refusal.used == 900 && refusal.max == 900)
        #expect(refusal.description.contains("reserve"))
        // The org counts fewer: there is room at once.
        book.record(LimitInfo(orgUsed: 800, orgMax: 1_000), at: start + 1)
        #expect(admitted(500, .other, &book, policy, at: start + 1) == 100)
    }

    @Test func theOrgIsAskedAgainAfterAWhile() throws {
        var book = BudgetBook()
        let policy = BudgetPolicy(reserve: 0, shares: [:])
        book.record(LimitInfo(orgUsed: 1_000, orgMax: 1_000), at: start)
        let refusal = try #require(refusal(.other, &book, policy, at: start))
        #expect(self.refusal(.other, &book, policy, at: refusal.freeAt - 1) != nil)
        #expect(self.refusal(.other, &book, policy, at: refusal.freeAt) == nil)
        // One call, not all.
        #expect(self.refusal(.other, &book, policy, at: refusal.freeAt) != nil)
    }

    @Test func aRefusalByTheOrgHoldsUntilACallSucceeds() {
        var book = BudgetBook()
        let policy = BudgetPolicy(shares: [:])
        book.refusedByOrg(at: start)
        #expect(refusal(.refetch, &book, policy, at: start + 1)?.bound == .refusedByOrg)
        // A figure at the limit is no success.
        book.record(LimitInfo(orgUsed: 1_000, orgMax: 1_000), at: start + 2)
        #expect(refusal(.refetch, &book, policy, at: start + 3)?.bound == .refusedByOrg)
        book.record(LimitInfo(orgUsed: 10, orgMax: 1_000), at: start + 4)
        #expect(refusal(.refetch, &book, policy, at: start + 5) == nil)
    }

    @Test func theAppsOwnAllowanceIsABound() {
        var book = BudgetBook()
        let policy = BudgetPolicy(shares: [:])
        book.record(LimitInfo(orgUsed: 1, orgMax: 1_000, applicationUsed: 248, applicationMax: 250), at: start)
        #expect(admitted(9, .other, &book, policy, at: start) == 2)
        #expect(refusal(.other, &book, policy, at: start)?.bound == .applicationAllowance)
    }

    @Test func queryJobsAreCountedBesideTheirCalls() throws {
        var book = BudgetBook()
        let policy = BudgetPolicy(queryJobsMax: 2)
        try book.admitQueryJob(.snapshot, by: policy, at: start)
        try book.admitQueryJob(.snapshot, by: policy, at: start)
        let refusal = #expect(throws: BudgetRefusal.self) {
            try book.admitQueryJob(.snapshot, by: policy, at: start)
        }
        #expect(refusal?.bound == .queryJobs && refusal?.freeAt == start + 900 + Self.day)
        #expect(book.report(by: policy, at: start).queryJobsInDay == 2)
        try book.admitQueryJob(.snapshot, by: policy, at: start + 900 + Self.day)
    }

    @Test func aClockSetBackForgetsNothingAndHoldsNothingForEver() {
        var book = BudgetBook()
        let policy = BudgetPolicy(dailyMax: 10, shares: [:])
        #expect(admitted(4, .other, &book, policy, at: start + 30 * Self.day) == 4)
        #expect(admitted(9, .other, &book, policy, at: start) == 6)
        #expect(admitted(99, .other, &book, policy, at: start + Self.day + 900) == 10)
        book.record(LimitInfo(orgUsed: 10, orgMax: 10), at: start + 30 * Self.day)
        #expect(admitted(2, .other, &book, BudgetPolicy(shares: [:]), at: start) == 0)
    }

    @Test func theForecastSaysWhenItIsEmpty() throws {
        var book = BudgetBook()
        let policy = BudgetPolicy(dailyMax: 1_000, shares: [:])
        for minute in 0..<60 {
            #expect(admitted(10, .snapshot, &book, policy, at: start + Int64(minute) * 60) == 10)
        }
        let forecast = try #require(book.report(by: policy, at: start + 3_600).forecast)
        #expect(forecast.bound == .dailyMax && forecast.callsPerHour == 600)
        #expect(forecast.emptyAt == start + 3_600 + 2_400)
        // By everybody's rate, as the org's figure shows it.
        for minute in stride(from: 0, through: 60, by: 5) {
            book.record(LimitInfo(orgUsed: minute * 100, orgMax: 10_000), at: start + Int64(minute) * 60)
        }
        let other = try #require(book.report(by: BudgetPolicy(reserve: 0.1), at: start + 3_600).forecast)
        #expect(other.bound == .reserve && other.emptyAt == start + 3_600 + 1_800)
        #expect(BudgetBook().report(by: policy, at: start).forecast == nil)
    }

    @Test func theReportCountsPerPurpose() throws {
        var book = BudgetBook()
        let policy = BudgetPolicy(dailyMax: 5, shares: [:])
        _ = admitted(2, .polling, &book, policy, at: start)
        _ = admitted(9, .snapshot, &book, policy, at: start)
        let report = book.report(by: policy, at: start)
        #expect(report.purposes.map(\.purpose) == CallPurpose.allCases)
        let snapshot = try #require(report.purposes.last)
        #expect(snapshot.callsInDay == 3 && snapshot.admitted == 3 && snapshot.refused == 6)
        let later = book.report(by: policy, at: start + 2 * Self.day)
        #expect(later.callsInDay == 0 && later.purposes.last?.admitted == 3)
    }

    @Test func theBookOutlivesTheProcess() throws {
        var book = BudgetBook()
        let policy = BudgetPolicy(dailyMax: 5, shares: [:])
        _ = admitted(9, .snapshot, &book, policy, at: start)
        book.record(LimitInfo(orgUsed: 7, orgMax: 9), at: start)
        var other = try JSONDecoder().decode(BudgetBook.self, from: JSONEncoder().encode(book))
        #expect(other == book && admitted(1, .refetch, &other, policy, at: start) == 0)
    }

    @Test func mistakesOfAPolicyAreNamed() {
        #expect(BudgetPolicy().mistakes.isEmpty)
        #expect(BudgetPolicy(shares: [.refetch: 0.1, .snapshot: 0.9]).mistakes.isEmpty)
        let policy = BudgetPolicy(dailyMax: 0, reserve: 1, shares: [.refetch: 0.6, .snapshot: 0.5], queryJobsMax: -1)
        #expect(policy.mistakes.count == 4)
        #expect(BudgetPolicy(shares: [.polling: -0.1]).mistakes.first?.contains("polling") == true)
    }

    @Test(arguments: [
        ("api-usage=18/15000", LimitInfo(orgUsed: 18, orgMax: 15_000)),
        (
            "api-usage=18/5000; per-app-api-usage=17/250(appName=sample-connected-app)",
            LimitInfo(orgUsed: 18, orgMax: 5_000, applicationUsed: 17, applicationMax: 250)
        ),
        ("per-app-api-usage=17/250(appName=a=b;c)", LimitInfo(applicationUsed: 17, applicationMax: 250)),
        ("api-bursts=1/750; API-Usage = 2/10", LimitInfo(orgUsed: 2, orgMax: 10)),
        ("", LimitInfo()), ("api-usage=", LimitInfo()), ("api-usage=1", LimitInfo()), ("api-usage=-1/5", LimitInfo()),
        ("api-usage=1/0", LimitInfo()), ("api-usage=1/2/3", LimitInfo()),
        ("api-usage=99999999999999999999/1", LimitInfo()), ("api-usage=١/٢", LimitInfo()),
    ])
    func theHeaderIsRead(header: String, info: LimitInfo) {
        #expect(LimitInfo(header: header) == info)
    }
}
