/// A channel that clients can subscribe to, by the grammar of Salesforce's topic names.
///
/// - `/data/ChangeEvents`: the change events of every object;
/// - `/data/CaseChangeEvent`, `/data/Employee__ChangeEvent`: those of one object;
/// - `/event/Low_Ink__e`: a platform event.
///
/// - `/data/EscalatedCases__chn`, `/event/Alarms__chn`: a channel of the gateway's own configuration (`VirtualChannels`).
///   The org's custom channels are not served: their members are known to the org only.
struct PushChannel: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case allChangeEvents
        /// `entity` is the object's API name: `Case`, `Employee__c`.
        case changeEvents(entity: String)
        case platformEvent
        case custom
    }

    static let nameBytesMax = 128
    static let allChangeEventsName = "/data/ChangeEvents"

    let name: String
    let kind: Kind

    init?(_ name: String) {
        guard name.utf8.count <= Self.nameBytesMax else { return nil }
        self.name = name
        if name == Self.allChangeEventsName {
            kind = .allChangeEvents
        } else if name.hasPrefix("/data/"), name.hasSuffix("ChangeEvent") {
            let entity = name.dropFirst("/data/".count).dropLast("ChangeEvent".count)
            guard Self.isName(entity) else { return nil }
            // `Employee__c` is `Employee__ChangeEvent`: the `c` gives way.
            kind = .changeEvents(entity: entity.hasSuffix("__") ? entity + "c" : String(entity))
        } else if name.hasPrefix("/event/"), name.hasSuffix("__e") {
            guard Self.isName(name.dropFirst("/event/".count).dropLast("__e".count)) else { return nil }
            kind = .platformEvent
        } else if let prefix = ["/data/", "/event/"].first(where: { name.hasPrefix($0) }), name.hasSuffix("__chn") {
            guard Self.isName(name.dropFirst(prefix.count).dropLast("__chn".count)) else { return nil }
            kind = .custom
        } else {
            return nil
        }
    }

    /// The schema's record name of the events on it; nil for a channel of several.
    var eventName: String? {
        switch kind {
        case .allChangeEvents, .custom: nil
        case .changeEvents: String(name.dropFirst("/data/".count))
        case .platformEvent: String(name.dropFirst("/event/".count))
        }
    }

    /// The entity of its events as their header names it; nil for a channel of several.
    var entityName: String? {
        switch kind {
        case .allChangeEvents, .custom: nil
        case .changeEvents(let entity): entity
        case .platformEvent: eventName
        }
    }

    /// The channels on which an event of a topic is seen.
    static func names(topic: String, eventName: String, virtual: VirtualChannels = .none) -> [String] {
        var names = [topic] + virtual.names(eventName: eventName)
        if topic.hasPrefix("/data/") {
            if !eventName.isEmpty, topic != "/data/" + eventName { names.append("/data/" + eventName) }
            if topic != allChangeEventsName { names.append(allChangeEventsName) }
        }
        return names
    }

    /// Whether losses of a topic concern this channel: a topic of many entities concerns all of them.
    static func concerns(topic: String, channel: String) -> Bool {
        guard topic.hasPrefix("/data/") else { return topic == channel }
        return topic == channel || channel == allChangeEventsName
            || ((topic == allChangeEventsName || topic.hasSuffix("__chn")) && channel.hasPrefix("/data/"))
    }

    /// Topics whose replay ids are of one kind: an event has the same one on every `/data/` channel.
    static func family(of topic: String) -> String {
        topic.hasPrefix("/data/") ? "/data/" : topic
    }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, (0x41...0x5A).contains(first & 0xDF) else { return false }
        return text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
        }
    }
}
