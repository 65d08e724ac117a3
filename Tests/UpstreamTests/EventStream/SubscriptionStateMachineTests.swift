import ChangeEvents
import GRPCCore
import TestSupport
import Testing

@testable import Upstream

/// The state machine with a hand-moved clock.
struct SubscriptionStateMachineTests {
    static let topic = Upstream.Topic("/data/CaseChangeEvent")
    static let timing = Upstream.Timing()

    private func open(
        _ machine: inout SubscriptionStateMachine, cursor: ReplayID? = ReplayID(counter: 7), room: Int = 200,
        at now: Duration = .zero
    ) -> Int? {
        guard machine.next(now: now) == .prepare else { return nil }
        return machine.opened(from: machine.start(cursor: cursor), room: room, now: now)
    }

    private func machine(_ endurance: SubscriptionStateMachine.Endurance = .waitsForEver) -> SubscriptionStateMachine {
        SubscriptionStateMachine(topic: Self.topic, timing: Self.timing, endurance: endurance)
    }

    private func outstanding(_ machine: SubscriptionStateMachine) -> Int? {
        guard case .open(let stream) = machine.state else { return nil }
        return stream.outstanding
    }

    private func failure(_ code: String, _ status: RPCError.Code = .unavailable) -> SubscriptionStateMachine.End {
        .failed(CallFailure(status: status, errorCode: "sfdc.platform.eventbus.grpc." + code))
    }

    // Where to start

    @Test func aStoredCursorDecidesTheStart() {
        let earliest = machine()
        #expect(earliest.start(cursor: nil) == .earliest)
        #expect(earliest.start(cursor: ReplayID(counter: 5)) == .after(ReplayID(counter: 5)))
        let latest = SubscriptionStateMachine(topic: Upstream.Topic("/event/A__e", start: .latest), timing: Self.timing)
        #expect(latest.start(cursor: nil) == .latest)
        #expect(latest.start(cursor: ReplayID(counter: 5)) == .after(ReplayID(counter: 5)))
    }

    // Credit

    @Test(arguments: [(1, 1), (99, 99), (100, 100), (101, 100), (5000, 100)])
    func firstRequestAsksForWhatThereIsRoomFor(room: Int, expected: Int) {
        var machine = machine()
        #expect(open(&machine, room: room) == expected)
    }

    @Test func creditIsToppedUpAtHalfAndNotBefore() {
        var machine = machine()
        #expect(open(&machine) == 100)
        #expect(machine.received(count: 49, pending: 51, now: .zero) == .store)
        machine.stored(now: .zero)
        #expect(!machine.needsCredit)
        #expect(machine.roomAvailable(1000, now: .zero) == nil)
        #expect(machine.received(count: 1, pending: 50, now: .zero) == .store)
        #expect(machine.needsCredit)
        #expect(machine.roomAvailable(1000, now: .zero) == 50)
        #expect(outstanding(machine) == 100)
    }

    /// Room counts what is on its way and what is being stored.
    @Test(arguments: [(51, nil), (100, nil), (101, 1), (149, 49), (150, 50), (200, 50)] as [(Int, Int?)])
    func creditStaysWithinTheRoom(room: Int, expected: Int?) {
        var machine = machine()
        _ = open(&machine)
        _ = machine.received(count: 50, pending: 50, now: .zero)
        // 50 outstanding, 50 unstored.
        #expect(machine.roomAvailable(room, now: .zero) == expected)
    }

    @Test func neverMoreThanAHundredAreOutstanding() {
        var random = SeededRandom()
        let seed = random.seed
        var machine = machine()
        var asked = open(&machine, room: 70) ?? 0
        var received = 0
        for _ in 0..<10_000 {
            switch random.next() % 4 {
            case 0:
                asked += machine.roomAvailable(Int(random.next() % 300), now: .zero) ?? 0
            default:
                let count = Int(random.next() % 20)
                let delivered = min(count, asked - received)
                received += delivered
                // The service's count may lag behind requests on their way, never lead.
                guard delivered > 0 else { continue }
                _ = machine.received(count: delivered, pending: asked - received, now: .zero)
                if random.next() % 2 == 0 { machine.stored(now: .zero) }
            }
            #expect(asked - received <= 100, "seed \(seed)")
            #expect(outstanding(machine) == asked - received, "seed \(seed)")
        }
    }

    @Test func aKeepalivesCountCorrectsOursUnlessARequestIsOnItsWay() {
        var machine = machine()
        _ = open(&machine)
        _ = machine.received(count: 10, pending: 90, now: .zero)
        machine.stored(now: .zero)
        _ = machine.received(count: 0, pending: 40, now: .zero)
        machine.stored(now: .zero)
        #expect(outstanding(machine) == 40)
        #expect(machine.roomAvailable(1000, now: .zero) == 60)
        // This keepalive was sent before the service saw the request for 60.
        _ = machine.received(count: 0, pending: 40, now: .zero)
        #expect(outstanding(machine) == 100)
    }

    @Test func aServiceThatSendsMoreThanWasAskedDoesNotConfuseTheCount() {
        var machine = machine()
        _ = open(&machine, room: 10)
        #expect(machine.received(count: 30, pending: 0, now: .zero) == .store)
        #expect(outstanding(machine) == 0)
    }

    @Test func withoutRoomNoStreamIsOpened() {
        var machine = machine()
        #expect(machine.next(now: .zero) == .prepare)
        #expect(machine.opened(from: .earliest, room: 0, now: .zero) == nil)
    }

    // The watch

    @Test func silenceBeyondTheBoundIsDeath() {
        var machine = machine()
        _ = open(&machine, at: .seconds(10))
        #expect(machine.deadline(now: .seconds(10)) == .seconds(310))
        #expect(!machine.deadlineReached(now: .milliseconds(309_999)))
        #expect(machine.deadlineReached(now: .seconds(310)))
        // A keepalive moves the deadline.
        _ = machine.received(count: 0, pending: 100, now: .seconds(250))
        machine.stored(now: .seconds(251))
        #expect(!machine.deadlineReached(now: .seconds(310)))
        #expect(machine.deadline(now: .seconds(310)) == .seconds(551))
        #expect(machine.deadlineReached(now: .seconds(551)))
    }

    @Test func theTimeSpentStoringIsNotSilence() {
        var machine = machine()
        _ = open(&machine)
        _ = machine.received(count: 1, pending: 99, now: .seconds(1))
        #expect(!machine.deadlineReached(now: .seconds(4000)))
        machine.stored(now: .seconds(4000))
        #expect(!machine.deadlineReached(now: .seconds(4299)))
        #expect(machine.deadlineReached(now: .seconds(4300)))
    }

    /// The service sends keepalives only while events are outstanding.
    @Test func withNothingOutstandingSilenceIsInOrder() {
        var machine = machine()
        _ = open(&machine, room: 1)
        _ = machine.received(count: 1, pending: 0, now: .seconds(1))
        machine.stored(now: .seconds(1))
        #expect(!machine.deadlineReached(now: .seconds(4000)))
        #expect(machine.roomAvailable(5, now: .seconds(4000)) == 5)
        #expect(!machine.deadlineReached(now: .seconds(4299)))
        #expect(machine.deadlineReached(now: .seconds(4300)))
    }

    @Test func aSilentStreamIsReopenedFromTheStoredCursor() {
        var machine = machine()
        _ = open(&machine)
        #expect(machine.ended(.silent, now: .seconds(300), jitter: 0.5) == .goOn)
        #expect(machine.problem?.code == .streamSilent)
        #expect(machine.next(now: .seconds(300)) == .wait(.milliseconds(500)))
        #expect(machine.next(now: .milliseconds(300_500)) == .prepare)
        #expect(machine.start(cursor: ReplayID(counter: 8)) == .after(ReplayID(counter: 8)))
    }

    // Ends

    @Test func theServicesEndForWantOfRequestsIsNotAFailure() {
        for end in [SubscriptionStateMachine.End.finished, .failed(CallFailure(status: .deadlineExceeded))] {
            var machine = machine()
            _ = open(&machine, room: 3)
            _ = machine.received(count: 3, pending: 0, now: .zero)
            machine.stored(now: .zero)
            #expect(machine.ended(end, now: .seconds(60), jitter: 0.9) == .goOn)
            #expect(machine.problem == nil)
            #expect(machine.next(now: .seconds(60)) == .prepare)
        }
    }

    /// Without this a service that ends every stream at once would be called as fast as it answers.
    @Test func anEndBeforeAnyMessageWaits() {
        var machine = machine()
        _ = open(&machine)
        #expect(machine.ended(.finished, now: .zero, jitter: 0.5) == .goOn)
        #expect(machine.next(now: .zero) == .wait(.milliseconds(500)))
    }

    @Test func pausesGrowToTheBoundAndAMessageResetsThem() {
        var machine = machine()
        var now: Duration = .zero
        var pauses: [Duration] = []
        for _ in 0..<9 {
            _ = open(&machine, at: now)
            #expect(machine.ended(failure("service.unavailable"), now: now, jitter: 0.999_999) == .goOn)
            guard case .wait(let pause) = machine.next(now: now) else { return }
            pauses.append(pause)
            now += pause
        }
        let seconds = pauses.map { Int(($0 / .seconds(1)).rounded()) }
        #expect(seconds == [1, 2, 4, 8, 16, 32, 60, 60, 60])
        _ = open(&machine, at: now)
        _ = machine.received(count: 0, pending: 100, now: now)
        machine.stored(now: now)
        #expect(machine.problem == nil)
        _ = machine.ended(failure("service.unavailable"), now: now, jitter: 0.5)
        #expect(machine.next(now: now) == .wait(.milliseconds(500)))
    }

    /// A message that was received but could not be stored is no success.
    @Test func aFailingSinkDoesNotResetThePauses() {
        struct Broken: Error {}
        var machine = machine()
        for expected in [Duration.seconds(1), .seconds(2), .seconds(4)] {
            _ = open(&machine, at: .seconds(1000))
            _ = machine.received(count: 1, pending: 99, now: .seconds(1000))
            #expect(machine.ended(.sinkFailed(Broken()), now: .seconds(1000) - expected, jitter: 1) == .goOn)
            #expect(machine.problem?.code == .sinkFailed)
            guard case .waiting(let until, _) = machine.state else { return #expect(Bool(false)) }
            #expect(until == .seconds(1000))
        }
    }

    @Test func aRefusedTokenIsRenewedAtOnceAndThenWithLongPauses() {
        var machine = machine()
        _ = open(&machine)
        #expect(machine.ended(failure("service.auth.error", .unauthenticated), now: .zero, jitter: 0) == .renewToken)
        #expect(open(&machine) == 100)
        #expect(machine.ended(failure("service.auth.error", .unauthenticated), now: .zero, jitter: 0) == .renewToken)
        #expect(machine.next(now: .zero) == .wait(.seconds(30)))
        #expect(open(&machine, at: .seconds(30)) == 100)
        #expect(
            machine.ended(failure("service.auth.error", .unauthenticated), now: .seconds(30), jitter: 0) == .renewToken)
        #expect(machine.next(now: .seconds(30)) == .wait(.seconds(60)))
        // Accepted again: the next refusal is the first.
        _ = open(&machine, at: .seconds(90))
        _ = machine.received(count: 0, pending: 100, now: .seconds(90))
        machine.stored(now: .seconds(90))
        #expect(
            machine.ended(failure("service.auth.error", .unauthenticated), now: .seconds(90), jitter: 0) == .renewToken)
        #expect(machine.next(now: .seconds(90)) == .prepare)
    }

    @Test(arguments: ["subscription.fetch.replayid.corrupted", "subscription.fetch.replayid.validation.failed"])
    func aRefusedReplayIDDeclaresAGapAndStartsAtEarliest(code: String) {
        var machine = SubscriptionStateMachine(
            topic: Upstream.Topic("/event/A__e", start: .latest), timing: Self.timing)
        _ = open(&machine)
        guard case .declareGap(let reason) = machine.ended(failure(code, .invalidArgument), now: .zero, jitter: 0.5)
        else {
            return #expect(Bool(false), "no gap")
        }
        #expect(reason.contains(code))
        #expect(machine.problem?.code == .replayIDRejected)
        machine.gapDeclared()
        #expect(machine.counts.gaps == 1)
        // The stored cursor is still the refused one, and the topic's own start would be LATEST.
        #expect(machine.start(cursor: ReplayID(counter: 7)) == .earliest)
        // Broken before a message is stored: still EARLIEST, without a second gap.
        _ = open(&machine)
        #expect(machine.ended(failure("service.unavailable"), now: .zero, jitter: 0) == .goOn)
        #expect(machine.start(cursor: ReplayID(counter: 7)) == .earliest)
        _ = open(&machine)
        _ = machine.received(count: 1, pending: 99, now: .zero)
        machine.stored(now: .zero)
        #expect(machine.start(cursor: ReplayID(counter: 9)) == .after(ReplayID(counter: 9)))
    }

    @Test func aGapThatTheSinkCannotTakeIsDeclaredAgain() {
        struct Broken: Error {}
        var machine = machine()
        _ = open(&machine)
        _ = machine.ended(failure("fetch.replayid.corrupted", .invalidArgument), now: .zero, jitter: 0)
        #expect(machine.ended(.sinkFailed(Broken()), now: .zero, jitter: 0) == .goOn)
        #expect(machine.counts.gaps == 0)
        #expect(machine.start(cursor: ReplayID(counter: 7)) == .after(ReplayID(counter: 7)))
    }

    /// A start without an id cannot have a wrong one: no gap after gap.
    @Test func withoutAnIDInTheRequestNoGapIsDeclared() {
        var machine = machine()
        _ = open(&machine, cursor: nil)
        #expect(machine.ended(failure("fetch.replayid.corrupted", .invalidArgument), now: .zero, jitter: 0) == .goOn)
        #expect(machine.next(now: .zero) == .wait(Self.timing.refusedRetry))
    }

    @Test(arguments: [
        ("concurrent.client.limit.exceeded", RPCError.Code.resourceExhausted, 30.0, UpstreamError.Code.limitExceeded),
        ("subscription.limit.exceeded", .resourceExhausted, 30, .limitExceeded),
        ("managed.subscription.already.active", .alreadyExists, 900, .slotTaken),
        ("whatever.topic", .notFound, 600, .topicRefused),
        ("whatever.topic", .permissionDenied, 600, .topicRefused),
    ])
    func whatLastsIsWaitedOut(code: String, status: RPCError.Code, atLeast: Double, shown: UpstreamError.Code) {
        for jitter in [0, 0.999] {
            var machine = machine()
            _ = open(&machine)
            #expect(machine.ended(failure(code, status), now: .zero, jitter: jitter) == .goOn)
            #expect(machine.problem?.code == shown)
            guard case .wait(let pause) = machine.next(now: .zero) else { return #expect(Bool(false)) }
            #expect(pause >= .seconds(atLeast - 0.001))
            #expect(pause <= .seconds(atLeast * 2.2))
        }
    }

    @Test func ourOwnMistakeStopsTheTopic() {
        var machine = machine()
        _ = open(&machine)
        #expect(
            machine.ended(
                failure("subscription.fetch.requested.events.invalid", .invalidArgument), now: .zero, jitter: 0)
                == .stop)
        #expect(machine.problem?.code == .requestInvalid)
        #expect(machine.next(now: .seconds(9999)) == .stop)
    }

    @Test func aRefusedLoginIsRetriedSlowlyAndAFailedOneSoon() {
        var machine = machine()
        #expect(machine.next(now: .zero) == .prepare)
        #expect(machine.ended(.loginFailed(UpstreamError(.loginRefused, "no")), now: .zero, jitter: 0) == .goOn)
        #expect(machine.next(now: .zero) == .wait(Self.timing.refusedRetry))
        #expect(machine.next(now: Self.timing.refusedRetry) == .prepare)
        #expect(
            machine.ended(.loginFailed(UpstreamError(.loginFailed, "net")), now: .seconds(600), jitter: 0.5) == .goOn)
        #expect(machine.next(now: .seconds(600)) == .wait(.seconds(1)))
    }

    @Test func aToolIsToldInsteadOfWaiting() {
        struct Broken: Error {}
        let ends: [(SubscriptionStateMachine.End, UpstreamError.Code)] = [
            (failure("x", .notFound), .topicRefused),
            (failure("fetch.replayid.corrupted", .invalidArgument), .replayIDRejected),
            (.sinkFailed(Broken()), .sinkFailed),
        ]
        for (end, code) in ends {
            var machine = machine(.failsFast)
            _ = open(&machine)
            #expect(machine.ended(end, now: .zero, jitter: 0) == .stop)
            #expect(machine.problem?.code == code)
        }
        var machine = machine(.failsFast)
        _ = open(&machine)
        #expect(machine.ended(failure("service.unavailable"), now: .zero, jitter: 0) == .goOn)
    }

    // The end

    @Test func shutDownLetsTheMessageInHandFinish() {
        var machine = machine()
        _ = open(&machine)
        _ = machine.received(count: 5, pending: 95, now: .zero)
        machine.shutDown()
        #expect(machine.isStoring)
        machine.stored(now: .zero)
        #expect(!machine.isStoring)
        #expect(machine.received(count: 5, pending: 90, now: .zero) == .leave)
        #expect(machine.roomAvailable(100, now: .zero) == nil)
        #expect(machine.next(now: .zero) == .stop)
        #expect(machine.counts.events == 5)
    }

    @Test func shutDownBetweenMessagesTakesNoFurtherOne() {
        var machine = machine()
        _ = open(&machine)
        machine.shutDown()
        #expect(machine.received(count: 5, pending: 95, now: .zero) == .leave)
        #expect(machine.ended(.finished, now: .zero, jitter: 0) == .stop)
        var early = self.machine()
        #expect(early.next(now: .zero) == .prepare)
        early.shutDown()
        #expect(early.opened(from: .earliest, room: 10, now: .zero) == nil)
    }
}
