internal import CPushLoop
internal import NIOCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// What a socket of a loop is ready for.
struct SocketReadiness: OptionSet, Sendable {
    let rawValue: UInt32
    /// Bytes, or the end, can be received. A broken socket is readable too: receiving tells how.
    static let readable = SocketReadiness(rawValue: PUSHLOOP_READABLE)
    static let writable = SocketReadiness(rawValue: PUSHLOOP_WRITABLE)
    static let hangup = SocketReadiness(rawValue: PUSHLOOP_HANGUP)
}

/// What `receive` and `send` answer beside a number of bytes: negated numbers of errors, as the kernel's.
enum SocketAnswer {
    static let wouldBlock = -Int(EAGAIN)
    static let interrupted = -Int(EINTR)
}

/// A connection on its way into a loop.
enum AdoptedSocket: Sendable {
    /// Of the kernel, connected and non-blocking; owned by whoever holds this.
    case descriptor(CInt)
    /// Where NIO speaks: TLS in the process, and systems without the shim's poller.
    case channel(ChannelPipe)

    /// Ends a connection that no loop takes.
    func close() {
        switch self {
        case .descriptor(let descriptor): _ = pushloop_close(descriptor)
        case .channel(let pipe): pipe.close()
        }
    }
}

/// The sockets of one loop: the small protocol that is all a loop knows of transports. Two kinds are behind it, in one loop
/// if need be: descriptors, which the loop's own poller watches and whose bytes go to the kernel from where they lie; and
/// channels of NIO (`ChannelPipe`), which live on NIO's threads and tell the inbox what is ready.
///
/// A socket is a number: not negative, a descriptor; negative, a row of the channels. Owned and used by the loop's thread.
final class LoopSockets {
    static let wakeupToken = UInt64.max
    /// Sockets looked at in one turn; the others have theirs in the next.
    static let eventsPerTurn = 256

    private let poller: CInt
    private let waker: LoopWaker
    private let events = UnsafeMutablePointer<pushloop_event>.allocate(capacity: eventsPerTurn)
    private var eventCount = 0
    private var channels: [ChannelPipe?] = []
    private var freeChannels: [Int] = []
    /// Channels with bytes that NIO has not been told of.
    private var unflushed: [ChannelPipe] = []

    /// - Parameter poller: of `makePoller`, owned by the sockets from here; negative: there is none, and no descriptors.
    init(poller: CInt, waker: LoopWaker) {
        self.poller = poller
        self.waker = waker
    }

    deinit {
        events.deallocate()
        if poller >= 0 { _ = pushloop_close(poller) }
    }

    /// A poller that the waker ends the waiting of; -1 where the waker is one that needs none.
    static func makePoller(for waker: LoopWaker) throws(PushHubError) -> CInt {
        guard case .descriptor(let wakeup) = waker.kind else { return -1 }
        let poller = pushloop_poller_create()
        guard poller >= 0 else { throw PushHubError(code: .system, message: "no poller: errno \(-poller)") }
        let added = pushloop_poller_add(poller, wakeup, PUSHLOOP_READABLE, wakeupToken)
        guard added >= 0 else {
            _ = pushloop_close(poller)
            throw PushHubError(code: .system, message: "the poller takes no wakeup: errno \(-added)")
        }
        return poller
    }

    /// Waits until a descriptor is ready, the waker wakes, or the time has passed.
    /// - Returns: the negated number of an error that the poller does not recover from, or 0.
    func wait(milliseconds: CInt) -> CInt {
        eventCount = 0
        guard poller >= 0 else {
            waker.wait(milliseconds: Int(milliseconds))
            return 0
        }
        let count = pushloop_poller_wait(poller, events, CInt(Self.eventsPerTurn), milliseconds)
        guard count >= 0 else { return count }
        eventCount = Int(count)
        return 0
    }

    /// The descriptors that the last wait found ready. Channels tell the inbox.
    func forEachReady(_ body: (_ token: UInt64, _ readiness: SocketReadiness) -> Void) {
        for event in UnsafeBufferPointer(start: events, count: eventCount) {
            if event.token == Self.wakeupToken {
                waker.drain()
            } else {
                body(event.token, SocketReadiness(rawValue: event.events))
            }
        }
    }

    /// The number of a connection that the loop takes.
    func register(_ adopted: AdoptedSocket) -> Int32 {
        switch adopted {
        case .descriptor(let descriptor): return descriptor
        case .channel(let pipe):
            let row = freeChannels.popLast() ?? channels.count
            if row == channels.count { channels.append(nil) }
            channels[row] = pipe
            return ~Int32(row)
        }
    }

    /// Begins to tell what comes, with this token. False when the socket is broken.
    /// - Parameter userTimeoutMilliseconds: how long what is sent may stay unacknowledged.
    func begin(_ socket: Int32, token: UInt64, userTimeoutMilliseconds: UInt32) -> Bool {
        guard socket >= 0 else { return pipe(socket).begin(token: token, userTimeoutMilliseconds) }
        return pushloop_socket_prepare(socket, userTimeoutMilliseconds) >= 0
            && pushloop_poller_add(poller, socket, PUSHLOOP_READABLE, token) >= 0
    }

    /// Whether room for sending is told too. False when the socket is broken.
    func watch(_ socket: Int32, token: UInt64, forRoom: Bool) -> Bool {
        guard socket >= 0 else {
            pipe(socket).watch(forRoom: forRoom)
            return true
        }
        let events = forRoom ? PUSHLOOP_READABLE | PUSHLOOP_WRITABLE : PUSHLOOP_READABLE
        return pushloop_poller_change(poller, socket, events, token) >= 0
    }

    /// The number of bytes, 0 at the peer's end, or a `SocketAnswer`.
    func receive(_ socket: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        socket >= 0
            ? pushloop_receive(socket, buffer.baseAddress, buffer.count) : pipe(socket).receive(into: buffer)
    }

    /// What is left to receive is told again: the loop has stopped before the end of it.
    func receiveLater(_ socket: Int32) {
        if socket < 0 { pipe(socket).announceAgain() }
    }

    /// The number of bytes taken, or a `SocketAnswer`.
    @inline(__always)
    func send(_ socket: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        socket >= 0 ? pushloop_send(socket, bytes.baseAddress, bytes.count) : sendToChannel(socket, bytes)
    }

    private func sendToChannel(_ socket: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        let pipe = pipe(socket)
        let (count, isFirst) = pipe.send(bytes)
        if isFirst { unflushed.append(pipe) }
        return count
    }

    /// Nothing more will be sent; what was is.
    func endSending(_ socket: Int32) {
        // Fails when the peer is gone already, which the next read tells.
        if socket >= 0 { _ = pushloop_shutdown_write(socket) } else { pipe(socket).endSending() }
    }

    func close(_ socket: Int32) {
        guard socket < 0 else {
            _ = pushloop_close(socket)
            return
        }
        pipe(socket).close()
        channels[Int(~socket)] = nil
        freeChannels.append(Int(~socket))
    }

    /// Hands what channels were sent in this turn to NIO: one crossing for each of its threads.
    func flushChannels() {
        guard !unflushed.isEmpty else { return }
        for pipes in Dictionary(grouping: unflushed, by: { ObjectIdentifier($0.eventLoop) }).values {
            pipes[0].eventLoop.execute { for pipe in pipes { pipe.flushOutgoing() } }
        }
        unflushed.removeAll(keepingCapacity: true)
    }

    private func pipe(_ socket: Int32) -> ChannelPipe {
        guard let pipe = channels[Int(~socket)] else { preconditionFailure("a closed channel is no socket") }
        return pipe
    }
}
