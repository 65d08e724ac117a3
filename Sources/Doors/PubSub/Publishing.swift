internal import ChangeEvents
internal import Foundation
internal import GRPCCore
internal import NIOCore
internal import PubSubAPI

/// Brings the events of a request to the bus and its results back.
struct Publishing: Sendable {
    /// Salesforce's bound of a request; the proxy before the service resets the stream of a larger one.
    static let requestBytesMax = 4 << 20
    /// What protobuf adds to an event, at least.
    private static let eventOverheadBytes = 8

    let rpcID: String
    let bus: any EventBus
    let caller: BusCaller

    /// `topic` nil: the request's own.
    func publish(
        _ request: Eventbus_V1_PublishRequest, topic: String? = nil
    ) async throws(RPCError) -> Eventbus_V1_PublishResponse {
        let bytes = request.events.reduce(request.topicName.utf8.count) {
            $0 + $1.payload.count + $1.id.utf8.count + $1.schemaID.utf8.count + Self.eventOverheadBytes
        }
        guard bytes <= Self.requestBytesMax else {
            throw PubSubFailure.error(
                .requestTooLarge,
                "upstream connect error or disconnect/reset before headers. reset reason: remote reset", rpcID: rpcID)
        }
        let events = request.events.map {
            ProducedEvent(id: $0.id, schemaID: $0.schemaID, payload: ByteBuffer(bytes: $0.payload))
        }
        let answer = try await PubSubFailure.wrapping(rpcID) { () async throws(EventBusError) in
            try await bus.publish(topic: topic ?? request.topicName, events: events, caller: caller)
        }
        var response = Eventbus_V1_PublishResponse()
        response.schemaID = answer.schemaID
        response.rpcID = rpcID
        response.results = answer.results.map { result in
            var message = Eventbus_V1_PublishResult()
            message.correlationKey = result.correlationKey
            if let replayID = result.replayID { message.replayID = Data(replayID.bytes) }
            if let text = result.message {
                message.error.code = .publish
                message.error.msg = text
            }
            return message
        }
        return response
    }
}
