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
    private struct Seen {
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
    private struct WindowBroken: Error {}

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

    /// Reads pages of a chunk and writes their rows.
    private struct PageReader: Sendable {
        struct Page: Sendable {
            var place: String
            var ids: [RecordID]
            var next: String?
        }

        let twin: Twin
        let source: any OrgSource
        let object: ReplicatedObject
        let window: Window
        let read: String
        let query: SourceQuery
        let hasAllFields: Bool
        let leavesEqual: Bool
        let fillsNewColumns: Bool
        /// The snapshot's.
        let number: Int

        /// The org and the network are busy with some rows while the store is with those before; no more of the page are in memory.
        func page(at place: String) async -> Result<Page, any Error> {
            do { return .success(try await readPage(at: place)) } catch { return .failure(error) }
        }

        private func readPage(at place: String) async throws -> Page {
            try await withThrowingTaskGroup(of: Void.self) { group in
                var ids: [RecordID] = []
                let next = try await source.page(ofRead: read, at: place, query) { rows in
                    try await group.next()
                    for row in rows { ids.append(row.id) }
                    group.addTask { try await write(rows) }
                }
                try await group.waitForAll()
                return Page(place: place, ids: ids, next: next)
            }
        }

        private func write(_ rows: [SourceRow]) async throws {
            CrashPoint.pageBefore.reached()
            try await twin.commit { [self] writer in
                let view = try window.view(writer)
                if view.isBroken { throw WindowBroken() }
                var replay = try RowReplay(
                    query, hasAllFields: hasAllFields, leavesEqual: leavesEqual, fillsNewColumns: fillsNewColumns,
                    of: object, window: view, writer: writer, twin: twin, mending: .snapshot(number))
                try replay.write(rows)
                try replay.finish()
            }
            CrashPoint.sliceAfter.reached()
        }
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

    /// By id: 16 bytes a record are all that is held of an object. Nil: the org forgot the read while it was read.
    private func idsInOrg() async throws -> [RecordID]? {
        let query = SourceQuery(object: object.name, fields: [])
        do {
            let read = try await source.beginRead(query)
            var ids: [RecordID] = []
            let pages = try await source.pages(ofRead: read)
            var places = pages.places[...]
            while let place = places.popFirst() {
                let next = try await source.page(ofRead: read, at: place, query) { rows in
                    for row in rows { ids.append(row.id) }
                }
                if !pages.areAll, let next { places.append(next) }
            }
            await source.endRead(read)
            ids.sort()
            return ids
        } catch let error as SourceError where error.code == .readGone {
            return nil
        }
    }

    /// Nil: events were lost meanwhile.
    private func removeOthers(
        than found: Seen, _ window: Window
    ) async throws -> (removed: Int, missed: Int)? {
        // Both sides come by id: they are walked together.
        var left = found.ids[...]
        var last: RecordID?
        var (removed, missed) = (0, 0)
        while true {
            let after = last
            let page = try await twin.store.read { [entity = object.name] reader in
                try reader.standings(entity: entity, after: after, limit: Self.recordsAtOnce)
            }
            let isLast = page.count < Self.recordsAtOnce
            var (doubtful, unknown): ([RecordID], [RecordID]) = ([], [])
            var inOrg: Set<RecordID> = []
            for record in page {
                while let id = left.first, id < record.id {
                    unknown.append(id)
                    left.removeFirst()
                }
                let isInOrg = left.first == record.id
                if isInOrg { left.removeFirst() }
                guard isInOrg == record.isDeleted else { continue }
                doubtful.append(record.id)
                if isInOrg { inOrg.insert(record.id) }
            }
            doubtful.removeAll(where: found.followed.contains)
            unknown.removeAll(where: found.followed.contains)
            if !doubtful.isEmpty {
                guard let count = try await settle(doubtful, inOrg, window) else { return nil }
                removed += count
            }
            if isLast { unknown += left.filter { !found.followed.contains($0) } }
            while !unknown.isEmpty {
                guard let count = try await admit(Array(unknown.prefix(Self.recordsAtOnce)), window) else { return nil }
                missed += count
                unknown.removeFirst(min(Self.recordsAtOnce, unknown.count))
            }
            if isLast { return (removed, missed) }
            last = page.last?.id
        }
    }

    private static let recordsAtOnce = 5_000

    /// Records that are live in one place and not in the other, and that no event behind the window's place explains.
    private func settle(_ ids: [RecordID], _ found: Set<RecordID>, _ window: Window) async throws -> Int? {
        try await twin.commit { [entity = object.name, twin, number = snapshot.id] writer in
            let view = try window.view(writer)
            if view.isBroken || view.concernsAll { return nil }
            var removed: [RecordID] = []
            var versions: [FormerVersion] = []
            let now = twin.configuration.now()
            for id in ids where view.positions(of: id).isEmpty {
                guard var record = try writer.record(entity: entity, id: id) else { continue }
                if found.contains(id) {
                    // By itself, whatever the whole object's doubt comes to.
                    record.image.isComplete = false
                    record.needsRefetch = true
                    try writer.put(record)
                } else {
                    if twin.configuration.history[entity] != nil,
                        let version = Succession(former: record, record: nil).version(.absence, now: now)
                    {
                        versions.append(version)
                    }
                    try writer.remove(entity: entity, id: id)
                    removed.append(id)
                }
            }
            if !versions.isEmpty { try writer.keep(versions, entity: entity) }
            try twin.ledger(writer).settle(removed, of: entity, by: .snapshot(number))
            return removed.count
        }
    }

    /// Records of the org that the table does not have: rows without values, to be read.
    private func admit(_ ids: [RecordID], _ window: Window) async throws -> Int? {
        try await twin.commit { [entity = object.name] writer in
            let view = try window.view(writer)
            if view.isBroken || view.concernsAll { return nil }
            var missed = 0
            for id in ids where view.positions(of: id).isEmpty {
                guard try writer.record(entity: entity, id: id) == nil else { continue }
                let image = RecordImage(entity: entity, id: id, fields: RecordFields(), isComplete: false)
                try writer.put(StoredRecord(image: image, isDeleted: false, commitTimestamp: 0, needsRefetch: true))
                missed += 1
            }
            return missed
        }
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
