import ChangeEvents
import Store

/// What a transaction has written so far: the changes that become events, and how to take each step back.
struct ChangeJournal {
    /// A moment of the transaction.
    struct Place {
        fileprivate let steps: Int
    }

    private enum Step {
        /// A record as it stood in the store before; nil: it was not there.
        case record(RecordID, entity: String, before: StoredRecord?, after: StoredRecord?)
        case state(key: String, before: [UInt8]?)
        /// Something that others keep; called when it is taken back.
        case other(() throws -> Void)
    }

    private(set) var changes: [RecordChange] = []
    private var indexByID: [RecordID: Int] = [:]
    private var steps: [Step] = []

    var place: Place { Place(steps: steps.count) }

    /// `before`: as it stood in the store just now.
    mutating func put(_ object: ObjectDefinition, _ record: StoredRecord, before: StoredRecord?) {
        let id = record.image.id
        if let index = indexByID[id] {
            steps.append(.record(id, entity: object.name, before: before, after: changes[index].after))
            changes[index].after = record
        } else {
            steps.append(.record(id, entity: object.name, before: before, after: nil))
            indexByID[id] = changes.count
            changes.append(RecordChange(object: object, id: id, before: before, after: record))
        }
    }

    /// The record has left the store for good; that is no change of its own.
    mutating func removed(_ object: ObjectDefinition, _ record: StoredRecord) {
        let after = indexByID[record.image.id].map { changes[$0].after }
        steps.append(.record(record.image.id, entity: object.name, before: record, after: after ?? record))
    }

    mutating func setState(_ key: String, before: [UInt8]?) { steps.append(.state(key: key, before: before)) }

    /// `undo` is called when what was just done is taken back.
    mutating func note(undo: @escaping () throws -> Void) { steps.append(.other(undo)) }

    /// Adds to the images what events carry and the store does not hold. The last step of a transaction.
    mutating func complete(_ body: (ObjectDefinition, inout RecordImage) throws -> Void) rethrows {
        for index in changes.indices {
            let object = changes[index].object
            try body(object, &changes[index].after.image)
            if var before = changes[index].before {
                try body(object, &before.image)
                changes[index].before = before
            }
        }
    }

    mutating func undo(to place: Place, _ writer: any StoreWriter) throws {
        while steps.count > place.steps, let step = steps.popLast() {
            switch step {
            case .record(let id, let entity, let before, let after):
                if let before { try writer.put(before) } else { try writer.remove(entity: entity, id: id) }
                guard let index = indexByID[id] else { continue }
                if let after {
                    changes[index].after = after
                } else {
                    // The first touch is taken back, and with it everything that came later: it is the last change.
                    changes.remove(at: index)
                    indexByID[id] = nil
                }
            case .state(let key, let before):
                try writer.setState(key, to: before)
            case .other(let undo):
                try undo()
            }
        }
    }
}
