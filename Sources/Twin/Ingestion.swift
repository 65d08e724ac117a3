import ChangeEvents
import CrashPoints
import Logging
import Store

/// One batch in one transaction: for each event the records it concerns, their images and the log.
///
/// What the store is asked for is asked for all events together, and each record is written once, as its last event leaves it: a
/// question for each event would cost a database on the network more than everything else.
///
/// Made for one transaction, used on the store's thread. Nobody else writes while `ingest` runs.
struct Ingestion {
    let writer: any StoreWriter
    let ledger: GapLedger
    let trackedEntities: Set<String>?
    /// Objects that have a history.
    let withHistory: Set<String>
    let receivedAt: Int64
    /// Of what the transaction found out; logged after it is committed.
    private(set) var remarks: [Remark] = []

    struct Remark: Sendable {
        var message: Logger.Message
        var topic: String
        var detail: String
    }

    /// A replay id on a topic: several events may have it.
    private struct Place: Hashable {
        var topic: String
        var key: [UInt8]
    }

    private struct RecordKey: Hashable {
        var entity: String
        var id: RecordID
    }

    /// A record as the events so far leave it.
    private struct Known {
        /// Nil: there is none.
        var record: StoredRecord?
        var isStored: Bool
        var isChanged = false
    }

    /// What the log has at the places of the batch.
    private var logged: [Place: [NewEvent]] = [:]
    private var known: [RecordKey: Known] = [:]
    /// In the order in which they were first touched.
    private var changed: [RecordKey] = []
    /// By object, what its records were before the events.
    private var versions: [String: [FormerVersion]] = [:]

    init(
        writer: any StoreWriter, ledger: GapLedger, trackedEntities: Set<String>?, withHistory: Set<String>,
        receivedAt: Int64
    ) {
        self.writer = writer
        self.ledger = ledger
        self.trackedEntities = trackedEntities
        self.withHistory = withHistory
        self.receivedAt = receivedAt
    }

    mutating func ingest(_ events: [DecodedEvent]) throws(StoreError) {
        try lookUpPlaces(of: events)
        try lookUpRecords(of: events)
        for event in events { try ingest(event) }
        try writeRecords()
        for (entity, versions) in versions { try writer.keep(versions, entity: entity) }
    }

    private mutating func ingest(_ decoded: DecodedEvent) throws(StoreError) {
        let place = Place(topic: decoded.event.topic, key: decoded.event.replayID.key)
        if logged[place]?.contains(where: decoded.isRedelivery) ?? false { return }
        var applied = Applied()
        var header: ChangeEventHeader?
        switch decoded.content {
        case .message: break
        case .undecodable(let reason):
            remark("event cannot be decoded, logged with a gap", decoded, reason)
            // Where the header could be read, it is known which records are doubtful now.
            header = decoded.routing?.header
            if let header { applied = try apply(.withoutValues(header), of: decoded) }
            applied.gapReason = Gap.undecodable
        case .change(let change):
            header = change.header
            applied = try apply(change, of: decoded)
        }
        CrashPoint.appendBefore.reached()
        let event = try writer.append(
            NewEvent(
                event: decoded.event, eventName: decoded.eventName, routing: decoded.routing,
                transitions: applied.transitions, receivedAt: receivedAt))
        CrashPoint.appendAfter.reached()
        logged[place, default: []].append(event.content)
        if let gapReason = applied.gapReason {
            try writer.declare(
                Gap(topic: decoded.event.topic, position: event.position, reason: gapReason, declaredAt: receivedAt))
        }
        if let header {
            for succession in applied.successions {
                guard let version = succession.version(.event(header, event.position), now: receivedAt) else {
                    continue
                }
                versions[header.entityName, default: []].append(version)
            }
        }
        if let header, !applied.settled.isEmpty {
            try ledger.settle(applied.settled, of: header.entityName, by: .event)
        }
        if let reason = applied.gapReason ?? applied.entryReason {
            try ledger.enter(
                event, header, reason: reason, namesRecords: !applied.concernsUnnamed, doubtful: applied.doubtful)
        }
    }

    /// What has become of an event's records.
    private struct Applied {
        var transitions: [RecordTransition] = []
        /// Readers of the log are to be told of a gap.
        var gapReason: String?
        /// The table of gaps has an entry for it, though it is no hole in the log.
        var entryReason: String?
        /// Records without a name are concerned.
        var concernsUnnamed = false
        /// In doubt by this event, and not any more since.
        var doubtful: [RecordID] = []
        var settled: [RecordID] = []
        /// Of an object that has a history.
        var successions: [Succession] = []
    }

    private mutating func lookUpPlaces(of events: [DecodedEvent]) throws(StoreError) {
        for (topic, events) in Dictionary(grouping: events, by: \.event.topic) {
            for found in try writer.events(withReplayIDs: events.map(\.event.replayID), topic: topic) {
                logged[Place(topic: topic, key: found.content.event.replayID.key), default: []].append(found.content)
            }
        }
    }

    private mutating func lookUpRecords(of events: [DecodedEvent]) throws(StoreError) {
        var wanted: [String: Set<RecordID>] = [:]
        for event in events {
            guard let header = event.routing?.header, isTracked(header.entityName) else { continue }
            for text in header.recordIDs {
                if let id = RecordID(text) { wanted[header.entityName, default: []].insert(id) }
            }
        }
        for (entity, ids) in wanted {
            for id in ids { known[RecordKey(entity: entity, id: id)] = Known(isStored: false) }
            for record in try writer.records(entity: entity, ids: Array(ids)) {
                known[RecordKey(entity: entity, id: record.image.id)] = Known(record: record, isStored: true)
            }
        }
    }

    private mutating func writeRecords() throws(StoreError) {
        for key in changed {
            guard let known = known[key], known.isChanged, let record = known.record else { continue }
            CrashPoint.applyBefore.reached()
            if known.isStored { try writer.put(record) } else { try writer.insert(record) }
            CrashPoint.applyAfter.reached()
            self.known[key] = Known(record: record, isStored: true)
        }
        changed = []
    }

    /// Everything that is known of an object's records may be different in the store afterwards.
    private mutating func markForRefetch(_ entity: String) throws(StoreError) -> Int {
        try writeRecords()
        let marked = try writer.markForRefetch(entity: entity)
        for key in known.keys where key.entity == entity { known[key] = nil }
        return marked
    }

    private func isTracked(_ entity: String) -> Bool { trackedEntities?.contains(entity) ?? true }

    private mutating func apply(_ change: ChangeEvent, of decoded: DecodedEvent) throws(StoreError) -> Applied {
        let entity = change.header.entityName
        var applied = Applied()
        if change.saysTooLittle { applied.entryReason = change.header.changeType.rawValue }
        for string in change.header.recordIDs {
            guard let id = RecordID(string), id != .empty else {
                // `000000000000000AAA`: records without number; `001*`: all of them; anything else: nobody knows which.
                let isOverflow = change.header.changeType == .gapOverflow
                applied.gapReason = isOverflow ? Gap.overflow : string.hasSuffix("*") ? Gap.conversion : Gap.undecodable
                applied.concernsUnnamed = true
                let marked = isTracked(entity) ? try markForRefetch(entity) : 0
                remark(
                    "event concerns unnamed records", decoded,
                    "\(entity) \(string): \(marked) records marked for refetch")
                continue
            }
            guard isTracked(entity) else { continue }
            let known = try record(entity, id)
            let outcome = RecordChange(event: change, id: id).outcome(on: known)
            if let row = outcome.row {
                note(row)
                if let known, withHistory.contains(entity) {
                    applied.successions.append(Succession(former: known, record: row))
                }
            }
            if outcome.diffFailed {
                remark("text diff does not fit, refetch due", decoded, "\(entity) \(id)")
                applied.entryReason = Gap.textDifference
            }
            let isDoubtful = (outcome.row ?? known)?.needsRefetch ?? false
            if isDoubtful, change.saysTooLittle || outcome.diffFailed { applied.doubtful.append(id) }
            if !isDoubtful, known?.needsRefetch ?? false { applied.settled.append(id) }
            applied.transitions.append(outcome.transition)
        }
        return applied
    }

    private mutating func record(_ entity: String, _ id: RecordID) throws(StoreError) -> StoredRecord? {
        let key = RecordKey(entity: entity, id: id)
        if let known = known[key] { return known.record }
        let record = try writer.record(entity: entity, id: id)
        known[key] = Known(record: record, isStored: record != nil)
        return record
    }

    private mutating func note(_ record: StoredRecord) {
        let key = RecordKey(entity: record.image.entity, id: record.image.id)
        guard var known = known[key] else { preconditionFailure("a record is looked up before it is changed") }
        if !known.isChanged { changed.append(key) }
        known.record = record
        known.isChanged = true
        self.known[key] = known
    }

    private mutating func remark(_ message: Logger.Message, _ decoded: DecodedEvent, _ detail: String) {
        remarks.append(
            Remark(
                message: message, topic: decoded.event.topic, detail: "replay id \(decoded.event.replayID): \(detail)"))
    }
}

extension ChangeEvent {
    /// Something has happened to the records, and the event does not say what.
    fileprivate var saysTooLittle: Bool { header.changeType.isGap || header.changeType == .snapshot }

    /// What an event is worth whose body cannot be read: that of Salesforce's own GAP event for the same change.
    static func withoutValues(_ header: ChangeEventHeader) -> ChangeEvent {
        var header = header
        switch header.changeType {
        case .create: header.changeType = .gapCreate
        case .update: header.changeType = .gapUpdate
        case .delete: header.changeType = .gapDelete
        case .undelete: header.changeType = .gapUndelete
        case .gapCreate, .gapUpdate, .gapDelete, .gapUndelete, .gapOverflow, .snapshot: break
        }
        return ChangeEvent(
            header: header, changedFields: [], nulledFields: [], diffFields: [], values: [:], enrichedFields: [])
    }
}

extension Gap {
    /// More than 100,000 changes in a transaction: some were not sent.
    static let overflow = "overflow"
    /// A mass conversion of a field: the values of every record of the object may have changed.
    static let conversion = "conversion"
    /// An event came that cannot be read.
    static let undecodable = "undecodable"
    /// A long text came as a difference to one that is not what is stored.
    static let textDifference = "text difference"
}
