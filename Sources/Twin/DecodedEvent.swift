import ChangeEvents
import Store

/// A received event with everything that can be worked out before the transaction: nothing here needs the store, so the
/// writer is not held while Avro is decoded.
struct DecodedEvent: Sendable {
    enum Content: Sendable {
        case change(ChangeEvent)
        /// A platform event: logged, nothing to apply.
        case message
        /// Logged as it came; a gap tells everybody that it could not be understood.
        case undecodable(reason: String)
    }

    var event: ReceivedEvent
    var eventName: String
    var routing: EventRouting?
    var content: Content

    /// - Parameter kept: by object, the fields that count; of others everything does.
    init(_ event: ReceivedEvent, schema: EventSchema?, keeping kept: [String: Set<String>] = [:]) {
        self.event = event
        guard let schema else {
            routing = Self.routing(of: event)
            // Its header alone tells which event it is: whoever listens on its channel learns what was touched.
            eventName = routing.map { ChangeEventHeader.eventName(ofEntity: $0.header.entityName) } ?? ""
            content = .undecodable(reason: "its schema \(event.schemaID) is not known")
            return
        }
        eventName = schema.recordName
        guard schema.isChangeEvent else {
            content = .message
            return
        }
        do throws(AvroError) {
            let change = try schema.changeEvent(of: event.payload)
            routing = EventRouting(header: change.header, changedFields: change.changedFields)
            content = .change(kept[change.header.entityName].map { change.keeping($0) } ?? change)
        } catch {
            routing = Self.routing(of: event)
            content = .undecodable(reason: "it does not fit its schema \(event.schemaID): \(error.message)")
        }
    }

    /// The header stands first in every change event, so it can often be read although the rest cannot.
    private static func routing(of event: ReceivedEvent) -> EventRouting? {
        (try? ChangeEventHeader(prefixOf: event.payload)).map { EventRouting(header: $0, changedFields: []) }
    }

    /// Whether a logged event is this one, delivered before. A replay id alone is not enough: enriched events that were
    /// split per record share one, and it may come again after a migration of the org.
    func isRedelivery(of logged: NewEvent) -> Bool {
        guard logged.event.eventID == event.eventID else { return false }
        if let routing, let loggedRouting = logged.routing {
            return routing.header.recordIDs == loggedRouting.header.recordIDs
                && routing.header.transactionKey == loggedRouting.header.transactionKey
        }
        return !event.eventID.isEmpty || logged.event.payload == event.payload
    }
}

extension ChangeEvent {
    /// What it says of some fields.
    fileprivate func keeping(_ names: Set<String>) -> ChangeEvent {
        var kept = self
        kept.values = values.filter { names.contains($0.key) }
        kept.diffFields = diffFields.filter(names.contains)
        kept.enrichedFields = enrichedFields.filter(names.contains)
        // A name that is wanted without its parts cannot be made of them.
        kept.nameParts = names.contains(PersonName.field) ? nameParts.map { names.isSuperset(of: $0) ? $0 : [] } : nil
        return kept
    }
}
