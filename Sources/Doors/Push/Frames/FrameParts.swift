internal import NIOCore

/// The pieces of a frame before they are laid in a row: what stands before the JSON, the JSON, and what stands after it.
struct FrameParts {
    var head: [UInt8]
    var body: ByteBuffer
    var tail: [UInt8]

    var count: Int { head.count + body.readableBytes + tail.count }

    /// A frame that is ready already.
    init(bytes: [UInt8]) {
        head = bytes
        body = ByteBuffer()
        tail = []
    }

    /// A message in a transport's framing.
    /// - Parameters:
    ///   - type: the `type` member, which Server-Sent Events repeat.
    ///   - place: what a client would resume from; Server-Sent Events name it.
    init(_ json: ByteBuffer, transport: Transport, type: String, place: String?) {
        let compressed = transport == .compressedWebSocket ? MessageDeflate.compressed(json) : nil
        body = compressed ?? json
        switch transport {
        case .webSocket, .compressedWebSocket:
            head = WebSocketFrameHeader.bytes(
                .text, payloadCount: body.readableBytes, isCompressed: compressed != nil)
            tail = []
        case .eventSource:
            head = Array((place.map { "id: \($0)\n" } ?? "").utf8) + Array("event: \(type)\ndata: ".utf8)
            tail = [0x0A, 0x0A]
        }
    }

    func copy(to target: UnsafeMutableRawPointer) {
        head.withUnsafeBytes {
            target.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(target), byteCount: $0.count)
        }
        body.withUnsafeReadableBytes {
            (target + head.count).copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(target), byteCount: $0.count)
        }
        tail.withUnsafeBytes {
            (target + head.count + body.readableBytes)
                .copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(target), byteCount: $0.count)
        }
    }
}

/// How a connection is spoken to after its first answer.
enum Transport: UInt8, Hashable, Sendable {
    case webSocket
    /// With `permessage-deflate`.
    case compressedWebSocket
    case eventSource

    var isWebSocket: Bool { self != .eventSource }
}
