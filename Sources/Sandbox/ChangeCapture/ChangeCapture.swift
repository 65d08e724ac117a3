import ChangeEvents
import Foundation
import NIOCore
import Store

/// Turns the changes of one transaction into events of the log, within that transaction. What is not committed is never
/// published, and what is committed is never published twice.
struct ChangeCapture {
    /// A larger event goes out without its body, as a gap.
    static let eventBytesMax = 1_048_576

    let captured: [String: CapturedObject]
    /// Changes of one transaction that get events; the rest is told by one overflow event per object.
    let changesPerTransactionMax: Int

    /// Answers how many events there were, by name.
    func publish(
        _ transaction: OrgTransaction, origin: ChangeOrigin, into writer: any StoreWriter, receivedAt: Int64
    ) throws -> [String: Int] {
        let drafts = ChangeDraft.drafts(of: transaction.changes, captured: captured)
        let commit = transaction.counters.nextCommit(step: Int64.random(in: 1...40))
        guard !drafts.isEmpty else { return [:] }
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
            let header = try headers.next(draft)
            try append(
                draft.captured, header, isGap: fault == .gap, values: draft.values, changed: draft.changed,
                transitions: draft.transitions,
                replayID: transaction.counters.nextReplayID(skipping: skipped), into: writer, receivedAt: receivedAt)
            skipped = 0
        }
        for object in overflowed {
            counts[object.object.changeEventName, default: 0] += 1
            try append(
                object, headers.overflow(of: object), isGap: false, values: [:], changed: [], transitions: [],
                replayID: transaction.counters.nextReplayID(skipping: skipped), into: writer, receivedAt: receivedAt)
            skipped = 0
        }
        return counts
    }

    private func append(
        _ captured: CapturedObject, _ header: ChangeEventHeader, isGap: Bool, values: [String: FieldValue],
        changed: [String],
        transitions: [RecordTransition], replayID: ReplayID, into writer: any StoreWriter, receivedAt: Int64
    ) throws {
        var header = header
        var changed = changed
        var payload = try captured.schema.encode(header: header, values: values)
        if isGap || payload.readableBytes > Self.eventBytesMax {
            header.changeType = Self.gap(for: header.changeType)
            header.changedFields = []
            header.nulledFields = []
            header.diffFields = []
            changed = []
            payload = try captured.schema.encode(header: header, values: [:])
        }
        let event = ReceivedEvent(
            topic: captured.object.changeEventTopic, replayID: replayID, eventID: UUID().uuidString.lowercased(),
            schemaID: captured.schema.id, payload: payload)
        try BusHead.keepPlace(writer)
        _ = try writer.append(
            NewEvent(
                event: event, eventName: captured.object.changeEventName,
                routing: EventRouting(header: header, changedFields: captured.expandedNames(of: changed)),
                transitions: transitions, receivedAt: receivedAt))
        try BusHead.write(replayID, writer)
    }

    /// A UUID in shape; an org's begin with three zeros.
    static func transactionKey() -> String { "000" + UUID().uuidString.lowercased().dropFirst(3) }

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

    mutating func next(_ draft: ChangeDraft) throws -> ChangeEventHeader {
        var header = next(draft.captured, draft.changeType, ids: draft.transitions.map(\.id.string))
        header.changedFields = try draft.captured.bitmap(of: draft.changed)
        header.nulledFields = try draft.captured.bitmap(of: draft.nulled)
        header.diffFields = try draft.captured.bitmap(of: draft.diffs)
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
