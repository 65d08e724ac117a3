import ChangeEvents
import Foundation
import NIOCore
import Store

/// Turns the changes of one transaction into events of the log, within that transaction. What is not committed is never
/// published, and what is committed is never published twice.
struct ChangeCapture {
    /// A larger event goes out without its body, as a gap.
    static let eventBytesMax = 1_048_576

    /// By object.
    let captured: [String: CapturedObject]
    /// Names of the events that are published.
    let selected: Set<String>
    /// Changes of one transaction that get events; the rest is told by one overflow event per object.
    let changesPerTransactionMax: Int

    static let nothing = ChangeCapture(captured: [:], selected: [], changesPerTransactionMax: 0)

    /// Answers how many events there were, by name.
    func publish(
        _ transaction: OrgTransaction, origin: ChangeOrigin, into writer: any StoreWriter, receivedAt: Int64
    ) throws -> [String: Int] {
        let drafts = ChangeDraft.drafts(of: transaction.changes) { object in
            selected.contains(object.changeEventName) ? captured[object.name] : nil
        }
        let commit = transaction.counters.nextCommit(step: Int64.random(in: 1...40))
        guard !drafts.isEmpty else { return [:] }
        try BusHead.keepPlace(writer)
        var counts: [String: Int] = [:]
        var headers = HeaderSequence(
            changeOrigin: origin.text, transactionKey: Self.transactionKey(), commitTimestamp: transaction.now,
            commitNumber: commit, commitUser: transaction.userID)
        // Now and then other events of the org have taken replay ids in between.
        var skipped: UInt64 = Int.random(in: 0..<4) == 0 ? UInt64.random(in: 1...3) : 0
        var weight = 0
        var overflowed: [CapturedObject] = []
        for draft in drafts {
            weight += draft.weight
            let fault = transaction.faults?.changeFault(object: draft.captured.object.name)
            if weight > changesPerTransactionMax || fault == .overflow {
                if !overflowed.contains(where: { $0.object.name == draft.captured.object.name }) {
                    overflowed.append(draft.captured)
                }
                continue
            }
            counts[draft.captured.object.changeEventName, default: 0] += 1
            let header = headers.next(draft)
            try append(
                draft.captured, header, isGap: fault == .gap, values: draft.values, changed: draft.changed,
                transitions: draft.transitions,
                replayID: transaction.counters.nextReplayID(skipping: skipped), into: writer, receivedAt: receivedAt)
            skipped = 0
        }
        for object in overflowed {
            counts[object.object.changeEventName, default: 0] += 1
            try append(
                object, headers.overflow(of: object), isGap: false, values: RecordFields(), changed: [],
                transitions: [], replayID: transaction.counters.nextReplayID(skipping: skipped), into: writer,
                receivedAt: receivedAt)
            skipped = 0
        }
        try BusHead.write(ReplayID(counter: transaction.counters.replay), writer)
        return counts
    }

    private func append(
        _ captured: CapturedObject, _ header: ChangeEventHeader, isGap: Bool, values: RecordFields, changed: [Int],
        transitions: [RecordTransition], replayID: ReplayID, into writer: any StoreWriter, receivedAt: Int64
    ) throws {
        var header = header
        var changed = changed
        var payload = try captured.encoder.encode(header: header, fields: values)
        if isGap || payload.readableBytes > Self.eventBytesMax {
            header.changeType = Self.gap(for: header.changeType)
            header.changedFields = []
            header.nulledFields = []
            header.diffFields = []
            changed = []
            payload = try captured.encoder.encode(header: header, fields: RecordFields())
        }
        let event = ReceivedEvent(
            topic: captured.object.changeEventTopic, replayID: replayID, eventID: EventUUID.random(),
            schemaID: captured.schema.id, payload: payload)
        _ = try writer.append(
            NewEvent(
                event: event, eventName: captured.object.changeEventName,
                routing: EventRouting(header: header, changedFields: captured.expandedNames(of: changed)),
                transitions: transitions, receivedAt: receivedAt))
    }

    /// A UUID in shape; an org's begin with three zeros.
    static func transactionKey() -> String { "000" + EventUUID.random().dropFirst(3) }

    static func gap(for type: ChangeType) -> ChangeType {
        switch type {
        case .create: .gapCreate
        case .update: .gapUpdate
        case .delete: .gapDelete
        case .undelete: .gapUndelete
        case .gapCreate, .gapUpdate, .gapDelete, .gapUndelete, .gapOverflow, .snapshot: type
        }
    }
}

/// The headers of one transaction's events: numbered from 1, the rest the same.
private struct HeaderSequence {
    let changeOrigin: String
    let transactionKey: String
    let commitTimestamp: Int64
    let commitNumber: Int64
    let commitUser: String
    private var sequenceNumber: Int32 = 0

    init(
        changeOrigin: String, transactionKey: String, commitTimestamp: Int64, commitNumber: Int64, commitUser: String
    ) {
        self.changeOrigin = changeOrigin
        self.transactionKey = transactionKey
        self.commitTimestamp = commitTimestamp
        self.commitNumber = commitNumber
        self.commitUser = commitUser
    }

    mutating func next(_ draft: ChangeDraft) -> ChangeEventHeader {
        var header = next(draft.captured, draft.changeType, ids: draft.transitions.map(\.id.string))
        header.changedFields = draft.captured.bitmap(of: draft.changed)
        header.nulledFields = draft.captured.bitmap(of: draft.nulled)
        header.diffFields = draft.captured.bitmap(of: draft.diffs)
        return header
    }

    mutating func overflow(of object: CapturedObject) -> ChangeEventHeader {
        next(object, .gapOverflow, ids: [RecordID.empty.string])
    }

    private mutating func next(_ captured: CapturedObject, _ type: ChangeType, ids: [String]) -> ChangeEventHeader {
        sequenceNumber += 1
        return ChangeEventHeader(
            entityName: captured.object.name, recordIDs: ids, changeType: type, changeOrigin: changeOrigin,
            transactionKey: transactionKey, sequenceNumber: sequenceNumber, commitTimestamp: commitTimestamp,
            commitNumber: commitNumber, commitUser: commitUser)
    }
}
