import ChangeEvents
import Store
import TestSupport
import Testing
@testable import Twin

@Suite struct RetentionTests {
    @Test(.timeLimit(.minutes(5)))
    func runDropsOldEventsUntilCancelled() async throws {
        let bench = try await TwinBench { configuration in
            configuration.retention = .seconds(10)
            configuration.retentionInterval = .milliseconds(2)
            configuration.now = { 1_000_000 }
        }
        try await bench.twin.commit { writer in
            for number in 1...5_000 {
                _ = try writer.append(.test(number, receivedAt: 990_000 + (number > 4_500 ? 0 : -1)))
            }
        }
        let running = Task { try await bench.twin.run() }
        try await poll("the old events to go") {
            try await bench.twin.store.read { try $0.oldest() } == Position(rawValue: 4_501)
        }
        running.cancel()
        try await running.value
        #expect(try await bench.log().count == 500)
    }

    @Test func bytesAreBoundToo() async throws {
        let bench = try await TwinBench {
            $0.logBytesMax = 100_000
            $0.now = { 0 }
        }
        try await bench.twin.commit { writer in
            for number in 1...300 { _ = try writer.append(.test(number, payloadBytes: 1_000)) }
        }
        let dropped = try await bench.twin.trim()
        let kept = try await bench.log().count
        #expect(dropped + kept == 300)
        #expect((60..<100).contains(kept))
    }

    @Test func runEndsWithAnErrorWhenTheStoreIsClosed() async throws {
        let bench = try await TwinBench()
        try await bench.twin.store.close()
        await #expect { try await bench.twin.run() } throws: { ($0 as? StoreError)?.code == .closed }
    }
}
