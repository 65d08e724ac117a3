import ChangeEvents
import Store

/// Keeps the table of gaps inside a transaction: enters what was missed, and what is in doubt because of it; notes when nothing
/// is any more (`docs/twin.md`, "The table of gaps"). Made for one transaction, used on the store's thread.
struct GapLedger {
    let writer: any StoreWriter
    /// Objects that a replica keeps whole, each with the topics that bring its changes.
    let replicated: [String: Set<String>]
    /// Milliseconds since 1970.
    let now: Int64

    /// What ended a doubt.
    enum Mending {
        case refetch
        case snapshot(Int)
        case event
    }

    // MARK: Entering

    /// Events of a topic are missing.
    func enterLoss(on topic: String, reason: String, lastHeard: Int64?) throws(StoreError) {
        let entities = replicated.filter { $0.value.contains(topic) }.keys.sorted()
        let entry = try writer.enter(
            GapEntry(
                topic: topic, entity: nil, reason: reason, scope: .topic, position: try writer.head(),
                replayID: try writer.cursor(topic: topic), missed: (lastHeard, now), records: [],
                mend: entities.isEmpty ? .nobody : .snapshot, declaredAt: now))
        for entity in entities { try writer.doubt(entry.id, entity: entity, ids: nil) }
    }

    /// An event in the log says that something was missed.
    /// - Parameters:
    ///   - header: nil where it cannot be read.
    ///   - namesRecords: the records are named, and no others are concerned.
    ///   - doubtful: those that are in doubt because of it.
    func enter(
        _ event: LoggedEvent, _ header: ChangeEventHeader?, reason: String, namesRecords: Bool, doubtful: [RecordID]
    ) throws(StoreError) {
        let topic = event.content.event.topic
        let scope: GapEntry.Scope = header == nil ? .topic : namesRecords ? .records : .object
        let entities =
            header.map { replicated[$0.entityName] == nil ? [] : [$0.entityName] }
            ?? replicated.filter { $0.value.contains(topic) }.keys.sorted()
        var entry = GapEntry(
            topic: topic, entity: header?.entityName, reason: reason, scope: scope, position: event.position,
            replayID: event.content.event.replayID, missed: (header?.commitTimestamp, header?.commitTimestamp ?? now),
            records: header?.recordIDs.compactMap { RecordID($0) }.filter { $0 != .empty } ?? [],
            mend: entities.isEmpty ? .nobody : scope == .records ? .refetch : .snapshot, declaredAt: now)
        if scope == .records, doubtful.isEmpty,
            header.map({ $0.changeType == .gapDelete || !entities.isEmpty }) ?? false
        {
            entry.mend = .notNeeded
            entry.mendedAt = now
        }
        entry = try writer.enter(entry)
        guard entry.isOpen else { return }
        for entity in entities { try writer.doubt(entry.id, entity: entity, ids: scope == .records ? doubtful : nil) }
    }

    /// A snapshot was asked for because an object as a whole is in doubt.
    func plan(_ snapshot: Int, of entity: String) throws(StoreError) {
        for id in try writer.doubts(entity: entity, id: nil) {
            guard var entry = try writer.gapEntry(id), !entry.snapshots.contains(snapshot) else { continue }
            entry.snapshots.append(snapshot)
            try writer.change(entry)
        }
    }

    /// Since when rows of an object may have changed without our knowing, for all the reasons why it is in doubt as a whole;
    /// nil: they do not say.
    func windowStart(of entity: String, margin: Duration) throws(StoreError) -> Int64? {
        var start: Int64?
        for id in try writer.doubts(entity: entity, id: nil) {
            guard let own = try writer.gapEntry(id)?.windowStart(margin: margin) else { return nil }
            start = min(own, start ?? own)
        }
        return start
    }

    /// Whether a gap has its entry, and the object is not in doubt as a whole any more. One of a version that had no table of
    /// gaps has none.
    func isMended(_ gap: Gap, of entity: String) throws(StoreError) -> Bool {
        guard try writer.doubts(entity: entity, id: nil).isEmpty else { return false }
        return try writer.gapEntries(.closed, limit: Self.entriesLookedAt).contains {
            $0.topic == gap.topic && $0.position == gap.position && $0.reason == gap.reason
        }
    }

    /// Gaps are acted on within seconds.
    private static let entriesLookedAt = 1_000

    // MARK: Mending

    /// Records are what the org has, or are gone with the org's.
    func settle(_ ids: [RecordID], of entity: String, by mending: Mending) throws(StoreError) {
        for id in try writer.settle(entity: entity, ids: ids) { try mend(id, by: mending) }
    }

    /// An object as a whole is what the org has, as far as these entries are concerned.
    func settle(_ entity: String, entries: [Int64], by mending: Mending) throws(StoreError) {
        for id in entries where try writer.settle(entity: entity, entry: id) { try mend(id, by: mending) }
    }

    private func mend(_ id: Int64, by mending: Mending) throws(StoreError) {
        guard var entry = try writer.gapEntry(id), entry.isOpen else { return }
        entry.mendedAt = now
        switch mending {
        case .refetch: entry.mend = .refetch
        case .event: entry.mend = .event
        case .snapshot(let number):
            entry.mend = .snapshot
            if !entry.snapshots.contains(number) { entry.snapshots.append(number) }
        }
        try writer.change(entry)
    }

    /// Objects that are not replicated any more: what was in doubt of them is nobody's to mend.
    func abandonOthers() throws(StoreError) {
        for entity in try writer.doubtfulEntities().sorted() where replicated[entity] == nil {
            for id in try writer.settle(entity: entity, ids: nil) {
                guard var entry = try writer.gapEntry(id), entry.isOpen else { continue }
                entry.mend = .nobody
                try writer.change(entry)
            }
        }
    }
}

extension GapEntry {
    /// Rows whose `SystemModstamp` is before this second were not touched by what was missed: milliseconds since 1970; nil: any
    /// may have been.
    func windowStart(margin: Duration) -> Int64? {
        guard let missedFrom, scope == .topic || reason == Gap.overflow else { return nil }
        // A commit in our future: one of the clocks is wrong, and earlier is right as well.
        return margin.before(min(missedFrom, declaredAt))
    }
}

extension Duration {
    /// A whole second so long before a time, both in milliseconds since 1970; nil: before 1970.
    func before(_ time: Int64) -> Int64? {
        let start = time - Int64(self / .milliseconds(1))
        return start >= 0 ? start / 1_000 * 1_000 : nil
    }
}
