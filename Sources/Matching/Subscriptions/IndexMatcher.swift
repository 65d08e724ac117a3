internal import ChangeEvents
public import SOQL

/// A matcher for millions of subscriptions, whose cost follows the matches: equal conditions are one, however they are
/// written, and each is found by the best of its claims (`AccessPlan`) in an index by channel and field.
///
/// For an update both images are looked up, so that a subscriber whose view the record leaves is found too. What is found
/// is still judged whole: the index only leaves out what cannot hold. Claims that several conditions make are judged once
/// per change. Subscribing and unsubscribing change a few rows and rebuild nothing. See `docs/push-hub.md`.
///
/// Owned by one event loop. While `match` calls its body, the matcher may not be used.
public final class IndexMatcher: Matcher {
    private struct Place: BitwiseCopyable {
        static let nowhere = UInt32.max
        var channel = nowhere
        var group: UInt32 = 0
        /// In the group's slots.
        var place: UInt32 = 0
    }

    private final class Channel {
        let name: String
        var index = ChannelIndex()

        init(name: String) {
            self.name = name
        }
    }

    private var numbers: [String: UInt32] = [:]
    private var channels: [Channel?] = []
    private var places = Rows<Place>(empty: Place())
    /// Of `Kin`.
    private var lastSerial: UInt64 = 0

    public init() {}

    /// A slot that has a subscription already changes to this one.
    public func insert(_ slot: SubscriptionSlot, channel name: String, frameClass: FrameClass, condition: Condition?) {
        remove(slot)
        let number = number(of: name)
        guard let channel = channels[Int(number)] else { preconditionFailure("a number is that of a channel") }
        let (group, place) = channel.index.insert(
            slot, frameClass: frameClass, condition: condition, serial: &lastSerial)
        while places.limit <= slot.rawValue { _ = places.allocate() }
        places[slot.rawValue] = Place(channel: number, group: group, place: place)
    }

    /// Removing what is not there changes nothing.
    public func remove(_ slot: SubscriptionSlot) {
        guard let (channel, place) = place(of: slot) else { return }
        if let moved = channel.index.remove(group: place.group, place: place.place) {
            places[moved.rawValue].place = place.place
        }
        places[slot.rawValue] = Place()
        guard channel.index.isEmpty else { return }
        channels[Int(place.channel)] = nil
        numbers[channel.name] = nil
    }

    public func match(
        _ input: MatchInput, _ body: (FrameClass, Verdict, UnsafeBufferPointer<SubscriptionSlot>) -> Void
    ) {
        guard let number = numbers[input.channel], let channel = channels[Int(number)] else { return }
        channel.index.match(Judge(input), body)
    }

    public func verdict(of slot: SubscriptionSlot, on input: MatchInput) -> Verdict? {
        guard let (channel, place) = place(of: slot) else { return nil }
        return channel.index.verdict(ofGroup: place.group, Judge(input))
    }

    public func verdicts(of slots: [SubscriptionSlot], on input: MatchInput, _ body: (Int, Verdict) -> Void) {
        guard let (channel, first) = slots.lazy.compactMap({ self.place(of: $0) }).first else { return }
        channel.index.verdicts(Judge(input)) { verdict in
            for (index, slot) in slots.enumerated() where slot.rawValue < places.limit {
                let place = places[slot.rawValue]
                guard place.channel == first.channel else { continue }
                if let verdict = verdict(place.group) { body(index, verdict) }
            }
        }
    }

    public func kin(of slot: SubscriptionSlot) -> Kin? {
        guard let (channel, place) = place(of: slot) else { return nil }
        return channel.index.kin(ofGroup: place.group)
    }

    /// How many conditions a channel has, equal ones once (none counts as one).
    public func distinctConditions(channel: String) -> Int {
        numbers[channel].flatMap { channels[Int($0)]?.index.distinctConditions } ?? 0
    }

    /// How many of them no index finds, so that they are judged for every change of the channel.
    public func scannedConditions(channel: String) -> Int {
        numbers[channel].flatMap { channels[Int($0)]?.index.scanned.count } ?? 0
    }

    /// How many terms a channel's conditions have, for tests.
    package func terms(channel: String) -> Int {
        numbers[channel].flatMap { channels[Int($0)]?.index.terms.terms.count } ?? 0
    }

    /// The most conditions that are filed under one key of a channel, for tests; walks everything.
    package func largestFiling(channel: String) -> Int {
        numbers[channel].flatMap { channels[Int($0)]?.index.terms.largestFiling } ?? 0
    }

    /// Memory held, in bytes, as far as the matcher knows it; walks everything.
    public var bytes: Int {
        channels.reduce(places.bytes) { $0 + ($1?.index.bytes ?? 0) }
    }

    private func place(of slot: SubscriptionSlot) -> (Channel, Place)? {
        guard slot.rawValue < places.limit else { return nil }
        let place = places[slot.rawValue]
        guard place.channel != Place.nowhere, let channel = channels[Int(place.channel)] else { return nil }
        return (channel, place)
    }

    private func number(of name: String) -> UInt32 {
        if let number = numbers[name] { return number }
        let number = channels.firstIndex { $0 == nil } ?? channels.count
        if number == channels.count { channels.append(nil) }
        channels[number] = Channel(name: name)
        numbers[name] = UInt32(number)
        return UInt32(number)
    }
}
