import Doors
import Foundation
import Store
import Synchronization
import Twin

/// What waits to be worked on: jobs by their ids, taken in turn, so that a long one does not keep others waiting.
///
/// Thread-safe. Who adds work wakes the one task that does it.
final class BulkWork: Sendable {
    let files: BulkFiles
    private let waiting = Mutex<[String]>([])
    private let wakeups: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation

    init(files: BulkFiles) {
        self.files = files
        // Holds one wakeup at most: several say no more than one.
        (wakeups, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    func add(_ jobID: String) {
        waiting.withLock { waiting in
            if !waiting.contains(jobID) { waiting.append(jobID) }
        }
        waker.yield()
    }

    func next() -> String? {
        waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }

    /// Comes back when work was added since, or when the task is cancelled. One task at a time.
    func wait() async {
        var iterator = wakeups.makeAsyncIterator()
        _ = await iterator.next()
    }
}

extension Sandbox {
    /// Works on bulk jobs until cancelled, chunk by chunk. Between two chunks others commit: turns are taken in the order of
    /// asking, so a call waits for one chunk at most.
    ///
    /// Cancelling it loses nothing: a chunk that began is finished, and the next run goes on behind it.
    func runBulk() async throws {
        try await findBulkWork()
        let runner = BulkRunner(self)
        while !Task.isCancelled {
            if try await !runner.step() { await bulk.wait() }
        }
    }

    /// Does all bulk work that is there and comes back: for tests and measurements, where nobody calls `run()`.
    public func finishBulkWork() async throws {
        try await findBulkWork()
        let runner = BulkRunner(self)
        while try await runner.step() {}
    }

    /// After a restart: what was begun is gone on with.
    private func findBulkWork() async throws {
        let now = configuration.clock()
        let unfinished = try await twin.store.read { reader in
            try BulkState.jobIDs(reader).filter { id in
                guard let job = try BulkState.job(id, reader)?.aged(now: now) else { return false }
                return job.wantsWork && !job.isExpired(now: now)
            }
        }
        for id in unfinished { bulk.add(id) }
    }
}
