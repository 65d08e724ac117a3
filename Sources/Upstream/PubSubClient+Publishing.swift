public import ChangeEvents
import Foundation
public import NIOCore
import PubSubAPI

/// A platform event on its way to the org.
public struct OutgoingEvent: Sendable {
    /// Comes back as the result's `correlationKey`.
    public var id: String
    public var schemaID: SchemaID
    /// Avro, by that schema.
    public var payload: ByteBuffer
    public init(id: String, schemaID: SchemaID, payload: ByteBuffer) {
        self.id = id
        self.schemaID = schemaID
        self.payload = payload
    }
}

/// What the org says of a publish request.
public struct PublishReceipt: Sendable {
    public struct Result: Sendable, Hashable {
        /// Nil where the event was refused.
        public var replayID: ReplayID?
        /// Why it was refused, in the org's words.
        public var refusal: String?
        public var correlationKey: String
    }
    /// One for each event, in their order.
    public var results: [Result]
    /// Of the topic, as it is now.
    public var schemaID: SchemaID
}

extension PubSubClient {
    /// Publishes events, once: after a failure nobody knows whether the org has them, and trying again is the caller's choice.
    /// (A token that the org refuses is renewed before: nothing has been published with it.)
    ///
    /// Throws `UpstreamError`, or `CancellationError`. What is wrong with one event is in its result.
    public func publish(_ events: [OutgoingEvent], to topic: String) async throws -> PublishReceipt {
        try await converting(topic: topic) {
            var request = Eventbus_V1_PublishRequest()
            request.topicName = topic
            request.events = events.map { event in
                var produced = Eventbus_V1_ProducerEvent()
                produced.id = event.id
                produced.schemaID = event.schemaID.string
                produced.payload = Data(event.payload.readableBytesView)
                return produced
            }
            let response = try await services.pubSub.publish(request)
            return PublishReceipt(
                results: response.results.map { result in
                    PublishReceipt.Result(
                        replayID: result.replayID.isEmpty ? nil : ReplayID(bytes: result.replayID),
                        refusal: result.hasError ? result.error.msg : nil, correlationKey: result.correlationKey)
                }, schemaID: SchemaID(response.schemaID))
        }
    }
}
