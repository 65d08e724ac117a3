import ChangeEvents
import Doors
import Testing

@testable import Sandbox

@Suite("Faults: when they strike") struct FaultsTests {
    private let call = FaultPoint.request(method: "GET", path: "/services/data/v66.0/limits")

    private func fault(_ kind: FaultKind = .unavailable, _ change: (inout Fault) -> Void = { _ in }) -> Fault {
        var fault = Fault(kind)
        fault.path = "/services/**"
        change(&fault)
        return fault
    }

    private func strikes(_ faults: Faults, _ count: Int) -> [Bool] {
        (0..<count).map { _ in faults.fault(at: call) != nil }
    }

    @Test func nothingIsSetNothingHappens() {
        #expect(strikes(Faults(), 3) == [false, false, false])
    }

    @Test func untilItIsDeleted() throws {
        let faults = Faults()
        let standing = try #require(faults.set(fault()))
        #expect(strikes(faults, 2) == [true, true])
        #expect(faults.remove(id: standing.id))
        #expect(!faults.remove(id: standing.id))
        #expect(strikes(faults, 1) == [false])
    }

    @Test func theNthAndSoManyTimes() throws {
        let faults = Faults()
        faults.set(
            fault {
                $0.nth = 2
                $0.times = 2
            })
        #expect(strikes(faults, 5) == [false, true, true, false, false])
        let standing = try #require(faults.standing.first)
        #expect(standing.seen == 5)
        #expect(standing.struck == 2)
        #expect(standing.isSpent)
    }

    @Test func theSameSeedStrikesTheSameCalls() {
        func run(_ seed: UInt64) -> [Bool] {
            let faults = Faults()
            faults.set(
                fault {
                    $0.probability = 0.3
                    $0.seed = seed
                })
            return strikes(faults, 200)
        }
        #expect(run(7) == run(7))
        #expect(run(7) != run(8))
        #expect((30...90).contains(run(7).filter { $0 }.count))
    }

    @Test func probabilityZeroAndOne() {
        for (probability, expected) in [(0.0, false), (1.0, true)] {
            let faults = Faults()
            faults.set(fault { $0.probability = probability })
            #expect(strikes(faults, 20) == Array(repeating: expected, count: 20))
        }
    }

    @Test func theFirstOfTwoIsTheOne() {
        let faults = Faults()
        faults.set(fault(.cut) { $0.times = 1 })
        faults.set(fault(.unavailable) { $0.status = 500 })
        #expect(faults.fault(at: call) == .cut)
        #expect(faults.fault(at: call) == .unavailable(status: 500))
        #expect(faults.strikes(after: 0, limit: 10).map(\.kind) == [.cut, .unavailable])
        #expect(faults.strikes(after: 1, limit: 10).map(\.number) == [2])
    }

    @Test func callsAreRememberedUpToABound() {
        let faults = Faults()
        for _ in 0..<(Faults.recordsMax * 2 + 5) { _ = faults.fault(at: call) }
        let oldest = faults.calls(after: 0, limit: 1).first?.number ?? 0
        #expect(oldest > 1)
        #expect(
            faults.calls(after: Faults.recordsMax * 2 + 3, limit: 10).map(\.number).last == Faults.recordsMax * 2 + 5)
        #expect(faults.calls(after: 1 << 52, limit: 10).isEmpty)
        faults.clear()
        #expect(faults.calls(after: 0, limit: 1).isEmpty)
        _ = faults.fault(at: call)
        #expect(faults.calls(after: 0, limit: 1).first?.number == Faults.recordsMax * 2 + 6)
    }

    @Test func thereIsABoundOfFaults() {
        let faults = Faults()
        for _ in 0..<Faults.faultsMax { #expect(faults.set(fault()) != nil) }
        #expect(faults.set(fault()) == nil)
    }

    @Test(
        arguments: [
            ("/a/b", "/a/b", true), ("/a/b", "/a/b/", false), ("/a/*", "/a/b", true), ("/a/*", "/a/b/c", false),
            ("/a/*/c", "/a/b/c", true), ("/a/**", "/a/b/c", true), ("/a/**", "/a/", true), ("/a/**", "/a", false),
            ("**/query", "/services/data/v66.0/query", true), ("*", "", true), ("**", "/x", true), ("", "", true),
            ("", "x", false), ("/s/*/sobjects/**/00*", "/s/v1/sobjects/Case/5/001", true),
            ("/data/*ChangeEvent", "/data/CaseChangeEvent", true),
            ("/data/*ChangeEvent", "/data/CaseChangeEvents", false),
        ])
    func patterns(pattern: String, path: String, expected: Bool) {
        #expect(PathPattern(pattern).matches(path) == expected)
    }

    @Test func aHostilePatternTakesNoTime() {
        let pattern = PathPattern(String(repeating: "*a", count: 200) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 2_000)))
    }

    @Test func eachKindStrikesItsPlaceOnly() {
        let points: [FaultPoint] = [
            call, .answer(method: "GET", path: "/services/data"), .call(rpc: "Subscribe"), .callAnswer(rpc: "Publish"),
            .stream(rpc: "Subscribe", topic: "/data/X"),
            .subscription(topic: "/data/X", from: .after(ReplayID(counter: 1))),
            .subscription(topic: "/data/X", from: .latest), .schema(id: "x"), .delivery(topic: "/data/X"),
            .write(object: "Case"), .batch(object: "Case"), .change(object: "Case"),
        ]
        func places(_ fault: Fault) -> [Int] { points.indices.filter { fault.concerns(points[$0]) } }
        func rpc(_ kind: FaultKind, _ rpc: String?, topic: String? = nil, _ moment: Fault.Moment? = nil) -> Fault {
            var fault = Fault(kind)
            fault.rpc = rpc
            fault.topic = topic
            fault.during = moment
            return fault
        }
        for kind in [FaultKind.cut, .stall, .halfOpen, .goAway, .unavailable, .expiredToken] {
            #expect(places(fault(kind)) == [0])
            #expect(places(rpc(kind, "Subscribe")) == [2])
            #expect(places(rpc(kind, "Subscribe", .stream)) == [4])
            #expect(places(rpc(kind, nil, topic: "/data/*")) == [4])
            #expect(places(rpc(kind, nil, topic: "/event/*")) == [])
        }
        #expect(places(fault(.lostAnswer)) == [1])
        #expect(places(rpc(.lostAnswer, "Publish")) == [3])
        for kind in [FaultKind.replayExpired, .replayCorrupted] { #expect(places(Fault(kind)) == [5]) }
        #expect(places(Fault(.schema)) == [7])
        for kind in [FaultKind.duplicate, .delay] { #expect(places(Fault(kind)) == [8]) }
        #expect(places(Fault(.rowLock)) == [9])
        #expect(places(Fault(.bulk)) == [10])
        for kind in [FaultKind.gap, .overflow] { #expect(places(Fault(kind)) == [11]) }
    }
}
