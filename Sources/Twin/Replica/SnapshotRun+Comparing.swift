import ChangeEvents
import Store

/// The ids of the org against those of the table.
extension SnapshotRun {
    /// By id: 16 bytes a record are all that is held of an object. Nil: the org forgot the read while it was read.
    func idsInOrg() async throws -> [RecordID]? {
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
    func removeOthers(
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
}
