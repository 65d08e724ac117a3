internal import ChangeEvents

/// The newest items of the log in the memory of one loop, in order and without a hole between `floor` and `head`.
///
/// A client that resumes from within it is served without a read of the store. Bounded in items and bytes.
struct RecentLog {
    private let countMax: Int
    private let bytesMax: Int
    private var items: [LogItem?]
    private var oldest = 0
    private(set) var count = 0
    private var bytes = 0
    private var placesByReplayID: [ReplayID: LogPlace] = [:]
    /// Everything after this place is here.
    private(set) var floor: LogPlace
    /// The last item that the loop has handled.
    private(set) var head: LogPlace
    /// The newest replay id by family of topics, with its place.
    private var familyHeads: [String: (place: LogPlace, replayID: ReplayID)] = [:]
    private var lastReplayID: ReplayID?
    /// Of the newest item that a client can resume from, whatever its family.
    private(set) var newestPlace = LogPlace.start

    /// - Parameters:
    ///   - head: where it begins when nothing is remembered.
    ///   - recent: what it begins with: entries without a hole.
    init(countMax: Int, bytesMax: Int, head: LogPlace, recent: [LogItem] = []) {
        self.countMax = countMax
        self.bytesMax = bytesMax
        items = Array(repeating: nil, count: countMax)
        floor = recent.first.map { LogPlace(rawValue: $0.place.rawValue - 1) } ?? head
        self.head = floor
        for item in recent { append(item) }
    }

    /// The newest item; items come in order.
    mutating func append(_ item: LogItem) {
        while count == countMax || (bytes + item.bytes > bytesMax && count > 0) { dropOldest() }
        items[(oldest + count) % countMax] = item
        count += 1
        bytes += item.bytes
        head = max(head, item.place)
        if let replayID = item.replayID {
            if item.event != nil { placesByReplayID[replayID] = item.place }
            familyHeads[PushChannel.family(of: item.topic)] = (item.place, replayID)
            lastReplayID = replayID
            newestPlace = item.place
        }
    }

    /// Items were missed: nothing before `place` is here any more.
    mutating func skip(to place: LogPlace) {
        while count > 0 { dropOldest() }
        head = max(head, place)
        floor = head
    }

    /// Up to `limit` items after a place, oldest first; nil when some of them are no longer (or not yet) here.
    func items(after place: LogPlace, limit: Int) -> [LogItem]? {
        guard place >= floor else { return nil }
        let first = index(after: place)
        return (first..<min(count, first + limit)).map { self[$0] }
    }

    /// The item at a place, when it is here.
    func item(at place: LogPlace) -> LogItem? {
        let index = index(after: place) - 1
        guard index >= 0, self[index].place == place else { return nil }
        return self[index]
    }

    /// Where a replay id of this topic family stands, when it is here.
    func item(of replayID: ReplayID, family: String) -> LogItem? {
        guard let place = placesByReplayID[replayID], let item = item(at: place),
            PushChannel.family(of: item.topic) == family
        else { return nil }
        return item
    }

    /// The replay id to keep as one's place for a channel, and since when it is that.
    func newestReplayID(channel: String) -> (place: LogPlace, replayID: ReplayID?) {
        if let (place, replayID) = familyHeads[PushChannel.family(of: channel)] { return (place, replayID) }
        return (.start, lastReplayID)
    }

    /// The index of the first item after a place.
    private func index(after place: LogPlace) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].place <= place { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private subscript(index: Int) -> LogItem {
        guard let item = items[(oldest + index) % countMax] else { preconditionFailure("the ring holds `count` items") }
        return item
    }

    private mutating func dropOldest() {
        let item = self[0]
        items[oldest] = nil
        oldest = (oldest + 1) % countMax
        count -= 1
        bytes -= item.bytes
        floor = max(floor, item.place)
        if let replayID = item.replayID, placesByReplayID[replayID] == item.place { placesByReplayID[replayID] = nil }
    }
}
