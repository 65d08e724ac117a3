import ChangeEvents
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import NIOCore
import NIOPosix
import PubSubAPI
import Sandbox
import Store
import SwiftProtobuf
import Synchronization
import Testing

@testable import Doors

/// A door on a `FakeBus`, and a client of grpc-swift for it.
extension PubSubDoorTests {
    typealias Client = Eventbus_V1_PubSub.Client<HTTP2ClientTransport.Posix>

    static let metadata: Metadata = [
        "accesstoken": "token", "instanceurl": "https://x.my.salesforce.com", "tenantid": "00D000000000001AAA",
    ]

    /// One Subscribe call: requests go out as they are given, messages come one by one.
    struct Subscription {
        let requests: AsyncStream<Eventbus_V1_FetchRequest>.Continuation
        var messages: RPCAsyncSequence<Eventbus_V1_FetchResponse, any Error>.AsyncIterator

        func fetch(
            _ count: Int32, topic: String = FakeBus.topic, _ change: (inout Eventbus_V1_FetchRequest) -> Void = { _ in }
        ) {
            var request = Eventbus_V1_FetchRequest()
            request.topicName = topic
            request.numRequested = count
            change(&request)
            requests.yield(request)
        }

        mutating func next() async throws -> Eventbus_V1_FetchResponse {
            try #require(try await messages.next(isolation: #isolation))
        }

        mutating func end() async throws {
            let last = try await messages.next(isolation: #isolation)
            #expect(last == nil)
        }
    }

    func subscribe(
        _ client: Client, metadata: Metadata = metadata,
        _ body: @escaping @Sendable (inout Subscription) async throws -> Void
    ) async throws {
        let (stream, feed) = AsyncStream.makeStream(of: Eventbus_V1_FetchRequest.self)
        try await client.subscribe(metadata: metadata) { writer in
            for await request in stream { try await writer.write(request) }
        } onResponse: { response in
            defer { feed.finish() }
            var subscription = Subscription(requests: feed, messages: response.messages.makeAsyncIterator())
            try await body(&subscription)
        }
    }

    func withDoor(
        keepalive: Duration = .seconds(200), requestTimeout: Duration = .seconds(200), tls: DoorTLS? = nil,
        publishIdleTimeout: Duration = .seconds(200), commitTimeout: Duration = .seconds(1_800),
        ping: Duration = .seconds(120), clientPing: Duration? = nil, faults: (any FaultOracle)? = nil,
        _ body: @escaping @Sendable (Client, FakeBus, PubSubDoor, MetricsRegistry) async throws -> Void
    ) async throws {
        let bus = FakeBus()
        let metrics = MetricsRegistry()
        var configuration = PubSubDoor.Configuration(
            listeners: [.init(host: "localhost"), .init(tls: tls)].prefix(tls == nil ? 1 : 2).map { $0 },
            keepaliveInterval: keepalive, requestTimeout: requestTimeout)
        configuration.publishIdleTimeout = publishIdleTimeout
        configuration.commitTimeout = commitTimeout
        configuration.pingInterval = ping
        configuration.pingTimeout = ping
        let door = PubSubDoor(
            configuration: configuration, bus: bus, faults: faults, metrics: metrics,
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: testLogger)
        // Shorter than what the door does by its own clock where a test says nothing else.
        try await withDeadline(.seconds(90)) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await door.run() }
                let address = try await door.listening[tls == nil ? 0 : 1].address()
                let port = try #require(address.port)
                let security: HTTP2ClientTransport.Posix.TransportSecurity =
                    if let tls {
                        .tls { config in
                            config.trustRoots = .certificates([
                                .file(
                                    path: tls.certificateChainFile.replacing("server.pem", with: "ca.pem"), format: .pem
                                )
                            ])
                        }
                    } else {
                        .plaintext
                    }
                try await withGRPCClient(
                    transport: .http2NIOPosix(
                        target: .dns(host: "localhost", port: port), transportSecurity: security,
                        config: .defaults { config in
                            // The door is to miss it only where it is silenced, not where the machine is busy.
                            config.connection.keepalive = clientPing.map {
                                .init(time: $0, timeout: .seconds(3), allowWithoutCalls: false)
                            }
                        })
                ) { client in
                    try await body(Client(wrapping: client), bus, door, metrics)
                }
                door.shutDown()
                try await group.waitForAll()
            }
        }
    }
}
