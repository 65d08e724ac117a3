import Logging
import Store

extension Twin {
    /// Entries of the table of gaps stay so long after they were declared, and so many at most, when they are mended or nobody's
    /// to mend; open ones stay.
    static let gapRetention: Duration = .seconds(90 * 86_400)
    static let closedGapsMax = 10_000

    /// Runs retention until cancelled, then returns. Cancelling is the graceful way to stop: a transaction under way is
    /// finished. Throws only what makes the store unusable; a full disk, a busy file or a server that is away
    /// is logged and tried again.
    public func run() async throws {
        while !Task.isCancelled {
            do {
                let dropped = try await trim()
                if dropped > 0 { logger.debug("old events dropped", metadata: ["count": "\(dropped)"]) }
                let ended = try await trimHistory()
                if ended > 0 { logger.debug("old versions of records dropped", metadata: ["count": "\(ended)"]) }
            } catch is CancellationError {
                return
            } catch let error as StoreError where error.code.isPassing {
                logger.warning("old events could not be dropped now", metadata: ["error": "\(error)"])
            }
            do {
                try await Task.sleep(for: configuration.retentionInterval)
            } catch {
                // Sleeping fails for one reason only: the task was cancelled.
                return
            }
        }
    }

    /// Drops what is past retention now, in short transactions; answers how many events went. Ends early when cancelled.
    /// `run` calls it from time to time; a clock that was moved is a reason to call it at once.
    @discardableResult
    public func trim() async throws -> Int {
        let now = configuration.now()
        let olderThan = now - Int64(configuration.retention / .milliseconds(1))
        let declaredBefore = now - Int64(Self.gapRetention / .milliseconds(1))
        let bytesMax = configuration.logBytesMax
        var total = 0
        while true {
            let dropped = try await store.write { writer in
                try writer.trimGapEntries(declaredBefore: declaredBefore, closedMax: Self.closedGapsMax)
                return try writer.trim(olderThan: olderThan, bytesMax: bytesMax)
            }
            total += dropped
            if dropped == 0 || Task.isCancelled { return total }
        }
    }
}
