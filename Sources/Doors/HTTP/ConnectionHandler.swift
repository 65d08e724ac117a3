internal import NIOCore
internal import NIOHTTP1

/// Stands between the HTTP codec and Hummingbird's part of one connection: applies `RequestRules`, keeps the order of
/// `ConnectionStateMachine`, watches the deadlines, and hands the connection over when a taker wants it.
///
/// Owned by the channel, used on its event loop only.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let rules: RequestRules
    private let decoder: RequestDecoder
    private let decoding: ByteToMessageHandler<RequestDecoder>
    private let instruments: HTTPInstruments

    private var machine = ConnectionStateMachine()
    /// Bytes of the body that is being read, and what its request may carry.
    private var bodyBytes = 0
    private var bodyBytesMax = 0
    /// The request whose connection is to be taken, and by whom.
    private var takeover: (request: TakeoverRequest, taker: any ConnectionTakeover)?
    /// Our side is closed; what the client still sends is read and dropped until it closes too, or `lingerTimeout`. Closing
    /// at once would make the kernel reset the connection and could destroy the response on its way.
    private var isLingering = false
    private var requestDeadline: Scheduled<Void>?
    private var stallDeadline: Scheduled<Void>?
    private var lingerDeadline: Scheduled<Void>?

    init(
        rules: RequestRules, decoder: RequestDecoder, decoding: ByteToMessageHandler<RequestDecoder>,
        instruments: HTTPInstruments
    ) {
        self.rules = rules
        self.decoder = decoder
        self.decoding = decoding
        self.instruments = instruments
    }

    func handlerAdded(context: ChannelHandlerContext) {
        instruments.connections.increment()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        instruments.connections.decrement()
        for deadline in [requestDeadline, stallDeadline, lingerDeadline] { deadline?.cancel() }
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            headReceived(head, data, context: context)
        case .body(let bytes):
            guard case .forward = machine.bodyReceived() else { return }
            bodyBytes += bytes.readableBytes
            guard bodyBytes <= bodyBytesMax else {
                let refusal = rules.bodyTooLarge(bodyBytesMax)
                inputFailed(refusal, error: RequestFailure(refusal: refusal), context: context)
                return
            }
            context.fireChannelRead(data)
        case .end:
            let action = machine.endReceived()
            requestDeadline?.cancel()
            requestDeadline = nil
            perform(action, data, context: context)
        }
    }

    private func headReceived(_ head: HTTPRequestHead, _ data: NIOAny, context: ChannelHandlerContext) {
        let (verdict, takeover) = rules.verdict(on: head)
        let action = machine.headReceived(verdict)
        bodyBytes = 0
        if machine.wantsInput, let takeover { self.takeover = takeover }
        bodyBytesMax = rules.bodyBytesMax(of: head)
        if case .forward = action {
            startRequestDeadline(in: rules.requestTimeout(of: head), context: context)
            let waitsForContinue = head.headers.first(name: "expect")?.lowercased() == "100-continue"
            if waitsForContinue, machine.responsesDue == 1 {
                let proceed = HTTPResponseHead(version: .http1_1, status: .continue)
                context.writeAndFlush(wrapOutboundOut(.head(proceed)), promise: nil)
            }
        }
        perform(action, data, context: context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let parserError = error as? HTTPParserError else {
            context.fireErrorCaught(error)
            return
        }
        let refusal =
            switch parserError {
            case .headerOverflow: rules.headersTooLarge
            case .invalidVersion:
                Refusal(
                    status: 505, errorCode: "HTTP_VERSION_NOT_SUPPORTED",
                    message: "This server speaks HTTP/1.1 and HTTP/1.0.")
            default:
                Refusal(
                    status: 400, errorCode: "INVALID_REQUEST",
                    message: "This is not a valid HTTP request: \(parserError)")
            }
        inputFailed(refusal, error: RequestFailure(refusal: refusal), context: context)
    }

    private func inputFailed(_ refusal: Refusal, error: RequestFailure, context: ChannelHandlerContext) {
        requestDeadline?.cancel()
        requestDeadline = nil
        switch machine.inputFailed(refusal) {
        case .forward: context.fireErrorCaught(error)
        case .discard: break
        case .end(let ending): end(ending, context: context)
        }
    }

    private func perform(
        _ action: ConnectionStateMachine.PartAction, _ data: NIOAny, context: ChannelHandlerContext
    ) {
        switch action {
        case .forward: context.fireChannelRead(data)
        case .discard: break
        case .end(let ending): end(ending, context: context)
        }
    }

    func read(context: ChannelHandlerContext) {
        if machine.wantsInput || isLingering { context.read() }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        if isLingering { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if isLingering, let event = event as? ChannelEvent, event == .inputClosed {
            context.close(promise: nil)
            return
        }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: Responses

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            if machine.isLastResponse { head.headers.replaceOrAdd(name: "connection", value: "close") }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            let written = promise ?? context.eventLoop.makePromise()
            written.futureResult.assumeIsolated().whenSuccess {
                if let ending = self.machine.responseWritten() { self.end(ending, context: context) }
            }
            context.write(data, promise: written)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stallDeadline?.cancel()
        stallDeadline = nil
        if !context.channel.isWritable {
            stallDeadline = context.eventLoop.assumeIsolated().scheduleTask(in: rules.limits.writeStallTimeout) {
                context.close(promise: nil)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    // MARK: Endings

    private func end(_ ending: ConnectionStateMachine.Ending, context: ChannelHandlerContext) {
        switch ending {
        case .close:
            linger(context: context)
        case .refuse(let refusal):
            instruments.refusal(status: refusal.status).increment()
            let body = ErrorBody.buffer([
                ErrorBody.Entry(errorCode: refusal.errorCode, message: refusal.message)
            ])
            let headers: HTTPHeaders = [
                "content-type": ErrorBody.contentType, "content-length": String(body.readableBytes),
                "connection": "close",
            ]
            let status = HTTPResponseStatus(statusCode: refusal.status)
            context.write(
                wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))),
                promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            linger(context: context)
        case .takeOver:
            handOver(context: context)
        }
    }

    private func linger(context: ChannelHandlerContext) {
        guard !isLingering else { return }
        isLingering = true
        decoder.discard()
        let closed = context.eventLoop.makePromise(of: Void.self)
        closed.futureResult.assumeIsolated().whenFailure { error in
            // Hummingbird may have closed our side before us; then it stays for the client, or the deadline, to close.
            if let error = error as? ChannelError, error == .outputClosed { return }
            context.close(promise: nil)
        }
        context.close(mode: .output, promise: closed)
        lingerDeadline = context.eventLoop.assumeIsolated().scheduleTask(in: HTTPDoor.Limits.lingerTimeout) {
            context.close(promise: nil)
        }
        context.read()
    }

    private func handOver(context: ChannelHandlerContext) {
        guard let (request, taker) = takeover else {
            preconditionFailure("a takeover ends only a connection whose taker was found")
        }
        takeover = nil
        instruments.takenOver.increment()
        decoder.detach()
        // Leftover bytes reach the decoder in the turn in which it leaves, hence the wait.
        let channel = context.channel
        channel.pipeline.syncOperations.removeHandler(decoding).assumeIsolated().whenComplete { _ in
            guard channel.isActive else { return }
            HTTPChannel.strip(channel)
            taker.take(
                channel: channel, request: request, remoteAddress: channel.remoteAddress,
                leftover: self.decoder.takeLeftover())
        }
    }

    private func startRequestDeadline(in timeout: TimeAmount, context: ChannelHandlerContext) {
        requestDeadline?.cancel()
        requestDeadline = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            let refusal = Refusal(
                status: 408, errorCode: "REQUEST_TIMEOUT", message: "The request's body did not arrive in time.")
            self.inputFailed(refusal, error: RequestFailure(refusal: refusal), context: context)
        }
    }
}

/// What a route sees when the rest of its request cannot be read; answered in the form of its refusal.
struct RequestFailure: Error {
    var refusal: Refusal
}
