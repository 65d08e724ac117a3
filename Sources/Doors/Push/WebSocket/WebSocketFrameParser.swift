/// Reads the frames of a client (RFC 6455 section 5), from any pieces they come in. A pure state machine.
///
/// It holds bytes only while a frame or a message is incomplete; `isIdle` says that nothing is held, and then the loop
/// drops it. A message, a fragment count and a control frame are bounded before a byte of them is kept.
struct WebSocketFrameParser {
    enum Output: Equatable {
        /// A whole text message, valid UTF-8.
        case text([UInt8])
        case ping([UInt8])
        case pong
        /// A close frame; the code is nil when it had none.
        case close(code: UInt16?)
        /// Not a frame that may be. Nothing after it can be read; the connection closes with the code.
        case failure(code: UInt16, reason: String)
    }

    /// A flood of empty fragments is a message that never grows past its bound and never ends.
    static let fragmentCountMax = 128
    static let controlPayloadBytesMax = 125

    private let messageBytesMax: Int
    /// `permessage-deflate` was agreed on.
    private let allowsCompression: Bool
    /// Bytes of a frame that is not complete.
    private var pending: [UInt8] = []
    /// The fragments before the one that is awaited; nil outside a fragmented message.
    private var message: [UInt8]?
    /// The message that is awaited is compressed.
    private var isCompressed = false
    private var fragmentCount = 0
    private var hasFailed = false

    init(messageBytesMax: Int, allowsCompression: Bool = false) {
        self.messageBytesMax = messageBytesMax
        self.allowsCompression = allowsCompression
    }

    /// True when nothing is held over.
    var isIdle: Bool { pending.isEmpty && message == nil && !hasFailed }

    /// Hands each frame to `body` in order. After a failure everything is ignored.
    mutating func receive(_ bytes: UnsafeRawBufferPointer, _ body: (Output) -> Void) {
        guard !hasFailed else { return }
        pending.append(contentsOf: bytes)
        var offset = 0
        while let output = next(&offset) {
            switch output {
            case .frame(let frame):
                guard let output = frame else { continue }
                body(output)
                if case .failure = output { hasFailed = true }
            }
            if hasFailed { break }
        }
        if hasFailed || offset == pending.count {
            // A new array, not an emptied one: an idle connection holds no buffer.
            pending = []
        } else if offset > 0 {
            pending.removeFirst(offset)
        }
        if hasFailed { message = nil }
    }

    private enum Step {
        /// A frame was read; it has no output when it is a fragment that is not the last.
        case frame(Output?)
    }

    /// Reads one frame, or answers nil when there is not enough of it.
    private mutating func next(_ offset: inout Int) -> Step? {
        let available = pending.count - offset
        guard available >= 2 else { return nil }
        let first = pending[offset]
        let second = pending[offset + 1]
        let opcode = first & 0x0F
        let isFinal = first & 0x80 != 0
        let isMarked = first & WebSocketFrameHeader.compressedBit != 0
        // The mark stands on the first frame of a message, and on no control frame (RFC 7692, section 6).
        guard first & 0x30 == 0, !isMarked || (allowsCompression && (opcode == 0x1 || opcode == 0x2)) else {
            return failure("reserved bits are set")
        }
        guard second & 0x80 != 0 else { return failure("a client's frames are masked") }
        if let reason = refusal(opcode: opcode, isFinal: isFinal, lengthField: second & 0x7F) { return failure(reason) }
        guard let (length, headerLength) = length(field: second & 0x7F, at: offset, available: available) else {
            return nil
        }
        // A control frame between the fragments of a message is no part of it; its length is bounded already.
        let isControl = opcode & 0x8 != 0
        guard isControl || length <= UInt64(messageBytesMax - (message?.count ?? 0)) else {
            return .frame(.failure(code: CloseCode.tooBig, reason: "a message has at most \(messageBytesMax) bytes"))
        }
        if opcode == 0x2 {
            return .frame(.failure(code: CloseCode.unsupportedData, reason: "messages are text"))
        }
        let payloadStart = offset + headerLength + 4
        guard available >= headerLength + 4 + Int(length) else { return nil }
        let payload = unmasked(from: payloadStart, count: Int(length), key: payloadStart - 4)
        offset = payloadStart + Int(length)
        if opcode == 0x1 { isCompressed = isMarked }
        return .frame(frameReceived(opcode: opcode, isFinal: isFinal, payload: payload))
    }

    private func failure(_ reason: String) -> Step {
        .frame(.failure(code: CloseCode.protocolError, reason: reason))
    }

    /// What is wrong with the first two bytes of a frame.
    private func refusal(opcode: UInt8, isFinal: Bool, lengthField: UInt8) -> String? {
        switch opcode {
        case 0x0: message == nil ? "a continuation without a beginning" : nil
        case 0x1, 0x2: message == nil ? nil : "a new message inside a fragmented one"
        case 0x8, 0x9, 0xA:
            !isFinal
                ? "a control frame is not fragmented"
                : lengthField > Self.controlPayloadBytesMax
                    ? "a control frame has at most \(Self.controlPayloadBytesMax) bytes" : nil
        default: "opcode \(opcode) is not defined"
        }
    }

    /// The payload's length and the bytes before the masking key; nil when they have not come yet.
    private func length(field: UInt8, at offset: Int, available: Int) -> (length: UInt64, headerLength: Int)? {
        let extra = field == 126 ? 2 : field == 127 ? 8 : 0
        guard extra > 0 else { return (UInt64(field), 2) }
        guard available >= 2 + extra else { return nil }
        var length: UInt64 = 0
        for index in 0..<extra { length = length << 8 | UInt64(pending[offset + 2 + index]) }
        return (length, 2 + extra)
    }

    private func unmasked(from start: Int, count: Int, key: Int) -> [UInt8] {
        var payload = Array(pending[start..<start + count])
        for index in 0..<count { payload[index] ^= pending[key + index & 3] }
        return payload
    }

    private mutating func frameReceived(opcode: UInt8, isFinal: Bool, payload: [UInt8]) -> Output? {
        switch opcode {
        case 0x8: return closeReceived(payload)
        case 0x9: return .ping(payload)
        case 0xA: return .pong
        default: break
        }
        fragmentCount += 1
        guard fragmentCount <= Self.fragmentCountMax else {
            return .failure(code: CloseCode.policy, reason: "a message has at most \(Self.fragmentCountMax) fragments")
        }
        var whole = (message ?? []) + payload
        guard isFinal else {
            message = whole
            return nil
        }
        message = nil
        fragmentCount = 0
        if isCompressed {
            do throws(MessageDeflate.Failure) {
                whole = try MessageDeflate.inflated(whole, bytesMax: messageBytesMax)
            } catch {
                switch error {
                case .tooBig:
                    return .failure(
                        code: CloseCode.tooBig, reason: "a message has at most \(messageBytesMax) bytes")
                case .malformed:
                    return .failure(code: CloseCode.invalidText, reason: "the message is not compressed as agreed")
                }
            }
        }
        guard String(validating: whole, as: UTF8.self) != nil else {
            return .failure(code: CloseCode.invalidText, reason: "the text is not UTF-8")
        }
        return .text(whole)
    }

    /// RFC 6455 section 7.4: which codes may stand in a close frame.
    private func closeReceived(_ payload: [UInt8]) -> Output {
        guard !payload.isEmpty else { return .close(code: nil) }
        guard payload.count >= 2 else {
            return .failure(code: CloseCode.protocolError, reason: "a close frame has a whole code or none")
        }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: break
        default: return .failure(code: CloseCode.protocolError, reason: "close code \(code) may not be sent")
        }
        guard String(validating: payload.dropFirst(2), as: UTF8.self) != nil else {
            return .failure(code: CloseCode.invalidText, reason: "the close reason is not UTF-8")
        }
        return .close(code: code)
    }
}
