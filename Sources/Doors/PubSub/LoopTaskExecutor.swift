internal import NIOCore

/// Runs tasks on an event loop. A stream that is served on the loop of its connection crosses no thread between a request that
/// arrives and the events that answer it; on the shared pool each of them wakes four (some 40 µs where the cores are free,
/// milliseconds where they are not).
///
/// What runs here must not block: reads of the log's file are on the store's own threads anyhow.
final class LoopTaskExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
