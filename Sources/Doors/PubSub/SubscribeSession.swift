internal import ChangeEvents
internal import Foundation
internal import GRPCCore
internal import PubSubAPI
internal import Store

/// One Subscribe stream in flight: an `EventFlow` that begins where its first request says.
struct SubscribeSession: StreamSession {
    private let call: StreamCall
    private let flow: EventFlow<SubscribeStateMachine, Eventbus_V1_FetchResponse>

    init(call: StreamCall, timing: SubscribeStateMachine.Timing) {
        self.call = call
        flow = EventFlow(call: call, machine: SubscribeStateMachine(timing: timing, now: .now))
    }

    func run(
        requests: RPCAsyncSequence<Eventbus_V1_FetchRequest, any Error>, writer: RPCWriter<Eventbus_V1_FetchResponse>
    ) async throws {
        try await flow.run(requests) { machine, request in
            machine.fetchRequested(SubscribeStateMachine.Request(request))
        } deliver: {
            var queue = DeliveryQueue(look: call.bus.lookTicket())
            defer { call.bus.streamClosed(call.rpcID) }
            repeat { try Task.checkCancellation() } while try await step(&queue, writer)
        }
    }

    func fail(_ code: EventBusError.Code, _ message: String) { flow.fail(code, message) }

    private func step(
        _ queue: inout DeliveryQueue, _ writer: RPCWriter<Eventbus_V1_FetchResponse>
    ) async throws -> Bool {
        let step = flow.withMachine { $0.nextStep(now: .now) }
        guard case .start(let topic, let from) = step else {
            return try await flow.take(step, queue: &queue, writer: writer) {
                [caller = call.caller, topic = queue.topic ?? ""] (bus, position, limit) async throws(EventBusError) in
                try await bus.read(topic: topic, after: position, limit: limit, caller: caller)
            }
        }
        let position = try await call.onBus { (bus) async throws(EventBusError) in
            try await bus.start(topic: topic, from: from, caller: call.caller)
        }
        try await call.opened(topic)
        queue.open(topic, delivered: call.instruments.delivered(topic: topic))
        flow.withMachine { $0.started(at: position, now: .now) }
        return true
    }
}

extension SubscribeStateMachine.Request {
    init(_ request: Eventbus_V1_FetchRequest) {
        let preset: Preset =
            switch request.replayPreset {
            case .latest: .latest
            case .earliest: .earliest
            case .custom: .custom
            case .UNRECOGNIZED(let number): .unknown(number)
            }
        self.init(
            topic: request.topicName, preset: preset, replayID: Array(request.replayID),
            count: Int(request.numRequested))
    }
}
