import ChangeEvents
import CrashPoints
import Logging
import Store

/// One batch in one transaction: for each event the records it concerns, their images and the log; then the cursor.
///
/// Made for one transaction, used on the store's thread.
struct Ingestion {
    let writer: any StoreWriter
    let trackedEntities: Set<String>?
    let receivedAt: Int64
    /// Of what the transaction found out; logged after it is committed.
    private(set) var remarks: [Remark] = []

    struct Remark: Sendable {
        var message: Logger.Message
        var topic: String
        var detail: String
    }

    init(writer: any StoreWriter, trackedEntities: Set<String>?, receivedAt: Int64) {
        self.writer = writer
        self.trackedEntities = trackedEntities
        self.receivedAt = receivedAt
    }

    mutating func ingest(_ decoded: DecodedEvent) throws(StoreError) {
        if try isLogged(decoded) { return }
        var transitions: [RecordTransition] = []
        var gapReason: String?
        switch decoded.content {
        case .message: break
        case .undecodable(let reason):
            remark("event cannot be decoded, logged with a gap", decoded, reason)
            // Where the header could be read, it is known which records are doubtful now.
            if let header = decoded.routing?.header {
                (transitions, _) = try apply(.withoutValues(header), of: decoded)
            }
            gapReason = Gap.undecodable
        case .change(let change):
            (transitions, gapReason) = try apply(change, of: decoded)
        }
        CrashPoint.appendBefore.reached()
        let logged = try writer.append(
            NewEvent(
                event: decoded.event, eventName: decoded.eventName, routing: decoded.routing, transitions: transitions,
                receivedAt: receivedAt))
        CrashPoint.appendAfter.reached()
        if let gapReason {
            try writer.declare(
                Gap(topic: decoded.event.topic, position: logged.position, reason: gapReason, declaredAt: receivedAt))
        }
    }

    private func isLogged(_ decoded: DecodedEvent) throws(StoreError) -> Bool {
        try writer.events(withReplayID: decoded.event.replayID, topic: decoded.event.topic)
            .contains { decoded.isRedelivery(of: $0.content) }
    }

    private mutating func apply(
        _ change: ChangeEvent, of decoded: DecodedEvent
    ) throws(StoreError) -> (transitions: [RecordTransition], gapReason: String?) {
        let entity = change.header.entityName
        let isTracked = trackedEntities?.contains(entity) ?? true
        var transitions: [RecordTransition] = []
        var gapReason: String?
        for string in change.header.recordIDs {
            guard let id = RecordID(string), id != .empty else {
                // `000000000000000AAA`: records without number; `001*`: all of them; anything else: nobody knows which.
                let isOverflow = change.header.changeType == .gapOverflow
                gapReason = isOverflow ? Gap.overflow : string.hasSuffix("*") ? Gap.conversion : Gap.undecodable
                let marked = isTracked ? try writer.markForRefetch(entity: entity) : 0
                remark(
                    "event concerns unnamed records", decoded,
                    "\(entity) \(string): \(marked) records marked for refetch")
                continue
            }
            guard isTracked else { continue }
            let outcome = RecordChange(event: change, id: id).outcome(on: try writer.record(entity: entity, id: id))
            CrashPoint.applyBefore.reached()
            if let row = outcome.row { try writer.put(row) }
            CrashPoint.applyAfter.reached()
            if outcome.diffFailed { remark("text diff does not fit, refetch due", decoded, "\(entity) \(id)") }
            transitions.append(outcome.transition)
        }
        return (transitions, gapReason)
    }

    private mutating func remark(_ message: Logger.Message, _ decoded: DecodedEvent, _ detail: String) {
        remarks.append(
            Remark(
                message: message, topic: decoded.event.topic, detail: "replay id \(decoded.event.replayID): \(detail)"))
    }
}

extension ChangeEvent {
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
}
