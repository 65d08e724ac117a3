import ChangeEvents
import Store
import Testing

@testable import Doors

/// The rules of managed subscriptions and publish streams, with a clock moved by hand.
@Suite struct ManagedStateMachineTests {
    private let start = ContinuousClock.now
    private let name = ManagedName(id: "", developerName: "Mirror")

    private func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    private func machine() -> ManagedStateMachine {
        ManagedStateMachine(
            timing: .init(keepaliveInterval: .seconds(100), requestTimeout: .seconds(60)), now: start)
    }

    private func opened(_ count: Int) -> ManagedStateMachine {
        var machine = machine()
        #expect(machine.requested(.init(name: name, count: count), now: start) == true)
        #expect(machine.nextStep(now: start) == .open(name))
        machine.flow.started(at: Position(rawValue: 5), now: start)
        return machine
    }

    private func commit(_ id: String) -> ManagedStateMachine.Request {
        .init(name: ManagedName(id: "", developerName: ""), count: 0, commit: .init(requestID: id, replayID: [1]))
    }

    @Test func namesCountInTheFirstRequestOnly() {
        var machine = opened(5)
        _ = machine.requested(.init(name: ManagedName(id: "", developerName: "Other"), count: 2), now: start)
        #expect(machine.nextStep(now: start) == .flow(.read(topic: "managed", after: Position(rawValue: 5), limit: 7)))
    }

    @Test func ofSeveralQuickCommitsTheLatestIsAnswered() {
        var machine = opened(5)
        #expect(machine.requested(commit("1"), now: start) == true)
        #expect(machine.requested(commit("2"), now: start) == true)
        #expect(machine.nextStep(now: start) == .commit(.init(requestID: "2", replayID: [1])))
        #expect(machine.nextStep(now: start) == .flow(.read(topic: "managed", after: Position(rawValue: 5), limit: 5)))
    }

    @Test func aCommitAndAFetchCanComeTogether() {
        var machine = opened(5)
        var both = commit("1")
        both.count = 3
        _ = machine.requested(both, now: start)
        #expect(machine.flow.pending == 8)
        #expect(machine.nextStep(now: start) == .commit(.init(requestID: "1", replayID: [1])))
    }

    @Test func halfAnHourWithoutCommitIsTooLong() {
        var machine = opened(5)
        let timeout = ManagedStateMachine.Step.flow(
            .end(.failed(.commitMissing, message: ManagedStateMachine.commitMissingMessage)))
        _ = machine.flow.eventsRead(
            sizes: [], reached: Position(rawValue: 5), latestReplayID: ReplayID(counter: 7), messageBytesMax: 1000,
            now: at(1_750))
        #expect(machine.nextStep(now: at(1_799)) != timeout)
        machine.committed(now: at(1_799))
        #expect(machine.nextStep(now: at(1_801)) != timeout)
        #expect(machine.nextStep(now: at(1_799 + 1_800)) == timeout)
    }

    @Test func aPublishStreamIsForOneTopicAndSeventySeconds() {
        var machine = PublishStreamStateMachine(now: start)
        #expect(machine.deadline == at(70))
        #expect(machine.requestReceived(topic: "/event/A__e", events: 1, now: at(10)) == .publish(topic: "/event/A__e"))
        #expect(machine.deadline == at(80))
        #expect(machine.requestReceived(topic: "", events: 2, now: at(20)) == .publish(topic: "/event/A__e"))
        #expect(machine.deadline == at(90))
        guard case .fail(.topicChanged, _) = machine.requestReceived(topic: "/event/B__e", events: 1, now: at(30))
        else {
            Issue.record("another topic was taken")
            return
        }
        var blank = PublishStreamStateMachine(now: start)
        guard case .fail(.topicNotFound, _) = blank.requestReceived(topic: "", events: 1, now: start),
            case .fail(.requestInvalid, _) = blank.requestReceived(topic: "/event/A__e", events: 0, now: start)
        else {
            Issue.record("a stream without topic or events was taken")
            return
        }
    }
}
