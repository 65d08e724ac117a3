internal import GRPCCore

/// A streaming call as long as it lasts: who calls what, and whom it asks.
struct StreamCall: Sendable {
    /// `Subscribe`.
    let rpc: String
    let rpcID: String
    /// As gRPC calls the connection's other end.
    let peer: String
    let caller: BusCaller
    let bus: any EventBus
    let faults: PubSubFaults
    let instruments: PubSubInstruments

    /// Asks the bus; its errors become the call's.
    func onBus<Answer>(
        _ ask: (any EventBus) async throws(EventBusError) -> Answer
    ) async throws(RPCError) -> Answer {
        try await PubSubFailure.wrapping(rpcID) { () async throws(EventBusError) in try await ask(bus) }
    }

    /// What the stream serves; `bus.streamClosed(rpcID)` follows.
    func opened(_ topic: String) async throws(RPCError) {
        let stream = BusStream(id: rpcID, rpc: rpc, topic: topic, caller: caller, peer: peer)
        try await onBus { (bus) async throws(EventBusError) in try bus.streamOpened(stream) }
    }

    func failure(_ code: EventBusError.Code, _ message: String) -> RPCError {
        PubSubFailure.error(code, message, rpcID: rpcID)
    }
}

/// A call that stays open until its client, its server or a failure ends it.
protocol StreamSession: Sendable {
    associatedtype Request: Sendable
    associatedtype Response: Sendable

    /// Serves the stream to its end; throws the `RPCError` that ends it.
    func run(requests: RPCAsyncSequence<Request, any Error>, writer: RPCWriter<Response>) async throws
    /// Ends the stream with an error, from any thread: the door shuts, or the call is cancelled.
    func fail(_ code: EventBusError.Code, _ message: String)
}
