internal import CPushLoop
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// One connection that NIO speaks for, seen from a loop: a pair of bounded buffers. It stands at the bottom of the channel's
/// pipeline (above TLS, if there is any), gives nothing to the handlers above it and takes nothing from them.
///
/// The channel's thread puts what has come and tells the loop's inbox, once until the loop has taken all of it; the loop puts
/// what is to be sent and hands it over at the end of its turn. Safe from any thread.
///
/// Lock order: none is held while the inbox's is taken.
final class ChannelPipe: ChannelDuplexHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    /// What may wait for the loop before the socket is read no more.
    static let incomingBytesMax = 64 * 1024
    /// What may be on its way to the socket: as much as the kernel may hold of a descriptor's.
    static let outgoingBytesMax = 128 * 1024

    private struct State {
        var token: UInt64?
        var incoming = ByteBuffer()
        var hasEnded = false
        /// The loop knows that there is something to receive.
        var isAnnounced = false
        var isReadingPaused = false
        var outgoing = ByteBuffer()
        /// NIO has them, the socket not yet.
        var writtenBytes = 0
        var watchesForRoom = false
        /// The server is to end its connections.
        var isQuiescing = false

        var outgoingBytes: Int { outgoing.readableBytes + writtenBytes }
    }

    let channel: any Channel
    private let inbox: LoopInbox
    private let state = Mutex(State())
    private let context: NIOLoopBoundBox<ChannelHandlerContext?>

    var eventLoop: any EventLoop { channel.eventLoop }

    /// Made on the channel's event loop.
    init(channel: any Channel, inbox: LoopInbox) {
        self.channel = channel
        self.inbox = inbox
        context = NIOLoopBoundBox(nil, eventLoop: channel.eventLoop)
    }

    // MARK: The loop's side

    func begin(token: UInt64, _ userTimeoutMilliseconds: UInt32) -> Bool {
        eventLoop.execute { self.prepare(userTimeoutMilliseconds) }
        let (readiness, isQuiescing) = state.withLock { state -> (SocketReadiness, Bool) in
            state.token = token
            return (Self.announcement(&state), state.isQuiescing)
        }
        announce(token, readiness)
        if isQuiescing { inbox.put(.goAway(token: token)) }
        return true
    }

    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let (count, readiness, token, resumes) = state.withLock { state -> (Int, SocketReadiness, UInt64?, Bool) in
            let count = min(buffer.count, state.incoming.readableBytes)
            guard count > 0 else {
                state.isAnnounced = false
                return (state.hasEnded ? 0 : SocketAnswer.wouldBlock, [], nil, false)
            }
            state.incoming.readWithUnsafeReadableBytes { bytes in
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
                return count
            }
            var readiness: SocketReadiness = []
            if state.incoming.readableBytes == 0 {
                // An idle connection has no buffer.
                state.incoming = ByteBuffer()
                state.isAnnounced = false
                readiness = Self.announcement(&state)
            }
            let resumes = state.isReadingPaused && state.incoming.readableBytes < Self.incomingBytesMax / 2
            if resumes { state.isReadingPaused = false }
            return (count, readiness, state.token, resumes)
        }
        if let token { announce(token, readiness) }
        if resumes { eventLoop.execute { self.context.value?.read() } }
        return count
    }

    func announceAgain() {
        let (token, readiness) = state.withLock { state -> (UInt64?, SocketReadiness) in
            state.isAnnounced = false
            return (state.token, Self.announcement(&state))
        }
        if let token { announce(token, readiness) }
    }

    /// - Returns: what was taken, or a `SocketAnswer`, and whether nothing had been waiting for `flushOutgoing` before.
    func send(_ bytes: UnsafeRawBufferPointer) -> (count: Int, isFirst: Bool) {
        state.withLock { state in
            let room = Self.outgoingBytesMax - state.outgoingBytes
            guard room > 0 else { return (SocketAnswer.wouldBlock, false) }
            let isFirst = state.outgoing.readableBytes == 0
            let count = min(room, bytes.count)
            state.outgoing.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            return (count, isFirst && count > 0)
        }
    }

    /// Whether the loop is told when there is room again.
    func watch(forRoom isWatched: Bool) {
        let (token, readiness) = state.withLock { state -> (UInt64?, SocketReadiness) in
            state.watchesForRoom = isWatched
            return (state.token, Self.room(state))
        }
        if let token { announce(token, readiness) }
    }

    func endSending() {
        eventLoop.execute {
            self.flushOutgoing()
            self.context.value?.close(mode: .output, promise: nil)
        }
    }

    func close() {
        eventLoop.execute {
            self.flushOutgoing()
            guard let context = self.context.value else { return self.channel.close(promise: nil) }
            context.close(promise: nil)
        }
    }

    private func announce(_ token: UInt64, _ readiness: SocketReadiness) {
        if !readiness.isEmpty { inbox.put(.ready(token: token, readiness)) }
    }

    private static func announcement(_ state: inout State) -> SocketReadiness {
        guard !state.isAnnounced, state.incoming.readableBytes > 0 || state.hasEnded else { return [] }
        state.isAnnounced = true
        return .readable
    }

    /// Told whenever there is, until it is watched for no more: as a poller tells it.
    private static func room(_ state: State) -> SocketReadiness {
        state.watchesForRoom && state.outgoingBytes <= outgoingBytesMax / 2 ? .writable : []
    }

    // MARK: The channel's side, on its event loop

    /// Hands what waits to the socket.
    func flushOutgoing() {
        guard let context = context.value else { return }
        let bytes = state.withLock { state in
            defer { state.outgoing = ByteBuffer() }
            state.writtenBytes += state.outgoing.readableBytes
            return state.outgoing
        }
        guard bytes.readableBytes > 0 else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in self.written(bytes.readableBytes) }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: written)
    }

    private func written(_ count: Int) {
        let (token, readiness) = state.withLock { state -> (UInt64?, SocketReadiness) in
            state.writtenBytes -= count
            return (state.token, Self.room(state))
        }
        if let token { announce(token, readiness) }
    }

    private func prepare(_ userTimeoutMilliseconds: UInt32) {
        // Options that a transport does not have are not missed: the deadlines of the loop hold without them.
        try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
            _ = pushloop_socket_prepare($0, userTimeoutMilliseconds)
        }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context.value = context
        // Reading is asked for here and, for a record of TLS that has come in part, by TLS, which leaves it to the channel
        // where that reads by itself.
        channel.setOption(.autoRead, value: false).whenFailure { [channel] _ in channel.close(promise: nil) }
        // What is above learns that there is nothing more for it.
        context.fireChannelInactive()
        context.read()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context.value = nil
        ended()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        let (token, readiness) = state.withLock { state -> (UInt64?, SocketReadiness) in
            if state.incoming.readableBytes == 0 { state.incoming = bytes } else { state.incoming.writeBuffer(&bytes) }
            return (state.token, state.token == nil ? [] : Self.announcement(&state))
        }
        if let token { announce(token, readiness) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        let reads = state.withLock { state in
            state.isReadingPaused = state.incoming.readableBytes >= Self.incomingBytesMax
            return !state.isReadingPaused && !state.hasEnded
        }
        if reads { context.read() }
    }

    func channelInactive(context: ChannelHandlerContext) { ended() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Broken ciphertext, a reset: nothing more will come, and the loop learns it as the end.
        ended()
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let event as ChannelEvent where event == .inputClosed: ended()
        case is ChannelShouldQuiesceEvent: quiesce()
        default: break
        }
    }

    private func ended() {
        let (token, readiness) = state.withLock { state -> (UInt64?, SocketReadiness) in
            state.hasEnded = true
            return (state.token, state.token == nil ? [] : Self.announcement(&state))
        }
        if let token { announce(token, readiness) }
    }

    /// The door stops: it waits for its channels, so each is told goodbye now, and not when the hub's own turn comes.
    private func quiesce() {
        let token = state.withLock { state in
            state.isQuiescing = true
            return state.token
        }
        if let token { inbox.put(.goAway(token: token)) }
    }

    // MARK: From the handlers above, which have no say any more

    func read(context: ChannelHandlerContext) {}

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.ioOnClosedChannel)
    }

    func flush(context: ChannelHandlerContext) {}

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // Closing and ending what they write follow from being told the end. Closing the input alone is what the server does when
        // it stops at once.
        guard mode == .input else {
            promise?.succeed()
            return
        }
        context.close(mode: .all, promise: promise)
    }
}
