import Doors

/// The events that can be selected on channels, with what may be said of their fields: a view of the catalogue.
struct ChannelEvents: Sendable {
    struct Event: Sendable {
        /// `AccountChangeEvent`, `Order_Event__e`
        var name: String
        var product: EventChannels.Product
        var object: ObjectDefinition
    }

    private let byName: [String: Event]

    /// `changes`: objects that have change events; `messages`: platform events.
    init(changes: [ObjectDefinition], messages: [ObjectDefinition]) {
        var events: [String: Event] = [:]
        for object in changes {
            events[object.changeEventName.lowercased()] = Event(
                name: object.changeEventName, product: .data, object: object)
        }
        for object in messages {
            events[object.name.lowercased()] = Event(name: object.name, product: .event, object: object)
        }
        byName = events
    }

    /// Names compare without case.
    func event(named name: String) -> Event? { byName[name.lowercased()] }
}

extension ChannelEvents.Event {
    /// Types that an org enriches with; formulas, long, rich and encrypted text are not among them.
    private static let enrichableTypes: Set<String> = [
        "string", "boolean", "currency", "date", "datetime", "time", "email", "reference", "address", "location",
        "double", "int", "percent", "phone", "picklist", "textarea", "url",
    ]

    /// The declared names of fields that a member wants in its events.
    func enrichable(_ names: [String]) throws(OrgError) -> [String] {
        guard product == .data || names.isEmpty else {
            throw .integrity("Enriched fields are supported for change events only.", ["enrichedFields"])
        }
        guard names.count <= EventChannels.enrichedFieldsMax else {
            throw .limitExceeded(
                "A channel member can have \(EventChannels.enrichedFieldsMax) enriched fields at most.")
        }
        var found: [String] = []
        for name in names {
            guard let field = object.field(name), field.kind != .id, field.isCaptured || field.kind.isCompound else {
                throw .integrity("The enriched field \(name) isn't a field of \(self.name).", ["enrichedFields"])
            }
            guard field.compoundName == nil else {
                throw .integrity(
                    "The enriched field \(name) is part of \(field.compoundName ?? ""): name the whole compound field.",
                    ["enrichedFields"])
            }
            guard Self.enrichableTypes.contains(field.kind.describeType), !field.isDerived,
                !(field.eventDoc ?? field.kind.eventDoc).hasSuffix("Clob")
            else {
                throw .integrity("The type of the field \(name) isn't supported for enrichment.", ["enrichedFields"])
            }
            guard !found.contains(field.name) else {
                throw .duplicate("The enriched field \(name) is named twice.", ["enrichedFields"])
            }
            found.append(field.name)
        }
        return found
    }
}
