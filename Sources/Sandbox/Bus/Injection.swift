import Synchronization
import Twin
public import ChangeEvents
import Foundation
import Store

/// Topics that exist in the org only because events were injected on them.
enum Injection {
    static let stateKey = "sandbox.injectedTopics"
}

extension Sandbox {
    /// Puts an event of another org on the bus as it is: topic, replay id, event id, schema id and payload unchanged,
    /// behind everything that is there. GetSchema answers `schemaJSON` for its schema id to the letter; nil: no schema
    /// is known.
    ///
    /// For tests with captured events. The records of the org are not touched.
    public func inject(schemaJSON: String?, event: ReceivedEvent) async throws {
        let schema = try schemaJSON.map { try EventSchema(json: $0) }
        let header = try schema.flatMap { $0.isChangeEvent ? try $0.header(of: event.payload) : nil }
        let routing = try header.map { header in
            EventRouting(header: header, changedFields: try schema?.names(ofBitmap: header.changedFields) ?? [])
        }
        let isForeign =
            catalogue.objects.allSatisfy { $0.changeEventTopic != event.topic } && event.topic != Self.allChangesTopic
        let now = configuration.clock()
        let name = schema?.recordName ?? ""
        try await twin.commit { writer in
            if let schemaJSON { try writer.saveSchema(event.schemaID, json: schemaJSON) }
            try BusHead.keepPlace(writer)
            _ = try writer.append(
                NewEvent(event: event, eventName: name, routing: routing, transitions: [], receivedAt: now))
            try BusHead.write(event.replayID, writer)
            guard isForeign else { return }
            let known = try writer.state(Injection.stateKey).map { bytes in
                try JSONDecoder().decode(Set<String>.self, from: Data(bytes))
            }
            let topics = (known ?? []).union([event.topic])
            try writer.setState(Injection.stateKey, to: [UInt8](JSONEncoder().encode(topics)))
        }
        if isForeign { state.withLock { _ = $0.injectedTopics.insert(event.topic) } }
    }
}
