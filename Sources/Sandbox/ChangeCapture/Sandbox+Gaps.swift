public import ChangeEvents
import Doors
import Foundation
import Store
import Twin

/// Gap and overflow events on command: what an org sends for changes that it does not tell in detail (work done directly
/// in its database, an internal error). Records are not touched.
extension Sandbox {
    /// One gap event for some records of an object. Throws `OrgError` for an object without change events.
    public func publishGap(_ type: ChangeType, object name: String, ids: [RecordID]) async throws {
        precondition(type.isGap && type != .gapOverflow, "\(type.rawValue) is no gap of single records")
        try await publishWithoutBody(type, object: name, ids: ids.map(\.string))
    }

    /// The one event that stands for the changes of an object beyond 100,000 of a transaction.
    public func publishOverflow(object name: String) async throws {
        try await publishWithoutBody(.gapOverflow, object: name, ids: [RecordID.empty.string])
    }

    /// The event of a mass conversion of a field: which records changed stands for all of them (`001*`).
    public func publishConversion(object name: String) async throws {
        guard let object = catalogue.object(name) else { throw OrgError.objectNotFound() }
        try await publishWithoutBody(.update, object: name, ids: [object.keyPrefix + "*"])
    }

    private func publishWithoutBody(_ type: ChangeType, object name: String, ids: [String]) async throws {
        guard let object = catalogue.object(name), let captured = captured[object.name] else {
            throw OrgError.objectNotFound()
        }
        let clock = configuration.clock
        let user = organization.integrationUser?.id ?? ""
        try await twin.commit { writer in
            var counters = try OrgCounters.read(writer)
            let now = clock()
            let header = ChangeEventHeader(
                entityName: captured.object.name, recordIDs: ids, changeType: type, changeOrigin: "",
                transactionKey: ChangeCapture.transactionKey(), sequenceNumber: 1,
                commitTimestamp: OrgTime.wholeSeconds(now), commitNumber: counters.nextCommit(step: 1), commitUser: user
            )
            let replayID = counters.nextReplayID(skipping: 0)
            let event = ReceivedEvent(
                topic: captured.object.changeEventTopic, replayID: replayID, eventID: EventUUID.random(),
                schemaID: captured.schema.id, payload: try captured.schema.encode(header: header, values: [:]))
            try BusHead.keepPlace(writer)
            _ = try writer.append(
                NewEvent(
                    event: event, eventName: captured.object.changeEventName,
                    routing: EventRouting(header: header, changedFields: []), transitions: [], receivedAt: now))
            try BusHead.write(replayID, writer)
            try counters.write(writer)
        }
        eventUsage.published([captured.object.changeEventName: 1], client: EventUsage.systemClient)
    }
}
