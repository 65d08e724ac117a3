import ChangeEvents
import CrashPoints
import Logging
import Store

/// One snapshot, from where it stands to its end. Used by one task.
struct SnapshotRun {
    let twin: Twin
    let source: any OrgSource
    let object: ReplicatedObject
    let overlap: Duration
    private(set) var snapshot: Snapshot
    /// Of every row of a whole reading; nil: a part of it was read before this run, or it is not whole.
    private var seenIDs: [RecordID]?

    init(
        _ snapshot: Snapshot, of object: ReplicatedObject, source: any OrgSource, twin: Twin, overlap: Duration
    ) {
        self.snapshot = snapshot
        self.overlap = overlap
        self.object = object
        self.source = source
        self.twin = twin
    }

    /// Throws `SourceError`, `StoreError` and `CancellationError`; what is done until then is kept, and the next run goes on.
    mutating func run() async throws {
        if snapshot.phase == .waiting {
            snapshot.phase = .reading
            snapshot.startedAt = twin.configuration.now()
        }
        while snapshot.phase == .reading {
            guard let window = try await window() else {
                try await beginAgain()
                continue
            }
            defer { window.close(in: twin) }
            guard try await read(window) else { continue }
            try await finishReading()
            if snapshot.phase == .comparing, let ids = takeSeenIDs() {
                // What the reading itself did not bring, and no event behind its window explains, was not there while it read.
                CrashPoint.compareBefore.reached()
                if try await match(ids, window) { try await finish() }
            }
        }
        if snapshot.phase == .comparing { try await compare() }
    }

    // MARK: Reading

    /// False: it has to begin again.
    private mutating func read(_ window: Window) async throws -> Bool {
        let bringsEveryLiveRow = snapshot.isWhole && !snapshot.query.includesDeleted
        seenIDs = bringsEveryLiveRow && snapshot.next == nil ? [] : nil
        do {
            var read = snapshot.read
            if read == nil {
                CrashPoint.submitBefore.reached()
                read = try await source.beginRead(snapshot.query)
                CrashPoint.submitAfter.reached()
                snapshot.read = read
                try await save()
            }
            guard let read else { return false }
            repeat { try await readPage(of: read, window) } while snapshot.next != nil
            return true
        } catch is WindowBroken {
            try await beginAgain()
            return false
        } catch let error as SourceError where error.code == .readGone {
            try await beginAgain()
            return false
        }
    }

    /// Nil: the log does not reach back to where it was opened.
    private mutating func window() async throws -> Window? {
        if let place = snapshot.place { return try await Window.reopen(object, from: place, in: twin) }
        let window = try await Window.open(object, in: twin)
        do {
            let isPolledFrom = object.poll != nil && snapshot.isWhole
            snapshot.newest = isPolledFrom ? try await source.changes(object.name, since: nil).newest : nil
            (snapshot.place, snapshot.gapsUpTo) = (window.place, window.gapsUpTo)
            try await save()
        } catch {
            window.close(in: twin)
            throw error
        }
        CrashPoint.windowAfter.reached()
        return window
    }

    private mutating func beginAgain() async throws {
        if let read = snapshot.read { await source.endRead(read) }
        snapshot.beginAgain()
        try checkRestarts()
        try await save()
    }

    private func checkRestarts() throws(SourceError) {
        guard snapshot.restarts > Self.restartsMax else { return }
        throw SourceError(.refused, "It had to begin again \(Self.restartsMax) times.")
    }

    /// Events were lost: the rows say nothing.
    private struct WindowBroken: Error {}

    /// The org and the network are busy with some rows while the store is with those before; no more are in memory. The place behind
    /// the page moves when all of it is written: what was written of one that is broken off is written again.
    private mutating func readPage(of read: String, _ window: Window) async throws {
        var after = snapshot
        let (page, ids) = try await withThrowingTaskGroup(of: Void.self) { [self] group in
            var ids: [RecordID] = []
            let page = try await source.page(ofRead: read, after: snapshot.next, snapshot.query) { rows in
                try await group.next()
                for row in rows { ids.append(row.id) }
                group.addTask { try await self.write(rows, window) }
            }
            try await group.waitForAll()
            return (page, ids)
        }
        if seenIDs?.isEmpty ?? false, let total = page.total { seenIDs?.reserveCapacity(total) }
        seenIDs?.append(contentsOf: ids)
        after.next = page.next
        after.rows += ids.count
        after.total = page.total ?? after.total
        after.message = nil
        let read = after
        try await twin.commit { writer in
            if try window.view(writer).isBroken { throw WindowBroken() }
            try Self.save(read, writer)
        }
        CrashPoint.pageAfter.reached()
        snapshot = after
    }

    private func write(_ rows: [SourceRow], _ window: Window) async throws {
        CrashPoint.pageBefore.reached()
        try await twin.commit { [object, twin, snapshot] writer in
            let view = try window.view(writer)
            if view.isBroken { throw WindowBroken() }
            var replay = try RowReplay(
                snapshot.query, hasAllFields: snapshot.hasAllFields, leavesEqual: snapshot.bringsMostlyWhatIsKnown,
                fillsNewColumns: snapshot.reason == .newFields, of: object, window: view, writer: writer, twin: twin, mending: .snapshot(snapshot.id))
            try replay.write(rows)
            try replay.finish()
        }
        CrashPoint.sliceAfter.reached()
    }

    private mutating func finishReading() async throws {
        if let read = snapshot.read { await source.endRead(read) }
        snapshot.read = nil
        snapshot.phase = snapshot.settlesObject ? .comparing : .done
        if snapshot.phase == .done { snapshot.finishedAt = twin.configuration.now() }
        try await save()
    }

    private static let restartsMax = 20

    // MARK: Comparing ids

    /// Which of the table's records the org does not have, and which it has that the table has not. Begins anew after a
    /// restart: it writes nothing but what it is sure of.
    private mutating func compare() async throws {
        while true {
            let window = try await Window.open(object, in: twin)
            defer { window.close(in: twin) }
            CrashPoint.compareBefore.reached()
            if let found = try await idsInOrg(), try await match(found, window) { return try await finish() }
            snapshot.restarts += 1
            try checkRestarts()
        }
    }

    /// By id. There may be millions: they are not copied.
    private mutating func takeSeenIDs() -> [RecordID]? {
        defer { seenIDs = nil }
        seenIDs?.sort()
        return seenIDs
    }

    /// Settles what is in one place and not in the other. False: events were lost meanwhile.
    private mutating func match(_ found: [RecordID], _ window: Window) async throws -> Bool {
        guard let counts = try await removeOthers(than: found, window), try await clearMarks(found, window) else {
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
            var next: String?
            repeat {
                next = try await source.page(ofRead: read, after: next, query) { rows in
                    for row in rows { ids.append(row.id) }
                }.next
            } while next != nil
            await source.endRead(read)
            ids.sort()
            return ids
        } catch let error as SourceError where error.code == .readGone {
            return nil
        }
    }

    /// Nil: events were lost meanwhile.
    private func removeOthers(
        than found: [RecordID], _ window: Window
    ) async throws -> (removed: Int, missed: Int)? {
        // Both sides come by id: they are walked together.
        var left = found[...]
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
            if !doubtful.isEmpty {
                guard let count = try await settle(doubtful, inOrg, window) else { return nil }
                removed += count
            }
            if isLast { unknown += left }
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
