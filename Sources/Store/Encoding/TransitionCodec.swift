import ChangeEvents

/// The before and after images of an event as one column.
///
/// The after image mostly repeats the before image, so it is kept as the difference: half the bytes, and reading it copies a
/// dictionary and touches a few fields instead of building a second one.
///
/// Format 1: `version, count, transition…`; a transition is `presence, id: 18 bytes, [before], [after]`.
enum TransitionCodec {
    static let version: UInt8 = 1

    private enum Presence {
        static let before: UInt8 = 1
        static let after: UInt8 = 2
        static let all: UInt8 = 3
    }

    /// Nil for an event without transitions: the column is NULL then.
    static func encode(_ transitions: [RecordTransition]) -> [UInt8]? {
        if transitions.isEmpty { return nil }
        let fields = transitions.reduce(0) { $0 + ($1.before?.fields.count ?? $1.after?.fields.count ?? 0) + 4 }
        var writer = ColumnWriter(reserving: 64 + fields * ImageCodec.bytesPerField)
        writer.write(byte: version)
        writer.write(count: transitions.count)
        for transition in transitions {
            writer.write(
                byte: (transition.before == nil ? 0 : Presence.before) | (transition.after == nil ? 0 : Presence.after))
            ImageCodec.write(transition.id, to: &writer)
            if let before = transition.before { ImageCodec.write(before, outerID: transition.id, to: &writer) }
            guard let after = transition.after else { continue }
            if let before = transition.before, before.entity.utf8.elementsEqual(after.entity.utf8),
                before.id == after.id
            {
                writeDelta(from: before, to: after, writer: &writer)
            } else {
                ImageCodec.write(after, outerID: transition.id, to: &writer)
            }
        }
        return writer.bytes
    }

    static func decode(_ bytes: UnsafeRawBufferPointer, names: NameCache) throws(ColumnError) -> [RecordTransition] {
        var reader = ColumnReader(bytes, names: names)
        try ImageCodec.checkVersion(&reader, version)
        let count = try reader.readCount()
        var transitions: [RecordTransition] = []
        transitions.reserveCapacity(count)
        for _ in 0..<count {
            let presence = try reader.readByte()
            guard presence & ~Presence.all == 0 else { throw reader.failure("unknown transition flags \(presence)") }
            let id = try ImageCodec.readID(from: &reader)
            var transition = RecordTransition(id: id, before: nil, after: nil)
            if presence & Presence.before != 0 {
                let flags = try ImageCodec.readFlags(&reader)
                transition.before = try ImageCodec.readWhole(flags: flags, outerID: id, from: &reader)
            }
            if presence & Presence.after != 0 {
                let flags = try ImageCodec.readFlags(&reader)
                if flags & ImageCodec.Flag.isDelta == 0 {
                    transition.after = try ImageCodec.readWhole(flags: flags, outerID: id, from: &reader)
                } else {
                    guard let before = transition.before else { throw reader.failure("a delta without a before image") }
                    transition.after = try readDelta(flags: flags, on: before, from: &reader)
                }
            }
            transitions.append(transition)
        }
        try reader.finish()
        return transitions
    }

    private static func writeDelta(from before: RecordImage, to after: RecordImage, writer: inout ColumnWriter) {
        writer.write(byte: (after.isComplete ? ImageCodec.Flag.isComplete : 0) | ImageCodec.Flag.isDelta)
        let (old, new) = (before.fields.shaped(as: after.fields.shape), after.fields)
        let shape = old.shape
        var changed: [Int] = []
        var removed: [String] = []
        for place in shape.names.indices {
            // What the old image has beyond the new one's names stands behind them.
            let value = place < new.shape.names.count ? new[place] : nil
            switch (old[place], value) {
            case (nil, nil): break
            case (.some(let old), .some(let value)) where old.isBitwiseEqual(to: value): break
            case (_, .some): changed.append(place)
            case (.some, nil): removed.append(shape.names[place])
            }
        }
        writer.write(count: changed.count)
        for place in changed {
            writer.write(string: shape.names[place])
            ImageCodec.write(new[place] ?? .null, to: &writer)
        }
        writer.write(strings: removed)
    }

    private static func readDelta(
        flags: UInt8, on before: RecordImage, from reader: inout ColumnReader
    ) throws(ColumnError) -> RecordImage {
        var after = before
        after.isComplete = flags & ImageCodec.Flag.isComplete != 0
        let changed = try reader.readCount()
        for _ in 0..<changed {
            let name = try reader.readName()
            after.fields[name] = try ImageCodec.readValue(from: &reader)
        }
        let removed = try reader.readCount()
        for _ in 0..<removed {
            let name = try reader.readName()
            guard after.fields[name] != nil else {
                throw reader.failure("a delta removes a field that is not there")
            }
            after.fields[name] = nil
        }
        return after
    }
}

extension FieldValue {
    /// Equality as bytes: `==` takes 0 for -0, composed for decomposed letters, and no NaN for itself.
    func isBitwiseEqual(to other: FieldValue) -> Bool {
        switch (self, other) {
        case (.double(let left), .double(let right)): left.bitPattern == right.bitPattern
        case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
        case (.list(let left), .list(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
        case (.null, _), (.boolean, _), (.integer, _), (.double, _), (.string, _), (.date, _), (.dateTime, _),
            (.time, _),
            (.list, _):
            self == other
        }
    }
}
