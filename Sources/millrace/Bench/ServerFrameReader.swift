/// A frame from server to client; its bytes are valid during the call that hands it over.
enum ServerFrame {
    case text(UnsafeRawBufferPointer)
    case ping(UnsafeRawBufferPointer)
    case pong
    /// The code is nil where the frame had none.
    case close(code: UInt16?, reason: String)
    /// Not a frame that may be; nothing after it can be read.
    case failure(String)
}

/// Reads the frames of a server (RFC 6455 section 5), from any pieces they come in. A pure state machine.
///
/// A frame that is whole in what came is handed on where it lies; only the beginning of an incomplete one is kept, so that a
/// connection at rest holds nothing.
struct ServerFrameReader {
    /// No event is longer: Salesforce's have at most 1 MB.
    static let messageBytesMax = 16 * 1024 * 1024

    private enum Measure {
        /// So many bytes tell more.
        case needs(Int)
        case frame(headBytes: Int, payloadBytes: Int)
        case failure(String)
    }

    private var held: [UInt8] = []
    /// Of a message in fragments; nil: none is being received.
    private var message: [UInt8]?
    private var hasFailed = false

    /// True when nothing is held over.
    var isIdle: Bool { held.isEmpty && message == nil }

    /// Hands each frame to `body` in order. After a failure everything is ignored.
    mutating func receive(_ bytes: UnsafeRawBufferPointer, _ body: (ServerFrame) -> Void) {
        var rest = bytes
        while !hasFailed, !rest.isEmpty {
            if held.isEmpty {
                switch Self.measure(rest) {
                case .failure(let reason): fail(reason, body)
                case .frame(let head, let payload) where rest.count >= head + payload:
                    frame(rest[0], UnsafeRawBufferPointer(rebasing: rest[head..<head + payload]), body)
                    rest = UnsafeRawBufferPointer(rebasing: rest[(head + payload)...])
                case .frame, .needs:
                    held = Array(rest)
                    return
                }
            } else {
                complete(&rest, body)
            }
        }
    }

    /// Adds what the held frame lacks.
    private mutating func complete(_ rest: inout UnsafeRawBufferPointer, _ body: (ServerFrame) -> Void) {
        func take(upTo count: Int) {
            let taken = rest.prefix(count - held.count)
            held.append(contentsOf: taken)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(taken.count))
        }
        switch held.withUnsafeBytes({ Self.measure($0) }) {
        case .failure(let reason): fail(reason, body)
        case .needs(let count):
            take(upTo: count)
            // Its head may be all there is of a frame: nothing more need come.
            if held.count == count { complete(&rest, body) }
        case .frame(let head, let payload):
            take(upTo: head + payload)
            guard held.count == head + payload else { return }
            let whole = held
            held = []
            whole.withUnsafeBytes { bytes in
                frame(bytes[0], UnsafeRawBufferPointer(rebasing: bytes[head...]), body)
            }
        }
    }

    private static func measure(_ bytes: UnsafeRawBufferPointer) -> Measure {
        guard bytes.count >= 2 else { return .needs(2) }
        guard bytes[0] & 0x70 == 0 else { return .failure("a frame with reserved bits set") }
        guard bytes[1] & 0x80 == 0 else { return .failure("a masked frame, which only clients send") }
        let field = Int(bytes[1] & 0x7F)
        if bytes[0] & 0x8 != 0, field > 125 || bytes[0] & 0x80 == 0 {
            return .failure("a control frame that is too long or in fragments")
        }
        let lengthBytes = field == 126 ? 2 : field == 127 ? 8 : 0
        guard bytes.count >= 2 + lengthBytes else { return .needs(2 + lengthBytes) }
        let length = lengthBytes == 0 ? UInt64(field) : bytes[2..<2 + lengthBytes].reduce(0) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(messageBytesMax) else { return .failure("a message of \(length) bytes") }
        return .frame(headBytes: 2 + lengthBytes, payloadBytes: Int(length))
    }

    private mutating func frame(
        _ first: UInt8, _ payload: UnsafeRawBufferPointer, _ body: (ServerFrame) -> Void
    ) {
        let isFinal = first & 0x80 != 0
        switch first & 0x0F {
        case 0x0:
            guard var grown = message else { return fail("a continuation without a beginning", body) }
            message = nil
            guard grown.count + payload.count <= Self.messageBytesMax else { return fail("a message too long", body) }
            grown.append(contentsOf: payload)
            guard isFinal else { return message = grown }
            grown.withUnsafeBytes { body(.text($0)) }
        case 0x1:
            guard message == nil else { return fail("a new message inside a fragmented one", body) }
            if isFinal { body(.text(payload)) } else { message = Array(payload) }
        case 0x2: fail("a binary message", body)
        case 0x8:
            let code = payload.count >= 2 ? UInt16(payload[0]) << 8 | UInt16(payload[1]) : nil
            body(.close(code: code, reason: String(decoding: payload.dropFirst(2), as: UTF8.self)))
        case 0x9: body(.ping(payload))
        case 0xA: body(.pong)
        default: fail("a frame with opcode \(first & 0x0F)", body)
        }
    }

    private mutating func fail(_ reason: String, _ body: (ServerFrame) -> Void) {
        hasFailed = true
        (held, message) = ([], nil)
        body(.failure(reason))
    }
}

/// The frames of a client: final and masked.
enum ClientFrame {
    static func text(_ text: String, mask: UInt32) -> [UInt8] { frame(0x1, Array(text.utf8), mask: mask) }

    static func pong(_ payload: some Sequence<UInt8>, mask: UInt32) -> [UInt8] {
        frame(0xA, Array(payload), mask: mask)
    }

    /// The code 1000: all is done.
    static func close(mask: UInt32) -> [UInt8] { frame(0x8, [0x03, 0xE8], mask: mask) }

    private static func frame(_ opcode: UInt8, _ payload: [UInt8], mask: UInt32) -> [UInt8] {
        var bytes: [UInt8] = [0x80 | opcode]
        switch payload.count {
        case ...125: bytes.append(0x80 | UInt8(payload.count))
        case ...Int(UInt16.max):
            bytes += [0x80 | 126, UInt8(payload.count >> 8), UInt8(truncatingIfNeeded: payload.count)]
        default: bytes += [0x80 | 127] + (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
        }
        let key = (0..<4).map { UInt8(truncatingIfNeeded: mask >> (24 - 8 * $0)) }
        bytes += key
        for (index, byte) in payload.enumerated() { bytes.append(byte ^ key[index & 3]) }
        return bytes
    }
}
