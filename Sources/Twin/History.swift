public import ChangeEvents
import NIOCore
public import Store

/// Whether and for how long it is kept what an object's records were.
public enum History: Sendable, Hashable {
    case forever
    /// Since a version ended.
    case kept(Duration)
}

/// What became of a record, and what it was.
struct Succession {
    enum Cause {
        case event(ChangeEventHeader, Position)
        /// The org was asked. Fields whose change alone counts for nothing are ignored: those that no event brings.
        case reading(ignoring: Set<String>)
        case absence
    }

    let former: StoredRecord
    /// Nil: there is none any more.
    let record: StoredRecord?

    /// The row of the history table; nil where nothing has changed that is known.
    func version(_ cause: Cause, now: Int64) -> FormerVersion? {
        // A row that only says that there is a record was never a version of it.
        if former.image.fields.isEmpty, !former.image.isComplete { return nil }
        let changes = record.map { self.changes(to: $0) } ?? []
        let isDeleted = record?.isDeleted ?? true
        let change: String
        var ignored: Set<String> = []
        var isEnd = false
        var (validTo, commitUser, position): (Int64, String?, Position?) = (now, nil, nil)
        switch cause {
        case .event(let header, let place):
            change = header.changeType.rawValue
            validTo = header.commitTimestamp
            commitUser = header.commitUser.isEmpty ? nil : header.commitUser
            position = place
        case .reading(let names):
            change = FormerVersion.read
            ignored = names
            // By the stamp of the row, where it says when.
            if let record, record.commitTimestamp > former.commitTimestamp { validTo = record.commitTimestamp }
        case .absence:
            change = FormerVersion.gone
            isEnd = true
        }
        guard
            isEnd || isDeleted != former.isDeleted
                || changes.contains(where: { $0.isKnown && !ignored.contains($0.name) })
        else { return nil }
        return FormerVersion(
            id: former.image.id, validFrom: former.commitTimestamp, validTo: validTo, isDeleted: former.isDeleted,
            isComplete: former.image.isComplete, change: change, commitUser: commitUser, position: position,
            changes: Self.json(changes), record: Self.json(former.image.fields))
    }

    private struct Change {
        var name: String
        /// Nil: not known.
        var old: FieldValue?
        var new: FieldValue?

        /// What it was: a value that comes to be known has not changed by that.
        var isKnown: Bool { old != nil }
    }

    /// By name.
    private func changes(to record: StoredRecord) -> [Change] {
        let (old, new) = (former.image, record.image)
        var changes: [Change] = []
        for (name, value) in old.fields {
            let other = new.fields[name] ?? (new.isComplete ? .null : nil)
            if other != value { changes.append(Change(name: name, old: value, new: other)) }
        }
        for (name, value) in new.fields where old.fields[name] == nil {
            if old.isComplete, value == .null { continue }
            changes.append(Change(name: name, old: old.isComplete ? .null : nil, new: value))
        }
        return changes.sorted { $0.name < $1.name }
    }

    // JSON, with the values as events show them.

    private static func json(_ changes: [Change]) -> String {
        var buffer = ByteBuffer()
        buffer.writeStaticString("{")
        for (index, change) in changes.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            buffer.writeJSON(string: change.name)
            buffer.writeStaticString(":{")
            if let old = change.old { write("old", old, to: &buffer) }
            if change.old != nil, change.new != nil { buffer.writeStaticString(",") }
            if let new = change.new { write("new", new, to: &buffer) }
            buffer.writeStaticString("}")
        }
        buffer.writeStaticString("}")
        return String(buffer: buffer)
    }

    private static func json(_ fields: RecordFields) -> String {
        var buffer = ByteBuffer()
        buffer.writeStaticString("{")
        for (index, field) in fields.sorted(by: { $0.key < $1.key }).enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            write(field.key, field.value, to: &buffer)
        }
        buffer.writeStaticString("}")
        return String(buffer: buffer)
    }

    /// PostgreSQL's `jsonb` takes no NUL: U+FFFD stands for it.
    private static func write(_ name: String, _ value: FieldValue, to buffer: inout ByteBuffer) {
        buffer.writeJSON(string: name)
        buffer.writeStaticString(":")
        switch value {
        case .string(let text) where text.utf8.contains(0):
            buffer.writeJSON(string: String(text.map { $0 == "\0" ? "\u{FFFD}" : $0 }))
        default: buffer.writeJSON(value: value)
        }
    }
}

extension Twin {
    /// Drops what is past its time; answers how many versions.
    func trimHistory() async throws -> Int {
        var total = 0
        for (entity, history) in configuration.history {
            guard case .kept(let duration) = history else { continue }
            let endedBefore = configuration.now() - Int64(duration / .milliseconds(1))
            while !Task.isCancelled {
                let dropped = try await store.write {
                    try $0.trimHistory(entity: entity, endedBefore: endedBefore)
                }
                total += dropped
                if dropped == 0 { break }
            }
        }
        return total
    }

    /// What a record was, newest first. Throws `ReplicaError` where the object has no history.
    public func history(of entity: String, id: RecordID, limit: Int) async throws -> [FormerVersion] {
        guard configuration.history[entity] != nil else {
            throw ReplicaError(.unknownObject, "\(entity) has no history: say history: true at the object.")
        }
        return try await store.read { try $0.history(entity: entity, id: id, limit: limit) }
    }
}
