import ChangeEvents
import Testing

@testable import Sandbox

@Suite("Traffic") struct TrafficTests {
    @Test(arguments: [
        ("50/s", 50), ("90/min", 1.5), ("90/m", 1.5), ("7200/h", 2), ("0.5/s", 0.5), ("100000/s", 100_000),
    ])
    func rates(text: String, perSecond: Double) {
        #expect(TrafficRate(text)?.perSecond == perSecond)
    }

    @Test(arguments: [
        "", "50", "/s", "50/", "0/s", "-1/s", "50/d", "1e3/s", "50/s/s", "100001/s", "x/s", "0.0000001/h",
    ])
    func noRates(text: String) {
        #expect(TrafficRate(text) == nil)
    }

    @Test func thePaceHoldsTheRate() throws {
        for text in ["50/s", "1000/s", "7/s", "30/min"] {
            let rate = try #require(TrafficRate(text))
            var pace = TrafficPace(rate, now: .zero)
            var now = Duration.zero
            var count = 0
            while now < .seconds(60) {
                let due = pace.due(now: now)
                count += due.count
                #expect(due.wait >= TrafficPace.waitMin)
                now += due.wait
            }
            #expect(abs(Double(count) - rate.perSecond * 60) <= max(2, rate.perSecond * 0.02), "\(text): \(count)")
        }
    }

    @Test func afterAPauseThereIsNoBurst() throws {
        var pace = TrafficPace(try #require(TrafficRate("100/s")), now: .zero)
        #expect(pace.due(now: .seconds(30)).count <= 11)
        #expect(pace.due(now: .seconds(30)).count == 0)
        var slow = TrafficPace(try #require(TrafficRate("1/min")), now: .zero)
        #expect(slow.due(now: .seconds(3_600)).count <= 2)
    }

    private func life(seed: UInt64, steps: Int) -> [TrafficModel.Step] {
        func id(_ prefix: String, _ number: Int) -> RecordID? {
            RecordID(prefix + String(repeating: "0", count: 12 - String(number).count) + String(number))
        }
        let accounts = (1...5).compactMap { id("001", $0) }
        let contacts = (1...12).compactMap { id("003", $0) }
        var model = TrafficModel(seed: seed, agents: ["a", "b", "c"], accounts: accounts, contacts: contacts)
        return (1...steps).map { number in
            let step = model.next()
            model.done(created: step.id == nil ? id(step.object == "Case" ? "500" : "003", number + 100) : nil)
            return step
        }
    }

    @Test func theSameSeedGivesTheSameLife() {
        #expect(life(seed: 7, steps: 500) == life(seed: 7, steps: 500))
        #expect(life(seed: 7, steps: 500) != life(seed: 8, steps: 500))
    }

    @Test func allOfLifeHappens() {
        let steps = life(seed: 7, steps: 4_000)
        func count(_ isWanted: (TrafficModel.Step) -> Bool) -> Int { steps.filter(isWanted).count }
        #expect(count { $0.object == "Case" && $0.id == nil } > 100)
        for status in ["Working", "On Hold", "Escalated", "Closed"] {
            #expect(count { $0.id != nil && $0.values["Status"] == .string(status) } > 50, "\(status)")
        }
        #expect(count { $0.id != nil && $0.values["OwnerId"] != nil } > 50)
        #expect(count { $0.object == "Contact" && $0.id == nil } > 20)
        #expect(count { $0.object == "Contact" && $0.id != nil } > 20)
        #expect(count { $0.object == "Account" } > 20)
        // Each closed case was open, and none is touched afterwards.
        var closed: Set<RecordID> = []
        for step in steps where step.object == "Case" {
            guard let id = step.id else { continue }
            #expect(!closed.contains(id))
            if step.values["Status"] == .string("Closed") { closed.insert(id) }
        }
    }

    @Test func openCasesStayNearTheirTarget() {
        var model = TrafficModel(seed: 3, agents: ["a"], accounts: [], contacts: [])
        var number = 0
        for _ in 0..<20_000 {
            let step = model.next()
            number += 1
            model.done(
                created: step.id == nil ? RecordID("500" + String(String(1_000_000_000_000 + number).suffix(12))) : nil)
        }
        #expect((TrafficModel.openCasesTarget / 3...TrafficModel.openCasesTarget * 3).contains(model.openCaseCount))
    }

    @Test func theOrgTakesEveryStep() async throws {
        let org = try await TestOrg.open { $0.loadsSampleData = true }
        let before = try await org.received().count
        var model = try await org.sandbox.trafficModel(seed: 7)
        let open = model.openCaseCount
        #expect(open > 10)
        for _ in 0..<300 {
            // Within one second, the same change twice would be none.
            org.clock.advance(.seconds(1))
            try await org.sandbox.live(&model)
        }
        #expect(try await org.received().count - before >= 295)
    }

    @Test func aDeletedRecordIsForgotten() async throws {
        let org = try await TestOrg.open()
        var model = TrafficModel(seed: 1, agents: [], accounts: [], contacts: [])
        try await org.sandbox.live(&model)
        #expect(model.openCaseCount == 1)
        let record = try #require(try await org.sandbox.snapshot(entity: "Case").first)
        try await org.delete("Case", record.id)
        for _ in 0..<40 { try await org.sandbox.live(&model) }
        let open = try await org.sandbox.snapshot(entity: "Case").filter { $0.fields["IsClosed"] == .boolean(false) }
        #expect(open.count == model.openCaseCount)
    }

    @Test func manyRowsQuietly() async throws {
        let org = try await TestOrg.open()
        var told: [Int] = []
        try await org.sandbox.loadRows(45, seed: 7) { told.append($0) }
        #expect(told == [45])
        #expect(try await org.sandbox.snapshot(entity: "Account").count == 5)
        #expect(try await org.sandbox.snapshot(entity: "Contact").count == 15)
        #expect(try await org.sandbox.snapshot(entity: "Case").count == 25)
        #expect(try await org.received().isEmpty)
        // Once is enough, and a start that was cut off goes on.
        try await org.sandbox.loadRows(45, seed: 7)
        #expect(try await org.sandbox.snapshot(entity: "Case").count == 25)
        try await org.sandbox.loadRows(60, seed: 7, publishes: true)
        #expect(try await org.sandbox.snapshot(entity: "Account").count == 6)
        #expect(try await org.received().isEmpty == false)
    }
}
