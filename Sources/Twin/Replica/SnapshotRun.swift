import ChangeEvents
import CrashPoints
import Logging
import Store

/// One snapshot, from where it stands to its end. Used by one task.
struct SnapshotRun {
    /// How an object's rows are read.
    struct Reading: Sendable {
        /// Pages of a chunk that are read side by side.
        var pagesAtOnce = 3
        /// Rows of a chunk, more or less.
        var chunkRows = 1_000_000
    }

    let twin: Twin
    let source: any OrgSource
    let object: ReplicatedObject
    let overlap: Duration
    let reading: Reading
    private(set) var snapshot: Snapshot
    /// Of a whole reading; nil: a part of it was read before this run, or it is not whole.
    private var seen: Seen?

    /// What a whole reading has come upon.
    struct Seen {
        /// Of every row.
        var ids: [RecordID] = []
        /// Records that events of chunks before this one concern, while they were read: whatever their rows said, they follow the events.
        var followed: Set<RecordID> = []
    }

    init(
        _ snapshot: Snapshot, of object: ReplicatedObject, source: any OrgSource, twin: Twin, overlap: Duration,
        reading: Reading
    ) {
        self.snapshot = snapshot
        self.overlap = overlap
        self.object = object
        self.source = source
        self.twin = twin
        self.reading = reading
    }

    /// Throws `SourceError`, `StoreError` and `CancellationError`; what is done until then is kept, and the next run goes on.
    mutating func run() async throws {
        if snapshot.phase == .waiting {
            snapshot.phase = .reading
            snapshot.startedAt = twin.configuration.now()
        }
        while snapshot.phase == .reading {
            guard let window = try await window() else {
                try await beginAgain(.chunk)
                continue
            }
            defer { window.close(in: twin) }
            do {
                try await readChunk(window)
                guard snapshot.isLastChunk else {
                    try await goOn(from: window)
                    continue
                }
            } catch is WindowBroken {
                let isWhole = try await twin.store.read { try window.isWhole($0) }
                try await beginAgain(isWhole ? .all : .chunk)
                continue
            } catch let error as SourceError where error.code == .readGone {
                try await beginAgain(.chunk)
                continue
            }
            try await finishReading()
            if snapshot.phase == .comparing, let seen = takeSeen() {
                // What the reading itself did not bring, and no event behind its window explains, was not there while it read.
                CrashPoint.compareBefore.reached()
                if try await match(seen, window) { try await finish() }
            }
        }
        if snapshot.phase == .comparing { try await compare() }
    }

    // MARK: Reading

    /// Nil: the log does not reach back to where it was opened.
    private mutating func window() async throws -> Window? {
        if let place = snapshot.chunkPlace ?? (snapshot.chunk == nil ? snapshot.place : nil) {
            return try await Window.reopen(object, from: place, in: twin)
        }
        let window = try await Window.open(object, in: twin)
        do {
            if snapshot.place == nil {
                let isPolledFrom = object.poll != nil && snapshot.isWhole
                snapshot.newest = isPolledFrom ? try await source.changes(object.name, since: nil).newest : nil
                if snapshot.canBeChunked {
                    let chunks = try await source.chunkBounds(object.name, rows: reading.chunkRows)
                    (snapshot.chunkBounds, snapshot.total) = (chunks.bounds, chunks.total)
                }
                (snapshot.place, snapshot.gapsUpTo) = (window.place, window.gapsUpTo)
            }
            snapshot.chunkPlace = window.place
            try await save()
        } catch {
            window.close(in: twin)
            throw error
        }
        CrashPoint.windowAfter.reached()
        return window
    }

    private enum Extent { case all, chunk }

    private mutating func beginAgain(_ extent: Extent) async throws {
        if let read = snapshot.read { await source.endRead(read) }
        // Events between the chunk's two windows are in neither.
        seen = nil
        switch extent {
        case .all: snapshot.beginAgain()
        case .chunk: snapshot.beginChunkAgain()
        }
        try checkRestarts()
        try await save()
    }

    private func checkRestarts() throws(SourceError) {
        guard snapshot.restarts > Self.restartsMax * ((snapshot.chunk ?? 0) + 1) else { return }
        throw SourceError(.refused, "It had to begin again \(Self.restartsMax) times.")
    }

    private static let restartsMax = 20

    /// Events were lost: the rows say nothing.
    struct WindowBroken: Error {}

    private mutating func readChunk(_ window: Window) async throws {
        let bringsEveryLiveRow = snapshot.isWhole && !snapshot.query.includesDeleted
        if snapshot.pages != nil || !bringsEveryLiveRow {
            seen = nil
        } else if snapshot.chunk == nil {
            seen = Seen()
        }
        let query = snapshot.chunkQuery
        if snapshot.read == nil {
            CrashPoint.submitBefore.reached()
            snapshot.read = try await source.beginRead(query)
            CrashPoint.submitAfter.reached()
            try await save()
        }
        guard let read = snapshot.read else { return }
        if snapshot.pages == nil {
            let pages = try await source.pages(ofRead: read)
            (snapshot.pages, snapshot.morePages) = (pages.places, !pages.areAll)
            // Of a chunk alone it would be no total.
            if snapshot.chunkBounds?.isEmpty ?? true { snapshot.total = pages.total ?? snapshot.total }
            seen?.ids.reserveCapacity(snapshot.total ?? 0)
        }
        try await readPages(of: read, window)
    }

    /// Several side by side: the org, the network and the store are busy with different ones. A page's place is left when all of it is
    /// written: what was written of one that is broken off is written again.
    private mutating func readPages(of read: String, _ window: Window) async throws {
        let reader = PageReader(
            twin: twin, source: source, object: object, window: window, read: read, query: snapshot.query,
            hasAllFields: snapshot.hasAllFields, leavesEqual: snapshot.bringsMostlyWhatIsKnown,
            fillsNewColumns: snapshot.reason == .newFields, number: snapshot.id)
        var waiting = (snapshot.pages ?? [])[...]
        let failure = try await withThrowingTaskGroup(of: Result<PageReader.Page, any Error>.self) { group in
            var underWay = 0
            var failure: (any Error)?
            while true {
                while failure == nil, underWay < reading.pagesAtOnce, let place = waiting.popFirst() {
                    group.addTask { await reader.page(at: place) }
                    underWay += 1
                }
                guard let outcome = try await group.next() else { return failure }
                underWay -= 1
                do {
                    let page = try outcome.get()
                    let next = snapshot.morePages ?? false ? page.next : nil
                    if let next { waiting.append(next) }
                    try await written(page, next: next, window)
                } catch {
                    // The others are read to their ends: what they have brought is not to be asked for again.
                    failure = failure ?? error
                }
            }
        }
        if let failure { throw failure }
    }

    private mutating func written(_ page: PageReader.Page, next: String?, _ window: Window) async throws {
        var after = snapshot
        after.pages?.removeAll { $0 == page.place }
        if let next { after.pages?.append(next) }
        after.rows += page.ids.count
        after.message = nil
        let written = after
        try await twin.commit { writer in
            if try window.view(writer).isBroken { throw WindowBroken() }
            try Self.save(written, writer)
        }
        CrashPoint.pageAfter.reached()
        seen?.ids.append(contentsOf: page.ids)
        snapshot = after
    }

    /// The next chunk's window is open before this one's is closed: no event is in neither.
    private mutating func goOn(from window: Window) async throws {
        let next = try await Window.open(object, in: twin)
        defer { next.close(in: twin) }
        var after = snapshot
        after.beginNextChunk(at: next.place)
        let begun = after
        let concernsAll = try await twin.commit { writer in
            let view = try window.view(writer)
            if view.isBroken { throw WindowBroken() }
            try Self.save(begun, writer)
            return view.concernsAll
        }
        CrashPoint.chunkAfter.reached()
        if let read = snapshot.read { await source.endRead(read) }
        snapshot = after
        if concernsAll { seen = nil }
        seen?.followed.formUnion(window.followedIDs)
    }

    private mutating func finishReading() async throws {
        if let read = snapshot.read { await source.endRead(read) }
        snapshot.read = nil
        snapshot.phase = snapshot.settlesObject ? .comparing : .done
        if snapshot.phase == .done { snapshot.finishedAt = twin.configuration.now() }
        try await save()
    }

    // MARK: Comparing ids

    /// Which of the table's records the org does not have, and which it has that the table has not. Begins anew after a
    /// restart: it writes nothing but what it is sure of.
    private mutating func compare() async throws {
        while true {
            let window = try await Window.open(object, in: twin)
            defer { window.close(in: twin) }
            CrashPoint.compareBefore.reached()
            if let ids = try await idsInOrg(), try await match(Seen(ids: ids), window) { return try await finish() }
            snapshot.restarts += 1
            try checkRestarts()
        }
    }

    /// By id. There may be millions: they are not copied.
    private mutating func takeSeen() -> Seen? {
        defer { seen = nil }
        seen?.ids.sort()
        return seen
    }

    /// Settles what is in one place and not in the other. False: events were lost meanwhile.
    private mutating func match(_ found: Seen, _ window: Window) async throws -> Bool {
        guard let counts = try await removeOthers(than: found, window), try await clearMarks(found.ids, window) else {
            return false
        }
        snapshot.removed += counts.removed
        snapshot.missed += counts.missed
        return true
    }

    private mutating func finish() async throws {
        CrashPoint.compareAfter.reached()
        snapshot.phase = .done
        snapshot.finishedAt = twin.configuration.now()
        let done = snapshot
        CrashPoint.finishBefore.reached()
        try await twin.commit { [twin, overlap, isPolled = object.poll != nil] writer in
            let entries = try done.settledEntries(writer, margin: overlap)
            try twin.ledger(writer).settle(done.query.object, entries: entries, by: .snapshot(done.id))
            var state = try ReplicaState.read(writer) ?? ReplicaState()
            if done.isWhole {
                state.objects[done.query.object, default: .init()].loadedAt = done.finishedAt
                if isPolled {
                    state.objects[done.query.object]?.polled = PollStanding(
                        upTo: done.newest ?? .min, at: done.startedAt ?? 0, rows: done.rows)
                }
            }
            state.update(done)
            try state.write(writer)
        }
        CrashPoint.finishAfter.reached()
    }

    // MARK: State

    /// Why it waits or has failed.
    mutating func note(_ message: String, isFinal: Bool) async throws {
        snapshot.message = message
        if isFinal {
            snapshot.phase = .failed
            snapshot.finishedAt = twin.configuration.now()
        }
        try await save()
    }

    private func save() async throws {
        let saved = snapshot
        try await twin.commit { try Self.save(saved, $0) }
    }

    private static func save(_ snapshot: Snapshot, _ writer: any StoreWriter) throws {
        var state = try ReplicaState.read(writer) ?? ReplicaState()
        state.update(snapshot)
        try state.write(writer)
    }
}
