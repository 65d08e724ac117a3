internal import Matching

/// What the loop's memory of the log means to subscriptions that are judged alike, so that of a crowd that comes back one is
/// judged for all, and the others only get its frames. Owned by one loop.
///
/// Notes are kept for lots of two and more; who is alone is judged as it goes. Bounded: a full book is begun anew.
struct ReplayBook {
    /// One frame for all of a lot.
    struct Hit {
        var place: LogPlace
        /// Index of the record in a merged event.
        var record: UInt32
        var kind: FrameKey.Kind
    }

    /// A stretch of the log as one lot sees it. Shared by reference: it grows as members of the lot go on.
    final class Notes {
        /// Everything after this place and up to `through` has been judged.
        let after: LogPlace
        private(set) var through: LogPlace
        /// In the log's order.
        private(set) var hits: [Hit] = []
        /// The events that a direct subscriber would have been sent.
        private(set) var seen: [LogPlace] = []

        var entryCount: Int { hits.count + seen.count }

        init(after place: LogPlace) {
            after = place
            through = place
        }

        func append(_ hit: Hit) { hits.append(hit) }

        func sawEvent(at place: LogPlace) { seen.append(place) }

        func reach(_ place: LogPlace) { through = max(through, place) }

        /// The hits after a place.
        func hits(after place: LogPlace) -> ArraySlice<Hit> {
            hits[hits.partitionPoint { $0.place > place }...]
        }

        /// How many events lie after a place, up to another.
        func seenCount(after place: LogPlace, upTo end: LogPlace) -> Int {
            max(0, seen.partitionPoint { $0 > end } - seen.partitionPoint { $0 > place })
        }
    }

    /// One lot while it is judged.
    struct Lot {
        /// One of its subscriptions.
        var slot: SubscriptionSlot
        var form: EventForm
        var notes: Notes
    }

    static let lotsMax = 256
    /// Notes of more entries than this are begun anew, however much of them is still in the loop's memory.
    static let entriesMax = 8_192

    private var notes: [UInt64: Notes] = [:]

    /// Notes that begin at the place or before it, and reach into the loop's memory.
    /// - Parameter floor: of the loop's memory; the place is not before it.
    mutating func notes(for kin: Kin?, at place: LogPlace, floor: LogPlace) -> Notes {
        guard let kin, kin.count > 1 else { return Notes(after: place) }
        if let found = notes[kin.serial], found.after <= place, found.through >= floor,
            found.entryCount < Self.entriesMax
        {
            return found
        }
        let new = Notes(after: place)
        if notes.count >= Self.lotsMax { notes.removeAll() }
        notes[kin.serial] = new
        return new
    }

    /// Nobody is behind: the notes have served.
    mutating func clear() {
        if !notes.isEmpty { notes = [:] }
    }
}

extension Array {
    /// The first index whose element, and that of all after it, satisfies what none before it does.
    fileprivate func partitionPoint(_ isBehind: (Element) -> Bool) -> Int {
        var low = startIndex
        var high = endIndex
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
