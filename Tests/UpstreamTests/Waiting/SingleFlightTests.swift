import TestSupport
import Testing
import Waiting

@testable import Upstream

struct SingleFlightTests {
    private struct Failed: Error {}

    @Test func callersAtTheSameTimeShareOneAttempt() async throws {
        let flight = SingleFlight<Int, Int>()
        let attempts = Counter()
        let gate = Signal()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await flight.value(for: 1) {
                        attempts.add()
                        await gate.wait()
                        return 42
                    }
                }
            }
            try await poll("all have joined") { flight.waiting(for: 1) == 49 }
            gate.raise()
            for try await value in group { #expect(value == 42) }
        }
        #expect(attempts.value == 1)
        _ = try await flight.value(for: 1) {
            attempts.add()
            return 0
        }
        #expect(attempts.value == 2)
    }

    @Test func aFailureGoesToAll() async throws {
        let flight = SingleFlight<Int, Int>()
        let gate = Signal()
        let failures = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    do {
                        _ = try await flight.value(for: 1) {
                            await gate.wait()
                            throw Failed()
                        }
                    } catch is Failed { failures.add() }
                }
            }
            try await poll("all have joined") { flight.waiting(for: 1) == 9 }
            gate.raise()
            try await group.waitForAll()
        }
        #expect(failures.value == 10)
    }

    @Test func anAttemptOutlivesTheCancellationOfItsFirstCaller() async throws {
        let flight = SingleFlight<Int, Int>()
        let attempts = Counter()
        let first = Task {
            try await flight.value(for: 1) {
                attempts.add()
                try await Task.sleep(for: .seconds(3600))
                return 1
            }
        }
        try await poll("the first performs it") { attempts.value == 1 }
        let second = Task {
            try await flight.value(for: 1) {
                attempts.add()
                return 2
            }
        }
        try await poll("the second waits") { flight.waiting(for: 1) == 1 }
        first.cancel()
        #expect(try await second.value == 2)
        await #expect(throws: CancellationError.self) { try await first.value }
    }

    @Test func aWaitingCallerCanBeCancelledAlone() async throws {
        let flight = SingleFlight<Int, Int>()
        let gate = Signal()
        let first = Task {
            try await flight.value(for: 1) {
                await gate.wait()
                return 1
            }
        }
        try await poll("under way") { flight.waiting(for: 1) == 0 }
        let second = Task { try await flight.value(for: 1) { 2 } }
        try await poll("the second waits") { flight.waiting(for: 1) == 1 }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        gate.raise()
        #expect(try await first.value == 1)
    }
}
