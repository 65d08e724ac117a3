/// The head of a frame from server to client: final, unmasked.
///
/// Because it is unmasked the bytes of a frame are the same for every client, and can be made once.
struct WebSocketFrameHeader {
    enum Opcode: UInt8 {
        case text = 0x1
        case close = 0x8
        case ping = 0x9
        case pong = 0xA
    }

    static let bytesMax = 10

    /// The first reserved bit: the message is compressed.
    static let compressedBit: UInt8 = 0x40

    static func bytes(_ opcode: Opcode, payloadCount count: Int, isCompressed: Bool = false) -> [UInt8] {
        let first = 0x80 | opcode.rawValue | (isCompressed ? compressedBit : 0)
        if count <= 125 { return [first, UInt8(count)] }
        if count <= Int(UInt16.max) { return [first, 126, UInt8(count >> 8), UInt8(truncatingIfNeeded: count)] }
        return [first, 127] + (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) }
    }

    static func frame(_ opcode: Opcode, _ payload: [UInt8]) -> [UInt8] {
        bytes(opcode, payloadCount: payload.count) + payload
    }

    /// Whether these bytes are one masked pong without payload and nothing else: the answer to a ping of the hub's.
    static func isEmptyPong(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count == 6 && bytes[0] == 0x80 | Opcode.pong.rawValue && bytes[1] == 0x80
    }

    /// A close frame; the reason is cut to what a control frame holds, at a character's border.
    static func close(code: UInt16, reason: String) -> [UInt8] {
        var text = reason
        while text.utf8.count > WebSocketFrameParser.controlPayloadBytesMax - 2 { text.removeLast() }
        return frame(.close, [UInt8(code >> 8), UInt8(truncatingIfNeeded: code)] + Array(text.utf8))
    }
}
