internal import NIOCore
internal import NIOHTTP1

/// NIO's HTTP request decoder, which can be told to stop understanding: so that a connection can be handed over with the
/// bytes behind the request, or closed without reading what still comes.
///
/// Removing NIO's own decoder sends leftover bytes down the pipeline as a buffer, where the next handler expects HTTP parts;
/// which of the two comes depends on what a client sent. Here they stay inside and are asked for by name.
///
/// Owned by one connection, used on its event loop.
final class RequestDecoder: ByteToMessageDecoder {
    typealias InboundOut = HTTPServerRequestPart

    private enum Mode {
        case decoding
        /// Bytes are kept for `takeLeftover`.
        case detached
        /// Bytes are dropped.
        case discarding
    }

    private let base: HTTPRequestDecoder
    private var mode = Mode.decoding
    private var leftover = ByteBuffer()

    init(limits: HTTPDoor.Limits) {
        var configuration = NIOHTTPDecoderLimitConfiguration()
        // The decoder counts the target as a field. It allows more than the door does, so that a target or header that is
        // somewhat too long still gets the answer that names it; what is far too long is stopped here.
        let allowance = 4
        configuration.maxHeaderFieldSize = allowance * max(limits.headerBytesMax, limits.targetBytesMax)
        configuration.maxHeaderListSize = allowance * (limits.headerBytesMax + limits.targetBytesMax)
        configuration.maxHeaderFieldCount = limits.headerCountMax
        base = HTTPRequestDecoder(
            leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .drop, limitConfiguration: configuration)
    }

    /// From now on bytes are kept, not understood.
    func detach() { mode = .detached }

    /// From now on bytes are dropped.
    func discard() { mode = .discarding }

    /// What came behind the last request; complete once the decoder has left the pipeline.
    func takeLeftover() -> ByteBuffer {
        defer { leftover = ByteBuffer() }
        return leftover
    }

    func decoderAdded(context: ChannelHandlerContext) { base.decoderAdded(context: context) }
    func decoderRemoved(context: ChannelHandlerContext) { base.decoderRemoved(context: context) }

    func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        switch mode {
        case .decoding:
            return try base.decode(context: context, buffer: &buffer)
        case .detached:
            return .needMoreData
        case .discarding:
            buffer.moveReaderIndex(to: buffer.writerIndex)
            return .needMoreData
        }
    }

    func decodeLast(context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool) throws -> DecodingState {
        switch mode {
        case .decoding:
            return try base.decodeLast(context: context, buffer: &buffer, seenEOF: seenEOF)
        case .detached:
            leftover.writeBuffer(&buffer)
            return .needMoreData
        case .discarding:
            buffer.moveReaderIndex(to: buffer.writerIndex)
            return .needMoreData
        }
    }
}
