import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A named place in the work on durable state, at which a test can have the process die as by `kill -9`.
///
/// `MILLRACE_CRASH_AT=store.commit.before:3` in the environment, read once: the third time that the process comes by the place it
/// sends itself SIGKILL. Without the variable a place costs a look at a constant. Safe from any thread.
package enum CrashPoint: String, Sendable, Hashable, CaseIterable {
    // The store's transaction, of either engine.
    case commitBefore = "store.commit.before"
    case commitAfter = "store.commit.after"
    // Inside it, for each event that is ingested.
    case applyBefore = "record.apply.before"
    case applyAfter = "record.apply.after"
    case appendBefore = "log.append.before"
    case appendAfter = "log.append.after"
    case cursorBefore = "cursor.move.before"
    case cursorAfter = "cursor.move.after"
    // Committed, and nobody has been told.
    case tellBefore = "observers.tell.before"
    case tellAfter = "observers.tell.after"
    // The reading of a replicated object.
    case defineBefore = "table.define.before"
    case defineAfter = "table.define.after"
    case windowAfter = "window.open.after"
    /// A chunk of a reading is written, and the next one's window is open.
    case chunkAfter = "chunk.after"
    case submitBefore = "job.submit.before"
    case submitAfter = "job.submit.after"
    case pageBefore = "page.store.before"
    case sliceAfter = "page.slice.after"
    case pageAfter = "page.store.after"
    case compareBefore = "ids.compare.before"
    case compareAfter = "ids.compare.after"
    case finishBefore = "snapshot.finish.before"
    case finishAfter = "snapshot.finish.after"
    case refetchBefore = "refetch.store.before"
    case refetchAfter = "refetch.store.after"

    package static let variable = "MILLRACE_CRASH_AT"

    /// The process has come by the place.
    package func reached() {
        if let armed = ArmedCrash.current { armed.reached(self) }
    }
}

/// The one place of a process that is to be its last.
package final class ArmedCrash: Sendable {
    package let point: CrashPoint
    /// Which time it comes by, from 1.
    package let time: Int
    private let times = Atomic(0)

    /// Of this process; nil: none, or the variable cannot be read, which `check` says.
    static let current: ArmedCrash? = text.flatMap { ArmedCrash($0) }

    private static var text: String? { getenv(CrashPoint.variable).map { String(cString: $0) } }

    /// `store.commit.before:3`; nil: no such place, or no such number.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let point = CrashPoint(rawValue: String(parts[0])),
            let time = parts.count == 2 ? Int(parts[1]) : 1, time > 0
        else { return nil }
        self.point = point
        self.time = time
    }

    /// Why the variable of this process cannot be used; nil: it can, or is not set.
    package static func complaint() -> String? {
        guard let text, current == nil else { return nil }
        return "\(CrashPoint.variable) is \(text): it names one of "
            + CrashPoint.allCases.map(\.rawValue).joined(separator: ", ") + ", and which time (store.commit.before:3)."
    }

    /// Whether it is time: once.
    package func isTime(_ point: CrashPoint) -> Bool {
        point == self.point && times.add(1, ordering: .relaxed).newValue == time
    }

    fileprivate func reached(_ point: CrashPoint) {
        guard isTime(point) else { return }
        kill(getpid(), SIGKILL)
        // The signal may reach another thread first: this one does nothing more.
        while true { pause() }
    }
}
