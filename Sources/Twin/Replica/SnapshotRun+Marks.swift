import ChangeEvents
import Store

/// The end of a reading that settles an object: records that it did not bring, and that were in doubt only because the whole object
/// was, are not any more (`docs/twin.md`, "Reading what has changed").
extension SnapshotRun {
    /// False: events were lost meanwhile, or concern everything.
    /// - Parameter found: ids of the records that the org has, without those in its recycle bin.
    func clearMarks(_ found: [RecordID], _ window: Window) async throws -> Bool {
        var last: RecordID?
        while true {
            let after = last
            let page = try await twin.store.read { [entity = object.name] reader in
                try reader.recordsToRefetch(entity: entity, after: after, limit: Self.marksAtOnce).map(\.image.id)
            }
            guard let final = page.last else { return true }
            let outcome = try await twin.commit { [snapshot, overlap] writer -> Outcome in
                let view = try window.view(writer)
                if view.isBroken || view.concernsAll { return .lost }
                let settled = Set(try snapshot.settledEntries(writer, margin: overlap))
                let open = try writer.doubts(entity: snapshot.query.object, id: nil)
                // Another reading is to come, which clears them.
                guard settled.isSuperset(of: open) else { return .others }
                for id in page {
                    guard var record = try writer.record(entity: snapshot.query.object, id: id), record.needsRefetch,
                        // A tombstone of which the org does not say otherwise is one, whatever is known of its last values.
                        record.isDeleted ? !Self.contains(found, id) : record.image.isComplete,
                        try writer.doubts(entity: snapshot.query.object, id: id).isEmpty
                    else { continue }
                    record.needsRefetch = false
                    try writer.put(record)
                }
                return .cleared
            }
            switch outcome {
            case .lost: return false
            case .others: return true
            case .cleared: break
            }
            guard page.count == Self.marksAtOnce else { return true }
            last = final
        }
    }

    private static func contains(_ sorted: [RecordID], _ id: RecordID) -> Bool {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low < sorted.count && sorted[low] == id
    }

    private enum Outcome { case lost, others, cleared }

    private static let marksAtOnce = 500
}

extension Snapshot {
    /// The entries of the table of gaps that it mends at its end: those from before its window, whose window it covers.
    func settledEntries(_ reader: any StoreReader, margin: Duration) throws(StoreError) -> [Int64] {
        guard settlesObject, let gapsUpTo else { return [] }
        var entries: [Int64] = []
        for id in try reader.doubts(entity: query.object, id: nil) where id <= gapsUpTo {
            guard let entry = try reader.gapEntry(id), covers(entry.windowStart(margin: margin)) else { continue }
            entries.append(id)
        }
        return entries
    }
}
