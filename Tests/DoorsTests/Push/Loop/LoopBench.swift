import ChangeEvents
import CPushLoop
import Foundation
import Glibc
import Logging
import Store
import TestSupport
import Twin

@testable import Doors

/// One loop without a thread of its own: a test takes its turns, and calls what the reader or another loop would.
final class LoopBench {
    let loop: PushLoop
    private let listener: LoopbackListener

    /// - Parameter head: what the loop's empty memory begins behind.
    init(
        head: Position = .start, _ configure: (inout PushConfiguration) -> Void = { _ in }
    ) async throws {
        let logger = Logger(label: "push-tests") { _ in SwiftLogNoOpLogHandler() }
        let twin = try await Twin(store: try SQLiteStore.temporary(), configuration: .init(), logger: logger)
        let schemas = SchemaBook()
        var configuration = PushConfiguration()
        configuration.takesItsTime()
        configure(&configuration)
        let verifier = try TokenVerifier(
            algorithm: .hs256, key: PushFixture.secret, issuer: PushFixture.issuer, audience: PushFixture.audience)
        let shared = PushHubShared(
            configuration: configuration, verifier: verifier, schemas: schemas,
            reader: LogReader(twin: twin, schemas: schemas, logger: logger), logger: logger)
        let inbox = LoopInbox(waker: try LoopWaker(usesPoller: true))
        loop = PushLoop(
            index: 0, sockets: LoopSockets(poller: try LoopSockets.makePoller(for: inbox.waker), waker: inbox.waker),
            inbox: inbox, shared: shared,
            publication: StatisticsPublication(), head: LogPlace(event: head), recent: [])
        listener = try LoopbackListener()
    }

    /// A WebSocket connection past its `welcome`; its row.
    /// - Parameters:
    ///   - sendBytes: the buffer of the loop's socket, and of the client's where `receiveBytes` does not say otherwise.
    ///   - receiveBytes: where the client is to read on later, no smaller than `PushFixture.smallBuffer`.
    func open(
        subject: String = "alice", allow: [TokenSigner.Allowance] = [.init(channel: PushFixture.channel)],
        sendBytes: Int? = nil, receiveBytes: Int? = nil
    ) async throws -> (client: RawClient, row: UInt32) {
        let (client, server) = try listener.pair()
        let raw = RawClient(descriptor: client)
        if let receiveBytes = receiveBytes ?? sendBytes { raw.setReceiveBuffer(receiveBytes) }
        if let sendBytes {
            var size = CInt(sendBytes)
            setsockopt(server, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<CInt>.size))
        }
        let row = loop.connections.count
        let headers =
            PushFixture.upgradeHeaders + [
                ("Authorization", "Bearer \(try PushFixture.token(subject: subject, allow: allow))")
            ]
        loop.adopt(
            .descriptor(server),
            TakeoverRequest(method: "GET", uri: "/push", headers: headers.map { (name: $0.0, value: $0.1) }), [])
        turn()
        guard try await raw.head().hasPrefix("HTTP/1.1 101"), try await raw.message().type == "welcome" else {
            throw RawClient.Failure(what: "no connection")
        }
        return (raw, UInt32(row))
    }

    func turn() {
        _ = loop.turn(timeoutMilliseconds: 0)
    }

    /// Takes turns until the loop has come so far.
    func turns(until what: String, _ condition: () -> Bool) async throws {
        try await poll(what) {
            turn()
            return condition()
        }
    }

    func subscription(_ row: UInt32, channel: String) throws -> UInt32 {
        var slot = loop.connections[row].firstSubscription
        while slot != Connection.none {
            if loop.channel(of: slot) == channel { return slot }
            slot = loop.subscriptions[slot].next
        }
        throw RawClient.Failure(what: "no subscription to \(channel)")
    }

    /// - Parameter padding: bytes by which its frame is longer.
    static func item(
        _ number: Int, topic: String = PushFixture.channel, event: String = "CaseChangeEvent", padding: Int = 0
    ) -> LogItem {
        var content = NewEvent.test(number, topic: topic, eventName: event)
        // Without a schema a frame shows the header alone.
        content.routing?.header.transactionKey += String(repeating: "x", count: padding)
        return LogItem(event: LoggedEvent(position: Position(rawValue: Int64(number)), content: content), schema: nil)
    }
}
