import ChangeEvents
import Logging
import Store

/// One batch in one transaction: for each event the records it concerns, their images and the log; then the cursor.
///
/// Made for one transaction, used on the store's thread.
struct Ingestion {
    let writer: any StoreWriter
    let ledger: GapLedger
    let trackedEntities: Set<String>?
    let receivedAt: Int64
    /// Of what the transaction found out; logged after it is committed.
    private(set) var remarks: [Remark] = []

    struct Remark: Sendable {
        var message: Logger.Message
        var topic: String
        var detail: String
    }

    init(writer: any StoreWriter, ledger: GapLedger, trackedEntities: Set<String>?, receivedAt: Int64) {
        self.writer = writer
        self.ledger = ledger
        self.trackedEntities = trackedEntities
        self.receivedAt = receivedAt
    }

    mutating func ingest(_ decoded: DecodedEvent) throws(StoreError) {
        if try isLogged(decoded) { return }
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
        let logged = try writer.append(
            NewEvent(
                event: decoded.event, eventName: decoded.eventName, routing: decoded.routing,
                transitions: applied.transitions, receivedAt: receivedAt))
        if let gapReason = applied.gapReason {
            try writer.declare(
                Gap(topic: decoded.event.topic, position: logged.position, reason: gapReason, declaredAt: receivedAt))
        }
        if let header, !applied.settled.isEmpty {
            try ledger.settle(applied.settled, of: header.entityName, by: .event)
        }
        if let reason = applied.gapReason ?? applied.entryReason {
            try ledger.enter(
                logged, header, reason: reason, namesRecords: !applied.concernsUnnamed, doubtful: applied.doubtful)
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
    }

    private func isLogged(_ decoded: DecodedEvent) throws(StoreError) -> Bool {
        try writer.events(withReplayID: decoded.event.replayID, topic: decoded.event.topic)
            .contains { decoded.isRedelivery(of: $0.content) }
    }

    private mutating func apply(_ change: ChangeEvent, of decoded: DecodedEvent) throws(StoreError) -> Applied {
        let entity = change.header.entityName
        let isTracked = trackedEntities?.contains(entity) ?? true
        var applied = Applied()
        if change.saysTooLittle { applied.entryReason = change.header.changeType.rawValue }
        for string in change.header.recordIDs {
            guard let id = RecordID(string), id != .empty else {
                // `000000000000000AAA`: records without number; `001*`: all of them; anything else: nobody knows which.
                let isOverflow = change.header.changeType == .gapOverflow
                applied.gapReason = isOverflow ? Gap.overflow : string.hasSuffix("*") ? Gap.conversion : Gap.undecodable
                applied.concernsUnnamed = true
                let marked = isTracked ? try writer.markForRefetch(entity: entity) : 0
                remark(
                    "event concerns unnamed records", decoded,
                    "\(entity) \(string): \(marked) records marked for refetch")
                continue
            }
            guard isTracked else { continue }
            let known = try writer.record(entity: entity, id: id)
            let outcome = RecordChange(event: change, id: id).outcome(on: known)
            if let row = outcome.row { try writer.put(row) }
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
