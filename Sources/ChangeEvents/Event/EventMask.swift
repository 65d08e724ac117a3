import Synchronization

extension EventSchema {
    /// Which fields a JSON payload may hold; made once per subscription class, not per event.
    ///
    /// Names are flat REST names (`ShippingStreet`); the name of a compound (`ShippingAddress`) admits all its components.
    /// A mask remembers what it means for each schema it was used with, so keep it and pass it again.
    public struct Mask: Sendable, Hashable {
        /// nil: all fields.
        public var flatNames: Set<String>? {
            didSet { meanings = MaskMeanings() }
        }
        private var meanings = MaskMeanings()

        public init(flatNames: Set<String>?) { self.flatNames = flatNames }

        public static let all = Mask(flatNames: nil)

        public static func == (left: Mask, right: Mask) -> Bool { left.flatNames == right.flatNames }
        public func hash(into hasher: inout Hasher) { hasher.combine(flatNames) }

        /// The slots that the mask admits of a schema, as words of a `SlotSet`; nil for all.
        func words(for schema: EventSchema) -> FrozenTable<UInt64>? {
            guard let flatNames else { return nil }
            return meanings.words(for: schema) { schema.words(admitting: flatNames) }
        }
    }

    fileprivate func words(admitting flatNames: Set<String>) -> FrozenTable<UInt64> {
        var words = [UInt64](repeating: 0, count: program.wordCount)
        func insert(_ slot: Int) { words[slot >> 6] |= 1 << UInt64(slot & 63) }
        var slot = fields.count
        for (index, field) in fields.enumerated() {
            let isNamed = flatNames.contains(field.name)
            var admitted = 0
            for flatName in field.flatNames.prefix(field.components.count) {
                if isNamed || flatNames.contains(flatName) {
                    insert(slot)
                    admitted += 1
                }
                slot += 1
            }
            if isNamed || (!field.components.isEmpty && admitted == field.components.count) { insert(index) }
        }
        return FrozenTable(words)
    }
}

/// What one mask means for the schemas that it was used with. Shared by the copies of the mask and by all threads; the
/// lock is held for a look at a short list, or once per schema for working the meaning out.
private final class MaskMeanings: Sendable {
    /// Schemas change seldom; an org's channel holds as many as it has objects.
    private static let entriesMax = 256

    private struct Entry {
        /// Strong, so that the address in it cannot be reused by another schema.
        var schema: EventSchema
        var words: FrozenTable<UInt64>
    }

    private let entries = Mutex<[Entry]>([])

    func words(for schema: EventSchema, make: () -> FrozenTable<UInt64>) -> FrozenTable<UInt64> {
        entries.withLock { entries in
            if let entry = entries.first(where: { $0.schema === schema }) { return entry.words }
            if entries.count == Self.entriesMax { entries.removeFirst() }
            let words = make()
            entries.append(Entry(schema: schema, words: words))
            return words
        }
    }
}
