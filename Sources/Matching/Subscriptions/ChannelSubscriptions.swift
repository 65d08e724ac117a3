internal import SOQL

/// The subscriptions of one channel: distinct conditions, under each its frame classes, under each its slots.
///
/// Every slot knows its place, so that removing it is a swap with the last of its array. Entries and their numbers are
/// reused.
struct ChannelSubscriptions {
    /// All subscribers with one condition.
    struct Entry {
        /// Nil: everything.
        var condition: Condition?
        /// Without order; an entry without groups is free.
        var groups: [Group] = []
    }

    /// All subscribers with one condition and one frame class. Never empty.
    struct Group {
        var frameClass: FrameClass
        var slots: [SubscriptionSlot]
    }

    private struct Place {
        var entry: Int
        var frameClass: FrameClass
        /// In the group's slots.
        var index: Int
    }

    private(set) var entries: [Entry] = []
    private var freeEntries: [Int] = []
    private var entryOfCondition: [Condition?: Int] = [:]
    /// Where in its entry a group stands.
    private var groupOfClass: [GroupKey: Int] = [:]
    private var places: [SubscriptionSlot: Place] = [:]

    private struct GroupKey: Hashable {
        var entry: Int
        var frameClass: FrameClass
    }

    var isEmpty: Bool { places.isEmpty }
    var distinctConditions: Int { entryOfCondition.count }

    /// What happened to the entries, in this order.
    struct EntryChanges {
        /// Its last subscriber went; the number may be given to another condition at once.
        var removed: (entry: Int, condition: Condition?)?
        var added: Int?
    }

    @discardableResult
    mutating func insert(_ slot: SubscriptionSlot, frameClass: FrameClass, condition: Condition?) -> EntryChanges {
        var changes = remove(slot)
        let isNew = entryOfCondition[condition] == nil
        let entry = entry(for: condition)
        if isNew { changes.added = entry }
        let key = GroupKey(entry: entry, frameClass: frameClass)
        let index: Int
        if let group = groupOfClass[key] {
            index = entries[entry].groups[group].slots.count
            entries[entry].groups[group].slots.append(slot)
        } else {
            index = 0
            groupOfClass[key] = entries[entry].groups.count
            entries[entry].groups.append(Group(frameClass: frameClass, slots: [slot]))
        }
        places[slot] = Place(entry: entry, frameClass: frameClass, index: index)
        return changes
    }

    @discardableResult
    mutating func remove(_ slot: SubscriptionSlot) -> EntryChanges {
        guard let place = places.removeValue(forKey: slot) else { return EntryChanges() }
        let key = GroupKey(entry: place.entry, frameClass: place.frameClass)
        guard let group = groupOfClass[key] else { preconditionFailure("a slot's group exists as long as the slot") }
        let last = entries[place.entry].groups[group].slots.removeLast()
        if last != slot {
            entries[place.entry].groups[group].slots[place.index] = last
            places[last]?.index = place.index
        }
        guard entries[place.entry].groups[group].slots.isEmpty else { return EntryChanges() }
        let condition = entries[place.entry].condition
        let removesEntry = removeGroup(group, key: key)
        return EntryChanges(removed: removesEntry ? (place.entry, condition) : nil)
    }

    private mutating func entry(for condition: Condition?) -> Int {
        if let entry = entryOfCondition[condition] { return entry }
        let entry: Int
        if let free = freeEntries.popLast() {
            entry = free
            entries[entry].condition = condition
        } else {
            entry = entries.count
            entries.append(Entry(condition: condition))
        }
        entryOfCondition[condition] = entry
        return entry
    }

    /// True when it was the entry's last, so that the entry is free.
    private mutating func removeGroup(_ group: Int, key: GroupKey) -> Bool {
        groupOfClass[key] = nil
        let last = entries[key.entry].groups.removeLast()
        if last.frameClass != key.frameClass {
            entries[key.entry].groups[group] = last
            groupOfClass[GroupKey(entry: key.entry, frameClass: last.frameClass)] = group
        }
        guard entries[key.entry].groups.isEmpty else { return false }
        entryOfCondition[entries[key.entry].condition] = nil
        entries[key.entry].condition = nil
        freeEntries.append(key.entry)
        return true
    }
}
