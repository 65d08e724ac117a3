import Foundation
import Synchronization

/// A run from the first connection to the figures: opens, measures, lets what is on its way arrive, judges.
///
/// The loops have threads of their own; this only looks at them, some times a second.
final class BenchRun: Sendable {
    struct Settings: Sendable {
        var plan: BenchPlan
        var threadCount: Int
        /// From when all connections stand (or have failed).
        var duration: Duration
        /// How long an event that some connections have got may take to the others before it counts as lost.
        var settleTimeout: Duration
    }

    /// What came out, for the report.
    struct Outcome: Sendable {
        var figures: LoadFigures
        var judgement: Judgement
        var wantedCount: Int
        var isInterrupted: Bool
        /// Of the measurement; the openings are apart.
        var measured: Duration
        var opening: Duration
        /// Within `measured`.
        var measuredDeliveries: Int
        /// Of one processor, the busiest thread's share of `measured`.
        var busiest: Double
        var threadCount: Int
        var published: Published?
    }

    struct Published: Sendable {
        var figures: Publisher.Figures
        /// Different events of its records that any connection got.
        var seenCount: Int
        /// What was asked for.
        var perSecond: Double
        /// From the beginning of a change to its event's first arrival, and to its last.
        var first = Durations()
        var last = Durations()
    }

    private static let lookInterval = Duration.milliseconds(100)

    private let settings: Settings
    private let progress: ProgressLine?
    private let publisher: Publisher?
    private let interrupted = Atomic(false)

    init(_ settings: Settings, publisher: Publisher?, progress: ProgressLine?) {
        self.settings = settings
        self.publisher = publisher
        self.progress = progress
    }

    /// Ends the run early, with the figures so far. From any thread; `run()` returns soon after.
    func interrupt() { interrupted.store(true, ordering: .relaxed) }

    private var isInterrupted: Bool { interrupted.load(ordering: .relaxed) }

    /// Called once. Throws `Publisher.Failure` where the org takes no case; connections that fail are part of the outcome.
    func run() async throws -> Outcome {
        let controls = startLoops()
        let begin = ContinuousClock.now
        await open(controls)
        let opening = begin.duration(to: .now)
        for control in controls { control.isMeasuring.store(true, ordering: .relaxed) }
        var cases: [String] = []
        do {
            // Not before: somebody must be there to get the events.
            if !isInterrupted, controls.standingCount > 0 { cases = try await publisher?.create() ?? [] }
        } catch {
            for control in controls { _ = await control.finish() }
            progress?.clear()
            throw error
        }
        let (measured, deliveries, busiest) = await measure(controls, cases)
        let cut = await settle(controls)
        var parts: [LoadFigures] = []
        for control in controls { parts.append(await control.finish()) }
        progress?.clear()
        // Before the figures are taken: a case that stays in the org is among its failures.
        await publisher?.delete(cases)
        let ledgers = parts.map(\.ledger)
        let published = publisher.map { publisher in
            let figures = publisher.figures
            let times = Judgement.publishedTimes(figures.begins, in: ledgers)
            return Published(
                figures: figures, seenCount: Judgement.seenCount(of: figures.records, in: ledgers),
                perSecond: publisher.perSecond, first: times.first, last: times.last)
        }
        return Outcome(
            figures: parts.dropFirst().reduce(parts[0]) { $0 + $1 }, judgement: Judgement(ledgers, cut: cut),
            wantedCount: settings.plan.connectionCount, isInterrupted: isInterrupted, measured: measured,
            opening: opening, measuredDeliveries: deliveries, busiest: busiest, threadCount: controls.count,
            published: published)
    }

    private func startLoops() -> [LoadControl] {
        let count = min(settings.threadCount, settings.plan.connectionCount)
        return (0..<count).map { index in
            guard let control = LoadControl() else {
                preconditionFailure("the process may open more descriptors than its connections need")
            }
            let numbers = Array(stride(from: index + 1, through: settings.plan.connectionCount, by: count))
            let plan = settings.plan
            let thread = Thread {
                LoadLoop(plan: plan, numbers: numbers, share: 1 / Double(count), control: control).run()
            }
            thread.name = "bench-\(index)"
            thread.start()
            return control
        }
    }

    private func open(_ controls: [LoadControl]) async {
        let wanted = settings.plan.connectionCount
        while !isInterrupted {
            let standing = controls.standingCount
            let ended = controls.endedCount
            progress?.show(.opening(standing: standing, failed: ended, wanted: wanted))
            if standing + ended >= wanted { return }
            await pause()
        }
    }

    private func measure(
        _ controls: [LoadControl], _ cases: [String]
    ) async -> (duration: Duration, deliveries: Int, busiest: Double) {
        let begin = ContinuousClock.now
        let deliveriesBefore = controls.deliveryCount
        let processorBefore = controls.map { $0.processorNanoseconds.load(ordering: .relaxed) }
        await withTaskGroup(of: Void.self) { group in
            if let publisher { group.addTask { await publisher.run(on: cases) } }
            while !isInterrupted, begin.duration(to: .now) < settings.duration, controls.standingCount > 0 {
                progress?.show(
                    .measuring(
                        elapsed: begin.duration(to: .now), of: settings.duration,
                        standing: controls.standingCount,
                        deliveries: controls.deliveryCount - deliveriesBefore,
                        slowest: controls.map { $0.slowest.exchange(0, ordering: .relaxed) }.max() ?? 0))
                await pause()
            }
            group.cancelAll()
        }
        let measured = begin.duration(to: .now)
        let busiest =
            zip(controls, processorBefore).map { control, before in
                Double(control.processorNanoseconds.load(ordering: .relaxed) - before)
                    / Double(max(1, measured.microseconds * 1_000))
            }.max() ?? 0
        return (measured, controls.deliveryCount - deliveriesBefore, busiest)
    }

    /// Waits until what is on its way has arrived, and gives the time of the cut: events that came first after it are not judged.
    private func settle(_ controls: [LoadControl]) async -> Int64 {
        let begin = ContinuousClock.now
        progress?.show(.settling)
        // What was published last is judged too: it must have come to somebody first.
        if let publisher {
            let published = publisher.figures
            while !isInterrupted, begin.duration(to: .now) < settings.settleTimeout / 2 {
                let ledgers = await snapshots(controls)
                if Judgement.seenCount(of: published.records, in: ledgers) >= published.changeCount { break }
                await pause()
            }
        }
        let cut = RunClock.now()
        for control in controls { control.cut.store(cut, ordering: .relaxed) }
        while true {
            let look = ContinuousClock.now
            let isWhole = Judgement(await snapshots(controls), cut: cut).lostCount == 0
            if isWhole || begin.duration(to: .now) >= settings.settleTimeout { return cut }
            // To judge a long run takes a while: the connections need the processor more.
            do {
                try await Task.sleep(for: max(Self.lookInterval, look.duration(to: .now) * 3))
            } catch {
                return cut
            }
        }
    }

    private func snapshots(_ controls: [LoadControl]) async -> [Ledger] {
        var ledgers: [Ledger] = []
        for control in controls { ledgers.append(await control.snapshot().ledger) }
        return ledgers
    }

    /// Cancelling is an interruption as well.
    private func pause() async {
        do {
            try await Task.sleep(for: Self.lookInterval)
        } catch {
            interrupt()
        }
    }
}

extension [LoadControl] {
    fileprivate var standingCount: Int { reduce(0) { $0 + $1.standingCount.load(ordering: .relaxed) } }
    fileprivate var endedCount: Int { reduce(0) { $0 + $1.endedCount.load(ordering: .relaxed) } }
    fileprivate var deliveryCount: Int { reduce(0) { $0 + $1.deliveryCount.load(ordering: .relaxed) } }
}
