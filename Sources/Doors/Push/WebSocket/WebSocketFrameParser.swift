/// Reads the frames of a client (RFC 6455 section 5), from any pieces they come in. A pure state machine.
///
/// It holds bytes only while a frame or a message is incomplete; `isIdle` says that nothing is held, and then the loop
/// drops it. A message, a fragment count and a control frame are bounded before a byte of them is kept, and a text that is
/// no UTF-8 fails with its first wrong byte.
struct WebSocketFrameParser {
    enum Output: Equatable {
        /// A whole text message, valid UTF-8.
        case text([UInt8])
        case binary([UInt8])
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
    private let fragmentCountMax: Int
    /// `permessage-deflate` was agreed on.
    private let allowsCompression: Bool
    /// Of a frame whose head is not complete: at most 14 bytes.
    private var head: [UInt8] = []
    /// The frame whose payload is awaited.
    private var frame: Frame?
    /// The message whose end is awaited.
    private var message: Message?
    private var hasFailed = false

    private struct Frame {
        var opcode: UInt8
        var isFinal: Bool
        /// Of the payload, still to come.
        var missing: Int
        var key: (UInt8, UInt8, UInt8, UInt8)
        /// Of a control frame, which may stand between the fragments of a message.
        var controlPayload: [UInt8] = []

        var isControl: Bool { opcode & 0x8 != 0 }
    }

    private struct Message {
        var isText: Bool
        var isCompressed: Bool
        var bytes: [UInt8] = []
        var fragmentCount = 0
        var check = UTF8Check()
    }

    init(
        messageBytesMax: Int, allowsCompression: Bool = false, fragmentCountMax: Int = Self.fragmentCountMax
    ) {
        self.messageBytesMax = messageBytesMax
        self.allowsCompression = allowsCompression
        self.fragmentCountMax = fragmentCountMax
    }

    /// True when nothing is held over.
    var isIdle: Bool { head.isEmpty && frame == nil && message == nil && !hasFailed }

    /// Hands each frame to `body` in order. After a failure everything is ignored.
    mutating func receive(_ bytes: UnsafeRawBufferPointer, _ body: (Output) -> Void) {
        var rest = bytes
        while !hasFailed {
            do throws(Violation) {
                // A frame without payload is complete with its head.
                if frame == nil, try !readHead(&rest) { return }
                guard try readPayload(&rest) else { return }
                if let output = try frameEnded() { body(output) }
            } catch {
                hasFailed = true
                (head, frame, message) = ([], nil, nil)
                body(.failure(code: error.code, reason: error.reason))
            }
        }
    }

    private struct Violation: Error {
        var code: UInt16
        var reason: String

        static func ofProtocol(_ reason: String) -> Violation {
            Violation(code: CloseCode.protocolError, reason: reason)
        }
    }

    /// False when there is not enough of it.
    private mutating func readHead(_ rest: inout UnsafeRawBufferPointer) throws(Violation) -> Bool {
        func take(upTo count: Int) -> Bool {
            let taken = rest.prefix(max(0, count - head.count))
            head.append(contentsOf: taken)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(taken.count))
            return head.count >= count
        }
        guard take(upTo: 2) else { return false }
        let (first, second) = (head[0], head[1])
        let opcode = first & 0x0F
        let isFinal = first & 0x80 != 0
        let isMarked = first & WebSocketFrameHeader.compressedBit != 0
        // The mark stands on the first frame of a message, and on no control frame (RFC 7692, section 6).
        guard first & 0x30 == 0, !isMarked || (allowsCompression && (opcode == 0x1 || opcode == 0x2)) else {
            throw .ofProtocol("reserved bits are set")
        }
        guard second & 0x80 != 0 else { throw .ofProtocol("a client's frames are masked") }
        let field = second & 0x7F
        if let reason = refusal(opcode: opcode, isFinal: isFinal, lengthField: field) { throw .ofProtocol(reason) }
        let lengthBytes = field == 126 ? 2 : field == 127 ? 8 : 0
        guard take(upTo: 2 + lengthBytes) else { return false }
        let length = lengthBytes == 0 ? UInt64(field) : head[2..<2 + lengthBytes].reduce(0) { $0 << 8 | UInt64($1) }
        // A control frame between the fragments of a message is no part of it; its length is bounded already.
        guard opcode & 0x8 != 0 || length <= UInt64(messageBytesMax - (message?.bytes.count ?? 0)) else { throw tooBig }
        guard take(upTo: 2 + lengthBytes + 4) else { return false }
        let key = head.suffix(4).map { $0 }
        frame = Frame(opcode: opcode, isFinal: isFinal, missing: Int(length), key: (key[0], key[1], key[2], key[3]))
        if opcode == 0x1 || opcode == 0x2 { message = Message(isText: opcode == 0x1, isCompressed: isMarked) }
        // A new array, not an emptied one: an idle connection holds no buffer.
        head = []
        return true
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

    private var tooBig: Violation {
        Violation(code: CloseCode.tooBig, reason: "a message has at most \(messageBytesMax) bytes")
    }

    private static let notUTF8 = Violation(code: CloseCode.invalidText, reason: "the text is not UTF-8")

    /// False when there is not enough of it.
    private mutating func readPayload(_ rest: inout UnsafeRawBufferPointer) throws(Violation) -> Bool {
        guard var frame else { return false }
        let count = min(frame.missing, rest.count)
        let masked = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        frame.missing -= count
        if frame.isControl {
            Self.append(masked, unmaskedWith: frame.key, to: &frame.controlPayload)
        } else if var grown = message {
            // Held once, so that it grows in its place.
            message = nil
            let start = grown.bytes.count
            Self.append(masked, unmaskedWith: frame.key, to: &grown.bytes)
            if grown.isText, !grown.isCompressed, !grown.check.takes(grown.bytes[start...]) { throw Self.notUTF8 }
            message = grown
        }
        let key = frame.key
        switch count & 3 {
        case 1: frame.key = (key.1, key.2, key.3, key.0)
        case 2: frame.key = (key.2, key.3, key.0, key.1)
        case 3: frame.key = (key.3, key.0, key.1, key.2)
        default: break
        }
        self.frame = frame
        return frame.missing == 0
    }

    private static func append(
        _ masked: UnsafeRawBufferPointer, unmaskedWith key: (UInt8, UInt8, UInt8, UInt8), to bytes: inout [UInt8]
    ) {
        let start = bytes.count
        bytes.append(contentsOf: masked)
        bytes.withUnsafeMutableBufferPointer { bytes in
            for index in 0..<masked.count {
                switch index & 3 {
                case 0: bytes[start + index] ^= key.0
                case 1: bytes[start + index] ^= key.1
                case 2: bytes[start + index] ^= key.2
                default: bytes[start + index] ^= key.3
                }
            }
        }
    }

    /// Nil where it is a fragment that is not the last.
    private mutating func frameEnded() throws(Violation) -> Output? {
        guard let frame else { return nil }
        self.frame = nil
        switch frame.opcode {
        case 0x8: return try Self.close(frame.controlPayload)
        case 0x9: return .ping(frame.controlPayload)
        case 0xA: return .pong
        default: break
        }
        guard var message else { return nil }
        message.fragmentCount += 1
        guard message.fragmentCount <= fragmentCountMax else {
            throw Violation(code: CloseCode.policy, reason: "a message has at most \(fragmentCountMax) fragments")
        }
        guard frame.isFinal else {
            self.message = message
            return nil
        }
        self.message = nil
        if message.isCompressed {
            do throws(MessageDeflate.Failure) {
                message.bytes = try MessageDeflate.inflated(message.bytes, bytesMax: messageBytesMax)
            } catch {
                switch error {
                case .tooBig: throw tooBig
                case .malformed:
                    throw Violation(code: CloseCode.invalidText, reason: "the message is not compressed as agreed")
                }
            }
            if message.isText, !message.check.takes(message.bytes) { throw Self.notUTF8 }
        }
        guard message.isText else { return .binary(message.bytes) }
        guard message.check.isAtBorder else { throw Self.notUTF8 }
        return .text(message.bytes)
    }

    /// RFC 6455 section 7.4: which codes may stand in a close frame.
    private static func close(_ payload: [UInt8]) throws(Violation) -> Output {
        guard !payload.isEmpty else { return .close(code: nil) }
        guard payload.count >= 2 else {
            throw .ofProtocol("a close frame has a whole code or none")
        }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: break
        default: throw .ofProtocol("close code \(code) may not be sent")
        }
        guard String(validating: payload.dropFirst(2), as: UTF8.self) != nil else {
            throw Violation(code: CloseCode.invalidText, reason: "the close reason is not UTF-8")
        }
        return .close(code: code)
    }
}
