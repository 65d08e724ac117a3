import ChangeEvents
import Testing

/// Rebuilds every record of the org from its change events, as a replicator does, and trusts nothing else.
struct RebuildingSubscriber {
    private(set) var records: [RecordID: [String: FieldValue]] = [:]
    private(set) var count = 0
    private var lastTransaction = ""
    private var lastNumber: Int32 = 0

    mutating func apply(_ event: ChangeEvent) throws {
        count += 1
        checkOrder(event.header)
        for text in event.header.recordIDs {
            let id = try #require(RecordID(text))
            switch event.header.changeType {
            case .create, .undelete:
                #expect(records[id] == nil, "\(id) was there before its \(event.header.changeType.rawValue)")
                records[id] = event.values
            case .update:
                var record = try #require(records[id], "\(id) was changed before it was there")
                for (name, value) in event.values { record[name] = value }
                for name in event.diffFields { try patch(&record, name, event, old: records[id]) }
                records[id] = record
            case .delete:
                #expect(records[id] != nil, "\(id) was deleted before it was there")
                records[id] = nil
            case .gapCreate, .gapUpdate, .gapDelete, .gapUndelete, .gapOverflow, .snapshot:
                Issue.record("nothing here is large enough for \(event.header.changeType.rawValue)")
            }
        }
    }

    /// Long texts may come as differences from the text before.
    private func patch(
        _ record: inout [String: FieldValue], _ name: String, _ event: ChangeEvent, old: [String: FieldValue]?
    ) throws {
        guard case .string(let diff) = event.values[name] ?? .null, case .string(let text) = old?[name] ?? .null else {
            Issue.record("a difference without its text: \(name)")
            return
        }
        record[name] = .string(try TextDiff.apply(diff, to: text))
    }

    /// Within a transaction the sequence numbers go up.
    private mutating func checkOrder(_ header: ChangeEventHeader) {
        if header.transactionKey == lastTransaction {
            #expect(header.sequenceNumber > lastNumber)
        } else {
            #expect(header.sequenceNumber == 1)
        }
        lastTransaction = header.transactionKey
        lastNumber = header.sequenceNumber
    }
}
