import ChangeEvents
import Dispatch
import Store
import Synchronization
import TestSupport
import Testing
@testable import Twin

@Suite struct ObserverTests {
    /// The race of `docs/twin.md`: observers come while others commit; each sees everything after its head, once, in order.
    @Test(.timeLimit(.minutes(5)))
    func observersSeeEveryEventOnceInOrderWhoeverCommits() async throws {
        let bench = try await TwinBench()
        let twin = bench.twin
        let commits = 60
        let observed = try await withThrowingTaskGroup(of: [(Position, Recorder)].self) { group in
            for writer in 0..<6 {
                group.addTask {
                    for number in 0..<commits {
                        let event = writer * 10_000 + number
                        if writer == 0 {
                            try await bench.ingest(
                                try bench.cases.event(
                                    .create, ids: [RecordID.test("500", event).string], counter: UInt64(event + 1),
                                    commitTimestamp: 1))
                        } else {
                            try await twin.commit { writer in
                                for part in 0..<1 + number % 3 { _ = try writer.append(.test(event * 10 + part)) }
                            }
                        }
                    }
                    return []
                }
            }
            for _ in 0..<4 {
                group.addTask {
                    var mine: [(Position, Recorder)] = []
                    for _ in 0..<15 {
                        let recorder = Recorder()
                        mine.append((try await twin.observe(recorder), recorder))
                    }
                    return mine
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let head = try await twin.store.read { try $0.head() }.rawValue
        #expect(head == Int64(commits + 5 * commits * 2))
        #expect(observed.count == 60)
        #expect(Set(observed.map(\.0)).count > 5, "observers came at different places")
        for (start, recorder) in observed {
            #expect(recorder.positions == Array(start.rawValue + 1..<head + 1))
        }
    }

    /// Those who wait at once are committed together: whoever throws has written nothing, the others are not disturbed, and
    /// the events come in the order of the answers.
    @Test func commitsThatWaitTogetherStandAlone() async throws {
        struct Deliberate: Error {}
        let bench = try await TwinBench()
        let twin = bench.twin
        let recorder = Recorder()
        _ = try await twin.observe(recorder)
        let count = 5 * Twin.commitsTogetherMax
        let hold = DispatchSemaphore(value: 0)
        let (holding, begun) = AsyncStream.makeStream(of: Void.self)
        let outcomes = try await withThrowingTaskGroup(of: (Int, Result<Position, any Error>).self) { group in
            // Holds the turn until all have come to wait.
            group.addTask {
                let position = try await twin.commit { writer in
                    begun.finish()
                    hold.wait()
                    return try writer.append(.test(1_000_000)).position
                }
                return (-1, .success(position))
            }
            // Whatever happens, it is let go.
            defer { hold.signal() }
            // Another that came first would take it along.
            for await _ in holding {}
            for number in 0..<count {
                group.addTask {
                    do {
                        return (
                            number,
                            .success(
                                try await twin.commit { writer in
                                    let position = try writer.append(.test(number)).position
                                    try writer.setState("own.\(number)", to: [1])
                                    if number % 3 == 0 { throw Deliberate() }
                                    return position
                                })
                        )
                    } catch {
                        return (number, .failure(error))
                    }
                }
            }
            try await poll("all wait") { twin.turns.waitingCount == count }
            hold.signal()
            return try await group.reduce(into: [Int: Result<Position, any Error>]()) { $0[$1.0] = $1.1 }
        }
        let events = try await twin.store.read {
            try $0.events(after: .start, selection: .all, limit: .max, bytesMax: .max)
        }
        #expect(recorder.positions == events.map(\.position.rawValue))
        #expect(events.count == 1 + count - (count + 2) / 3)
        for number in 0..<count {
            let outcome = try #require(outcomes[number])
            let isKept = try await twin.store.read { try $0.state("own.\(number)") != nil }
            #expect(isKept == (number % 3 != 0))
            if number % 3 == 0 {
                #expect(throws: Deliberate.self) { try outcome.get() }
            } else {
                let position = try outcome.get()
                let event = try #require(events.first { $0.position == position })
                #expect(event.content.event.replayID == ReplayID(counter: UInt64(number)))
            }
        }
    }

    /// Whoever commits for others is cancelled: it is nothing to them.
    @Test func aCancelledLeaderCommitsForTheOthers() async throws {
        let bench = try await TwinBench()
        let recorder = Recorder()
        _ = try await bench.twin.observe(recorder)
        let works = (1...3).map { number in Commit { try $0.append(.test(number)).position } }
        let leader = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            await bench.twin.commitTogether(works)
        }
        await leader.value
        #expect(try works.map { try $0.value().rawValue } == [1, 2, 3])
        #expect(recorder.positions == [1, 2, 3])
    }

    @Test func failedCommitIsNotTold() async throws {
        struct Deliberate: Error {}
        let bench = try await TwinBench()
        let recorder = Recorder()
        #expect(try await bench.twin.observe(recorder) == .start)
        await #expect(throws: Deliberate.self) {
            try await bench.twin.commit { writer in
                _ = try writer.append(.test(1))
                throw Deliberate()
            }
        }
        try await bench.twin.commit { _ = try $0.append(.test(2)) }
        #expect(recorder.all == [.event(1)])
        #expect(try await bench.log().map(\.content.event.replayID) == [ReplayID(counter: 2)])
    }

    @Test func gapsAreToldInTheirPlace() async throws {
        let bench = try await TwinBench()
        let recorder = Recorder()
        _ = try await bench.twin.observe(recorder)
        try await bench.twin.commit { _ = try $0.append(.test(1)) }
        try await bench.twin.declareGap(topic: CaseEvents.topic, reason: "expired")
        try await bench.twin.commit { _ = try $0.append(.test(2)) }
        #expect(recorder.all == [.event(1), .gap("expired", 1), .event(2)])
        let gap = try #require(try await bench.gaps().first)
        #expect(
            gap
                == Gap(
                    topic: CaseEvents.topic, position: Position(rawValue: 1), reason: "expired",
                    declaredAt: 1_700_000_500_000))
    }

    /// Nothing that is in the log stays hidden, even when it was written past the twin.
    @Test func eventsWrittenPastTheTwinAreToldBeforeTheNext() async throws {
        let bench = try await TwinBench()
        let recorder = Recorder()
        _ = try await bench.twin.observe(recorder)
        try await bench.twin.store.write { writer in
            for number in 1...3 { _ = try writer.append(.test(number)) }
            try writer.declare(Gap(topic: "t", position: Position(rawValue: 3), reason: "upstream", declaredAt: 1))
        }
        #expect(recorder.all == [])
        try await bench.twin.commit { _ = try $0.append(.test(4)) }
        #expect(recorder.all == [.event(1), .event(2), .event(3), .gap("upstream", 3), .event(4)])
        try await bench.twin.store.write { _ = try $0.append(.test(5)) }
        let late = Recorder()
        #expect(try await bench.twin.observe(late) == Position(rawValue: 5))
        #expect(recorder.positions == [1, 2, 3, 4, 5])
        #expect(late.positions == [])
    }

    /// The gaps were once told behind all events that were missed with them, where a reader in log order passes them over.
    @Test func missedGapsAreToldInTheirPlace() async throws {
        let bench = try await TwinBench()
        let recorder = Recorder()
        _ = try await bench.twin.observe(recorder)
        try await bench.twin.store.write { writer in
            for number in 1...3 { _ = try writer.append(.test(number)) }
            for place in [1, 2] as [Int64] {
                try writer.declare(
                    Gap(topic: "t", position: Position(rawValue: place), reason: "upstream", declaredAt: 1))
            }
        }
        try await bench.twin.commit { _ = try $0.append(.test(4)) }
        #expect(
            recorder.all == [
                .event(1), .gap("upstream", 1), .event(2), .gap("upstream", 2), .event(3), .event(4),
            ])
    }

    @Test func whoStopsObservingHearsNoMore() async throws {
        let bench = try await TwinBench()
        let recorder = Recorder()
        _ = try await bench.twin.observe(recorder)
        _ = try await bench.twin.observe(recorder)
        try await bench.twin.commit { _ = try $0.append(.test(1)) }
        bench.twin.stopObserving(recorder)
        try await bench.twin.commit { _ = try $0.append(.test(2)) }
        #expect(recorder.positions == [1])
    }

    @Test(.timeLimit(.minutes(5)))
    func cancelledCommitsDoNotBlockTheOthers() async throws {
        let bench = try await TwinBench()
        let recorder = Recorder()
        _ = try await bench.twin.observe(recorder)
        let finished = await withTaskGroup(of: Bool.self) { group in
            for number in 1...200 {
                group.addTask {
                    let task = Task { try await bench.twin.commit { _ = try $0.append(.test(number)) } }
                    if number.isMultiple(of: 2) { task.cancel() }
                    do {
                        try await task.value
                        return true
                    } catch {
                        #expect(error is CancellationError)
                        return false
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(finished >= 100)
        #expect(recorder.positions == Array(1..<Int64(finished) + 1))
    }
}
