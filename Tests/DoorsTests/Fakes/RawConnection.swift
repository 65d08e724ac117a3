import NIOCore
import NIOPosix

/// A TCP connection that sends exactly the bytes it is told to: for what no HTTP client would send.
struct RawConnection {
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private(set) var received = ByteBuffer()
    private(set) var isClosed = false

    static func open<Answer: Sendable>(
        port: Int, _ body: @escaping @Sendable (inout RawConnection) async throws -> Answer
    ) async throws -> Answer {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        return try await withDeadline {
            try await channel.executeThenClose { inbound, outbound in
                var connection = RawConnection(outbound: outbound, inbound: inbound.makeAsyncIterator())
                return try await body(&connection)
            }
        }
    }

    /// Sends all of it, wait for answers and for the close of the other side, and answers what came.
    static func exchange(port: Int, _ text: String) async throws -> String {
        try await open(port: port) { connection in
            try await connection.send(text)
            return try await connection.readToEnd()
        }
    }

    private init(
        outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    ) {
        self.outbound = outbound
        self.inbound = inbound
    }

    func send(_ text: String) async throws {
        try await outbound.write(ByteBuffer(string: text))
    }

    func closeOutput() {
        outbound.finish()
    }

    /// Reads until what came contains a text; answers everything so far.
    mutating func read(until text: String) async throws -> String {
        while !String(buffer: received).contains(text) {
            guard try await readMore() else { throw UnexpectedEnd(received: String(buffer: received)) }
        }
        return String(buffer: received)
    }

    mutating func readToEnd() async throws -> String {
        while try await readMore() {}
        return String(buffer: received)
    }

    /// Forgets what was read so far.
    mutating func forget() { received.clear() }

    private mutating func readMore() async throws -> Bool {
        guard !isClosed, let bytes = try await inbound.next(isolation: #isolation) else {
            isClosed = true
            return false
        }
        received.writeImmutableBuffer(bytes)
        return true
    }

    struct UnexpectedEnd: Error {
        let received: String
    }
}
