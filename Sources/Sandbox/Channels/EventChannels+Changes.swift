import Doors

/// What may be done to channels and members: each call either applies or throws the org's error.
extension EventChannels {
    static let channelSuffix = "__chn"
    /// Enriched fields of one member.
    static let enrichedFieldsMax = 10
    private static let eventTypes: Set<String> = ["custom", "data", "monitoring", "standard"]

    // MARK: Channels

    mutating func addChannel(
        id: String, fullName: String, terms: ChannelTerms, allocations: EventAllocations
    ) throws(OrgError) {
        guard fullName.hasSuffix(Self.channelSuffix),
            DeveloperName.isValid(String(fullName.dropLast(Self.channelSuffix.count)))
        else {
            throw .integrity(
                "The channel name \(fullName) isn't valid. It must be a developer name that ends with __chn.",
                ["FullName"])
        }
        guard channel(named: fullName) == nil else {
            throw .duplicate("A channel with the name \(fullName) exists already.", ["FullName"])
        }
        guard channels.count(where: { $0.product == terms.product }) < allocations.customChannels else {
            throw .limitExceeded(
                "The maximum number of custom channels (\(allocations.customChannels)) has been reached.")
        }
        channels.append(
            Channel(
                id: id, fullName: fullName, product: terms.product, eventType: terms.eventType, label: terms.label))
    }

    /// Only the label can change, and the whole body must be there.
    mutating func updateChannel(id: String, fullName: String, terms: ChannelTerms) throws(OrgError) {
        guard let index = channels.firstIndex(where: { $0.id == id }) else { throw .recordNotFound() }
        guard fullName == channels[index].fullName else {
            throw .integrity("The name of a channel can't be changed.", ["FullName"])
        }
        guard terms.product == channels[index].product, terms.eventType == channels[index].eventType else {
            throw .integrity("The type of a channel can't be changed.", ["channelType"])
        }
        channels[index].label = terms.label
    }

    mutating func removeChannel(id: String) {
        guard let channel = channels.first(where: { $0.id == id }) else { return }
        members.removeAll { $0.channel == channel.fullName }
        channels.removeAll { $0.id == id }
    }

    /// The part of a channel that `Metadata` gives.
    struct ChannelTerms {
        var product: Product
        var eventType: String?
        var label: String

        init(_ metadata: [JSONValue.Member]) throws(OrgError) {
            try metadata.check(known: ["channelType", "eventType", "label"], of: "PlatformEventChannel")
            let type = try metadata.text("channelType")
            guard let product = Product(rawValue: type) else {
                throw .integrity(
                    "'\(type)' is not a valid value for the enum 'PlatformEventChannelType'", ["channelType"])
            }
            self.product = product
            label = try metadata.text("label")
            eventType = try metadata.optionalText("eventType")
            if let eventType, !EventChannels.eventTypes.contains(eventType) {
                throw .integrity(
                    "'\(eventType)' is not a valid value for the enum 'PlatformEventChannelEventType'", ["eventType"])
            }
        }
    }

    // MARK: Members

    /// `newID` gives the ids of new records, by key prefix.
    mutating func addMember(
        id: String, fullName: String, terms: MemberTerms, events: ChannelEvents, allocations: EventAllocations,
        newID: (String) throws -> String
    ) throws {
        guard DeveloperName.isValid(fullName) else {
            throw OrgError.integrity(
                "The name \(fullName) isn't valid. Write one underscore for the two of a channel's name.", ["FullName"])
        }
        guard !members.contains(where: { $0.fullName.lowercased() == fullName.lowercased() }) else {
            throw OrgError.duplicate("A channel member with the name \(fullName) exists already.", ["FullName"])
        }
        let (channelName, product) = try channelOfMember(terms.channel)
        guard let event = events.event(named: terms.event), event.product == product else {
            throw OrgError.integrity(
                "The entity \(terms.event) can't be selected on the channel \(channelName).", ["selectedEntity"])
        }
        guard !members.contains(where: { $0.channel == channelName && $0.event == event.name }) else {
            throw OrgError.duplicate(
                "The entity \(event.name) is already selected on the channel \(channelName).", ["selectedEntity"])
        }
        try checkEntitlement(adding: event, allocations)
        var member = Member(id: id, fullName: fullName, channel: channelName, event: event.name)
        try Self.apply(terms, to: &member, event: event, newID: newID)
        members.append(member)
    }

    /// Only enriched fields and the filter can change, and the whole body must be there: what it leaves out is gone.
    mutating func updateMember(
        id: String, fullName: String, terms: MemberTerms, events: ChannelEvents, newID: (String) throws -> String
    ) throws {
        guard let index = members.firstIndex(where: { $0.id == id }) else { throw OrgError.recordNotFound() }
        var member = members[index]
        guard fullName == member.fullName else {
            throw OrgError.integrity("The name of a channel member can't be changed.", ["FullName"])
        }
        guard try channelOfMember(terms.channel).name == member.channel else {
            throw OrgError.integrity("The channel of a channel member can't be changed.", ["eventChannel"])
        }
        guard let event = events.event(named: terms.event), event.name == member.event else {
            throw OrgError.integrity("The selected entity of a channel member can't be changed.", ["selectedEntity"])
        }
        try Self.apply(terms, to: &member, event: event, newID: newID)
        members[index] = member
    }

    mutating func removeMember(id: String) { members.removeAll { $0.id == id } }

    private func channelOfMember(_ name: String) throws(OrgError) -> (name: String, product: Product) {
        if name == Self.standardChannel { return (name, .data) }
        guard let channel = channel(named: name) else {
            throw .integrity("The channel \(name) doesn't exist.", ["eventChannel"])
        }
        return (channel.fullName, channel.product)
    }

    /// The same entity on several channels counts once.
    private func checkEntitlement(adding event: ChannelEvents.Event, _ allocations: EventAllocations) throws(OrgError) {
        let isChange = event.product == .data
        let selected = Set(members.map(\.event).filter { $0.hasSuffix("__e") != isChange })
        let max = isChange ? allocations.selectedEntities : allocations.platformEventsInChannels
        guard selected.contains(event.name) || selected.count < max else {
            throw .limitExceeded(
                isChange
                    ? "The maximum number of entities selected for Change Data Capture (\(max)) has been reached."
                    : "The maximum number of platform events on channels (\(max)) has been reached.")
        }
    }

    private static func apply(
        _ terms: MemberTerms, to member: inout Member, event: ChannelEvents.Event, newID: (String) throws -> String
    ) throws {
        let names = try event.enrichable(terms.enrichedFields)
        let former = member.enrichedFields
        member.enrichedFields = try names.map { name in
            try former.first { $0.name == name } ?? EnrichedField(id: newID(ToolingPrefix.enrichedField), name: name)
        }
        if let text = terms.filterExpression { _ = try FilterRules.condition(text, for: event) }
        member.filterExpression = terms.filterExpression
    }

    /// The part of a member that `Metadata` gives.
    struct MemberTerms {
        private static let enrichmentVersion = 51
        private static let filterVersion = 56

        var channel: String
        var event: String
        var enrichedFields: [String] = []
        var filterExpression: String?

        /// Older API versions do not know enrichment and filters.
        init(_ metadata: [JSONValue.Member], apiVersion: String) throws(OrgError) {
            let version = Int(apiVersion.prefix { $0 != "." }) ?? 0
            var known: Set = ["eventChannel", "selectedEntity"]
            if version >= Self.enrichmentVersion { known.insert("enrichedFields") }
            if version >= Self.filterVersion { known.insert("filterExpression") }
            try metadata.check(known: known, of: "PlatformEventChannelMember")
            channel = try metadata.text("eventChannel")
            event = try metadata.text("selectedEntity")
            filterExpression = try metadata.optionalText("filterExpression").flatMap { $0.isEmpty ? nil : $0 }
            switch metadata.value("enrichedFields") {
            case nil: break
            case .array(let elements):
                for element in elements {
                    guard case .object(let members) = element else { throw .wrongType("enrichedFields", "a list") }
                    enrichedFields.append(try members.text("name"))
                }
            default: throw .wrongType("enrichedFields", "a list")
            }
        }
    }
}

/// The unique names of metadata: letters, digits and single underscores, beginning with a letter.
enum DeveloperName {
    static let lengthMax = 80

    static func isValid(_ name: String) -> Bool {
        guard let first = name.first, first.isASCII, first.isLetter, name.utf8.count <= lengthMax else { return false }
        return name.utf8.allSatisfy {
            $0 < 0x80 && (Character(Unicode.Scalar($0)).isLetter || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x5F)
        }
            && !name.contains("__") && !name.hasSuffix("_")
    }
}

/// Key prefixes of the Tooling API's records.
enum ToolingPrefix {
    static let channel = "0YL"
    static let member = "0v8"
    static let managedSubscription = "18x"
    /// Ours: no source names them.
    static let enrichedField = "0v9"
    static let subscriberConfig = "4xH"
}
