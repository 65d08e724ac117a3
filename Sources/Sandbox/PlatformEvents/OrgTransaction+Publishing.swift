import ChangeEvents
import Doors
import Foundation
import NIOCore

extension OrgTransaction {
    /// Publishes a platform event: with the commit, or, where its definition says immediately, whatever becomes of the
    /// transaction. Answers the id that REST shows and that means nothing, and the event's UUID.
    ///
    /// Throws `OrgError` for what an org would refuse.
    func publish(_ event: ObjectDefinition, _ members: [JSONValue.Member]) throws -> (id: String, uuid: String) {
        let published = try publish(event, given: RecordInput(object: event).values(members))
        return (published.id.string, published.uuid)
    }

    func publish(_ event: ObjectDefinition, values: [String: FieldValue]) throws -> (id: RecordID, uuid: String) {
        try publish(event, given: event.template.given(values))
    }

    /// `given` in the shape of the event's template.
    func publish(_ event: ObjectDefinition, given: RecordFields) throws -> (id: RecordID, uuid: String) {
        guard event.isWritable else { throw OrgError.notAllowed("inserted", object: event.name) }
        guard let outbox, let schema = outbox.schema(of: event.name) else { throw OrgError.objectNotFound() }
        let message = PlatformMessage(event: event, schema: schema)
        let payload = try message.payload(given, createdAt: outbox.now, by: userID)
        guard outbox.usage.reservePublishing(1) == 1 else { throw OrgError.publishLimitExceeded() }
        let id = try counters.nextRecordID(prefix: event.keyPrefix, instance: instance)
        let uuid = EventUUID.random()
        let pending = PendingEvent(name: event.name, id: uuid, schemaID: schema.id, payload: payload)
        outbox.add(pending, isImmediate: !event.publishesAfterCommit)
        if event.publishesAfterCommit { journal.note { outbox.remove(id: uuid) } }
        return (id, uuid)
    }
}

/// What may be in a platform event, and how it is written. Pure.
struct PlatformMessage {
    let event: ObjectDefinition
    let schema: EventSchema

    /// Judged as a record would be; `given` in the shape of the event's template.
    func payload(_ given: RecordFields, createdAt: Int64, by userID: String) throws -> ByteBuffer {
        try event.template.checkWritable(given, to: .create)
        var fields: [String: FieldValue] = [:]
        for rule in event.template.rules {
            if let value = given[rule.place] {
                fields[rule.field.name] = try rule.checked(value)
            } else if let value = rule.field.defaultValue {
                fields[rule.field.name] = value
            }
        }
        let missing = missing(in: fields)
        guard missing.isEmpty else { throw OrgError.requiredMissing(missing) }
        fields["CreatedDate"] = .dateTime(milliseconds: createdAt)
        fields["CreatedById"] = .string(userID)
        let payload = try schema.encode(values: fields)
        guard payload.readableBytes <= ChangeCapture.eventBytesMax else { throw OrgError.eventTooLarge() }
        return payload
    }

    /// Why an event that came encoded cannot be published; nil: it can. The two fields that every event has are the
    /// producer's, and not looked at.
    func refusal(of values: [String: FieldValue]) -> String? {
        do throws(OrgError) {
            for rule in event.template.rules where rule.field.isCustom {
                guard let value = values[rule.field.name] else { continue }
                _ = try rule.checked(value)
            }
            let missing = missing(in: values)
            guard missing.isEmpty else { throw .requiredMissing(missing) }
            return nil
        } catch {
            return error.message
        }
    }

    private func missing(in values: [String: FieldValue]) -> [String] {
        event.fields.filter { $0.isCustom && $0.isRequired && (values[$0.name] ?? .null) == .null }.map(\.name)
    }
}

extension OrgError {
    static func publishLimitExceeded() -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "LIMIT_EXCEEDED",
            message: "You have exceeded the hourly event publishing limit for your org.", fields: [])
    }

    static func eventTooLarge() -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "PLATFORM_EVENT_PUBLISHING_UNAVAILABLE",
            message: "The event is larger than the maximum of 1 MB.", fields: [])
    }
}

extension ChangeOrigin {
    /// What the usage metric calls the publisher.
    var usageClient: String {
        switch self {
        case .background: "APEX"
        case .api(let name, _, _):
            switch name {
            case "rest": "REST_API"
            case "bulkapi": "BULK_API"
            default: "SOAP_API"
            }
        }
    }
}
