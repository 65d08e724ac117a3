import ChangeEvents
import Store
import TestSupport
import Testing

@testable import Doors

/// The rules of a subscription, with a clock moved by hand.
@Suite struct SubscribeStateMachineTests {
    typealias Machine = SubscribeStateMachine
    private static let timing = Machine.Timing(keepaliveInterval: .seconds(100), requestTimeout: .seconds(60))
    private let start = ContinuousClock.now
    private let latest = ReplayID(counter: 7)

    private func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }
    private func machine() -> Machine { Machine(timing: Self.timing, now: start) }
    private func request(
        _ count: Int, topic: String = "/t", preset: Machine.Request.Preset = .latest, replayID: [UInt8] = []
    ) -> Machine.Request {
        .init(topic: topic, preset: preset, replayID: replayID, count: count)
    }

    /// A machine that has started at position 5 with this many events outstanding.
    private func delivering(_ count: Int) -> Machine {
        var machine = machine()
        _ = machine.fetchRequested(request(count))
        machine.started(at: Position(rawValue: 5), now: start)
        return machine
    }

    private func read(
        _ machine: inout Machine, sizes: [Int], reached: Int64 = 9, now: ContinuousClock.Instant? = nil
    ) -> [Int] {
        machine.eventsRead(
            sizes: sizes, reached: Position(rawValue: reached), latestReplayID: latest, messageBytesMax: 1000,
            now: now ?? start
        ).flatMap { [$0.count, $0.pending] }
    }

    @Test func firstRequestFixesTopicAndStart() {
        var machine = machine()
        #expect(machine.nextStep(now: start) == .waitForRequest(until: at(60)))
        #expect(machine.fetchRequested(request(10, preset: .custom, replayID: [0, 0, 0, 0, 0, 0, 0, 9])) == true)
        #expect(
            machine.nextStep(now: start)
                == .start(topic: "/t", from: .after(ReplayID(bytes: [0, 0, 0, 0, 0, 0, 0, 9]))))
        machine.started(at: Position(rawValue: 5), now: start)
        #expect(machine.nextStep(now: start) == .read(topic: "/t", after: Position(rawValue: 5), limit: 10))
    }

    @Test func trap8LaterReplayFieldsHaveNoEffect() {
        var machine = delivering(10)
        #expect(machine.fetchRequested(request(5, topic: "", preset: .custom)) == false)
        #expect(machine.fetchRequested(request(5, preset: .earliest)) == false)
        #expect(machine.nextStep(now: start) == .read(topic: "/t", after: Position(rawValue: 5), limit: 20))
    }

    @Test(arguments: [(99, 99), (100, 100), (101, 100), (Int.max, 100)])
    func oneRequestIsCappedAt100(asked: Int, outstanding: Int) {
        #expect(delivering(asked).pending == outstanding)
    }

    @Test func requestsAddUpTo100() {
        var machine = delivering(60)
        _ = machine.fetchRequested(request(30))
        #expect(machine.pending == 90)
        _ = machine.fetchRequested(request(30))
        #expect(machine.pending == 100)
    }

    @Test(arguments: [0, -1, Int.min])
    func nonPositiveCountIsAnError(count: Int) {
        for started in [false, true] {
            var machine = started ? delivering(10) : machine()
            #expect(machine.fetchRequested(request(count)) == true)
            guard case .end(.failed(.fetchCountInvalid, _)) = machine.nextStep(now: start) else {
                Issue.record("not an error")
                return
            }
        }
    }

    @Test func otherTopicIsAnErrorAlsoBeforeTheStart() {
        var started = delivering(10)
        var starting = machine()
        _ = starting.fetchRequested(request(1))
        for var machine in [started, starting] {
            #expect(machine.fetchRequested(request(1, topic: "/other")) == true)
            guard case .end(.failed(.topicChanged, let message)) = machine.nextStep(now: start) else {
                Issue.record("not an error")
                return
            }
            #expect(message.contains("/other"))
        }
        _ = started.nextStep(now: start)
    }

    @Test func customNeedsAReplayID() {
        for preset in [Machine.Request.Preset.custom, .unknown(9)] {
            var machine = machine()
            #expect(machine.fetchRequested(request(1, preset: preset)) == true)
            guard case .end(.failed(.replayIDMissing, _)) = machine.nextStep(now: start) else {
                Issue.record("not an error")
                return
            }
        }
    }

    @Test func blankTopicIsAnError() {
        var machine = machine()
        #expect(machine.fetchRequested(request(1, topic: "")) == true)
        guard case .end(.failed(.topicNotFound, _)) = machine.nextStep(now: start) else {
            Issue.record("not an error")
            return
        }
    }

    @Test func eventsAreCountedDown() {
        var machine = delivering(25)
        #expect(read(&machine, sizes: [10, 10]) == [2, 23])
        #expect(machine.nextStep(now: start) == .read(topic: "/t", after: Position(rawValue: 9), limit: 23))
        #expect(read(&machine, sizes: [], reached: 12) == [])
        #expect(machine.nextStep(now: start) == .waitForEvents(after: Position(rawValue: 12), until: at(100)))
        machine.waited(now: at(1))
        #expect(machine.nextStep(now: at(1)) == .read(topic: "/t", after: Position(rawValue: 12), limit: 23))
    }

    @Test func messagesStayBelowTheirSize() {
        var machine = delivering(10)
        #expect(read(&machine, sizes: [400, 600, 1, 2000, 999, 1, 1]) == [2, 8, 1, 7, 1, 6, 2, 4, 1, 3])
    }

    @Test func keepaliveComesWhenNothingFlows() {
        var machine = delivering(10)
        _ = read(&machine, sizes: [])
        #expect(machine.nextStep(now: at(99)) == .waitForEvents(after: Position(rawValue: 9), until: at(100)))
        machine.waited(now: at(100))
        #expect(machine.nextStep(now: at(100)) == .sendKeepalive(latestReplayID: latest, pending: 10))
        #expect(machine.nextStep(now: at(100)) == .waitForEvents(after: Position(rawValue: 9), until: at(200)))
        // An event puts the next one off.
        machine.waited(now: at(150))
        _ = machine.nextStep(now: at(150))
        #expect(read(&machine, sizes: [1], reached: 10, now: at(150)) == [1, 9])
        _ = read(&machine, sizes: [], reached: 10, now: at(150))
        #expect(machine.nextStep(now: at(200)) == .waitForEvents(after: Position(rawValue: 10), until: at(250)))
    }

    @Test func trap8ClientHas60SecondsToAskAgain() {
        var machine = delivering(2)
        #expect(read(&machine, sizes: [1, 1], now: at(10)) == [2, 0])
        #expect(
            machine.nextStep(now: at(69)) == .waitForRequest(until: at(70)), "no keepalives while nothing is asked for")
        var late = machine
        #expect(late.nextStep(now: at(70)) == .end(.completed))
        #expect(late.fetchRequested(request(1)) == false, "too late")
        #expect(late.nextStep(now: at(71)) == .end(.completed))

        #expect(machine.fetchRequested(request(3)) == true)
        #expect(machine.nextStep(now: at(70)) == .read(topic: "/t", after: Position(rawValue: 9), limit: 3))
    }

    @Test func clientThatNeverAsksIsEnded() {
        var machine = machine()
        #expect(machine.nextStep(now: at(60)) == .end(.completed))
    }

    @Test func closedInputStillGetsWhatIsThere() {
        var machine = delivering(10)
        _ = read(&machine, sizes: [])
        #expect(machine.inputClosed() == true)
        #expect(machine.nextStep(now: start) == .read(topic: "/t", after: Position(rawValue: 9), limit: 10))
        #expect(read(&machine, sizes: [1]) == [1, 9])
        #expect(machine.nextStep(now: start) == .read(topic: "/t", after: Position(rawValue: 9), limit: 9))
        #expect(read(&machine, sizes: []) == [])
        #expect(machine.nextStep(now: start) == .end(.completed))
    }

    @Test func closedInputEndsWhenEverythingIsDelivered() {
        var machine = delivering(1)
        _ = machine.inputClosed()
        #expect(read(&machine, sizes: [1]) == [1, 0])
        #expect(machine.nextStep(now: start) == .end(.completed))
        var unused = self.machine()
        _ = unused.inputClosed()
        #expect(unused.nextStep(now: start) == .end(.completed))
    }

    @Test func firstFailureCounts() {
        var machine = delivering(1)
        #expect(machine.fail(.unavailable, "one") == true)
        #expect(machine.fail(.internalError, "two") == true)
        #expect(machine.nextStep(now: start) == .end(.failed(.unavailable, message: "one")))
        machine.started(at: .start, now: start)
        #expect(read(&machine, sizes: [1]) == [])
        #expect(machine.nextStep(now: start) == .end(.failed(.unavailable, message: "one")))
    }

    /// Whatever comes in whatever order: never more events than asked for, and every waiting caller has a deadline.
    @Test func randomSequencesKeepTheRules() {
        let seed = freshSeed()
        var generator = SplitMix(state: seed)
        for _ in 0..<500 {
            var machine = machine()
            var now = start
            var asked = 0
            var sent = 0
            var readCount = 0
            for _ in 0..<60 {
                now += .seconds(Int.random(in: 0...20, using: &generator))
                if Int.random(in: 0..<3, using: &generator) == 0 {
                    let count = Int.random(in: 1...150, using: &generator)
                    asked += count
                    _ = machine.fetchRequested(request(count))
                }
                if Int.random(in: 0..<40, using: &generator) == 0 { _ = machine.inputClosed() }
                switch machine.nextStep(now: now) {
                case .start: machine.started(at: Position(rawValue: 5), now: now)
                case .read(_, _, let limit):
                    #expect(limit >= 1 && limit <= 100, "seed \(seed)")
                    // Now and then a split event brings more than was asked for.
                    let extra = Int.random(in: 0..<5, using: &generator) == 0 ? 30 : 0
                    let sizes = (0..<Int.random(in: 0...limit + extra, using: &generator)).map { _ in
                        Int.random(in: 1...600, using: &generator)
                    }
                    let messages = machine.eventsRead(
                        sizes: sizes, reached: Position(rawValue: 9), latestReplayID: latest, messageBytesMax: 1000,
                        now: now)
                    sent += messages.reduce(0) { $0 + $1.count }
                    readCount += sizes.count
                    #expect(sent == readCount || machine.pending == 0, "seed \(seed)")
                case .sendQueued:
                    let messages = machine.takeQueued(messageBytesMax: 1000, now: now)
                    #expect(!messages.isEmpty, "seed \(seed)")
                    sent += messages.reduce(0) { $0 + $1.count }
                case .sendKeepalive(_, let pending): #expect(pending > 0, "seed \(seed)")
                case .waitForEvents(_, let deadline), .waitForRequest(let deadline):
                    #expect(deadline > now, "seed \(seed)")
                    machine.waited(now: now)
                case .end(let ending): #expect(ending == .completed, "seed \(seed)")
                }
                #expect(machine.pending >= 0 && machine.pending <= 100, "seed \(seed)")
                #expect(sent <= asked, "seed \(seed)")
            }
        }
    }

    /// An event that is split per record brings more than was asked for: the rest waits for the next request.
    @Test func whatWasNotAskedForWaits() {
        var machine = delivering(3)
        #expect(read(&machine, sizes: [10, 10, 10, 10, 10]) == [3, 0])
        #expect(machine.nextStep(now: start) == .waitForRequest(until: at(60)))
        #expect(machine.fetchRequested(request(1)) == true)
        #expect(machine.nextStep(now: start) == .sendQueued)
        #expect(machine.takeQueued(messageBytesMax: 1000, now: start).flatMap { [$0.count, $0.pending] } == [1, 0])
        #expect(machine.fetchRequested(request(5)) == true)
        #expect(machine.takeQueued(messageBytesMax: 1000, now: start).flatMap { [$0.count, $0.pending] } == [1, 4])
        #expect(machine.nextStep(now: start) == .read(topic: "/t", after: Position(rawValue: 9), limit: 4))
    }
}
