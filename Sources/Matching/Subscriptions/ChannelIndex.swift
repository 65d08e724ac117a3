internal import SOQL

/// The subscriptions of one channel: distinct conditions, under each its frame classes, under each its slots; and the
/// index that finds the conditions.
///
/// Subscribing and unsubscribing touch the rows concerned and nothing else: no list is rebuilt. Owned by one loop.
struct ChannelIndex: ~Copyable {
    typealias Index = UInt32

    /// Stands for a term where a condition is filed under none.
    static let unfound = Index.max

    var terms = TermTable()
    private(set) var conditions = HashedRows<ConditionRow>(empty: ConditionRow())
    private(set) var groups = HashedRows<GroupRow>(empty: GroupRow())
    /// Conditions that no index finds: judged for every change.
    private(set) var scanned: [Index] = []
    var gathering = Gathering()

    init() {}

    deinit {
        for index in 0..<conditions.rows.limit where conditions[index].firstGroup != Index.max {
            ConditionRow.dispose(conditions.address(index))
        }
        for index in 0..<groups.rows.limit where !groups[index].slots.isEmpty {
            groups.address(index).pointee.slots.removeAll()
        }
    }

    var isEmpty: Bool { groups.count == 0 }
    var distinctConditions: Int { conditions.count }

    /// Answers the group and the place in it.
    /// - Parameter serial: the last that a group was given; a new group takes the next.
    mutating func insert(
        _ slot: SubscriptionSlot, frameClass: FrameClass, condition: Condition?, serial: inout UInt64
    ) -> (group: Index, place: UInt32) {
        let condition = self.condition(for: condition)
        let group = self.group(frameClass, of: condition, serial: &serial)
        let row = groups.address(group)
        row.pointee.slots.append(slot)
        return (group, row.pointee.slots.count - 1)
    }

    /// Answers the slot that has moved to this place.
    mutating func remove(group: Index, place: UInt32) -> SubscriptionSlot? {
        let row = groups.address(group)
        let moved = row.pointee.slots.remove(at: Int(place))
        guard row.pointee.slots.isEmpty else { return moved }
        let condition = row.pointee.condition
        let (preceding, following) = (row.pointee.preceding, row.pointee.following)
        if preceding == Index.max {
            conditions[condition].firstGroup = following
        } else {
            groups[preceding].following = following
        }
        if following != Index.max { groups[following].preceding = preceding }
        groups.remove(group)
        if conditions[condition].firstGroup == Index.max { remove(condition) }
        return nil
    }

    func kin(ofGroup group: Index) -> Kin {
        let row = groups.address(group)
        return Kin(serial: row.pointee.serial, count: Int(row.pointee.slots.count))
    }

    /// Memory held, in bytes; walks all rows.
    var bytes: Int {
        var bytes = terms.bytes + conditions.bytes + groups.bytes
        for index in 0..<conditions.rows.limit where conditions[index].firstGroup != Index.max {
            bytes += ConditionRow.heapBytes(conditions.address(index))
        }
        for index in 0..<groups.rows.limit { bytes += groups[index].slots.heapBytes }
        return bytes
    }

    // MARK: Conditions

    private mutating func condition(for condition: Condition?) -> Index {
        let form = condition.map { NormalForm($0) }
        let words = form.map { terms.formula(of: $0) } ?? []
        let hash = Self.hash(words)
        if let found = conditions.first(hash: hash, where: { ConditionRow.words($0).elementsEqual(words) }) {
            words.withUnsafeBufferPointer { terms.release($0) }
            return found
        }
        let index = conditions.insert(hash: hash)
        ConditionRow.setWords(words, of: conditions.address(index))
        file(index, form)
        return index
    }

    private mutating func file(_ condition: Index, _ form: NormalForm?) {
        let row = conditions.address(condition)
        guard let form, let plan = AccessPlan(form, load: { terms.load($0) }) else {
            row.pointee.access.append(ConditionRow.Access(term: Self.unfound, place: UInt32(scanned.count)))
            return scanned.append(condition)
        }
        for key in plan.keys {
            let filing = Filing(condition: condition, ordinal: row.pointee.access.count)
            let (term, place) = terms.file(filing, under: key)
            row.pointee.access.append(ConditionRow.Access(term: term, place: place))
        }
    }

    /// Its last group has gone.
    private mutating func remove(_ condition: Index) {
        let row = conditions.address(condition)
        for access in row.pointee.access.elements {
            if access.term == Self.unfound {
                let moved = scanned.removeLast()
                guard moved != condition else { continue }
                scanned[Int(access.place)] = moved
                conditions[moved].access[0].place = access.place
            } else if let moved = terms.unfile(access.term, at: access.place) {
                conditions[moved.condition].access[Int(moved.ordinal)].place = access.place
            }
        }
        terms.release(ConditionRow.words(row))
        ConditionRow.dispose(row)
        conditions.remove(condition)
    }

    // MARK: Groups

    private mutating func group(_ frameClass: FrameClass, of condition: Index, serial: inout UInt64) -> Index {
        let hash = Self.hash([condition, frameClass.rawValue])
        let found = groups.first(hash: hash) {
            $0.pointee.condition == condition && $0.pointee.frameClass == frameClass.rawValue
        }
        if let found { return found }
        let index = groups.insert(hash: hash)
        serial += 1
        groups[index].serial = serial
        let first = conditions[condition].firstGroup
        groups[index].condition = condition
        groups[index].frameClass = frameClass.rawValue
        groups[index].following = first
        if first != Index.max { groups[first].preceding = index }
        conditions[condition].firstGroup = index
        return index
    }

    private static func hash(_ words: [UInt32]) -> UInt32 {
        var hasher = Hasher()
        words.withUnsafeBytes { hasher.combine(bytes: $0) }
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }
}
