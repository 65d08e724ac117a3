@testable import Doors

/// `WebSocketFrameParser`: the same messages from the whole stream and from any pieces of it; messages within their bounds,
/// texts UTF-8; what was read, written as frames again, is read the same.
enum WebSocketFrames {
    private typealias Output = WebSocketFrameParser.Output

    static func run(_ input: inout FuzzInput) {
        let choice = input.byte()
        let seed = input.byte()
        let bytesMax = [16, 300, 70_000, 70_000][Int(choice & 3)]
        let makeParser = {
            WebSocketFrameParser(
                messageBytesMax: bytesMax, allowsCompression: choice & 4 != 0,
                fragmentCountMax: choice & 8 == 0 ? 128 : 3)
        }
        let stream = choice & 16 == 0 ? input.remaining() : masked(&input)
        let (outputs, isIdle) = outputs(of: [stream], makeParser())
        let (pieced, isPiecedIdle) = Self.outputs(of: stream.pieces(seed: seed), makeParser())
        property("the pieces of a stream give the messages of the whole", holds: outputs == pieced)
        property("the pieces of a stream leave held what the whole does", holds: isIdle == isPiecedIdle)
        for (index, output) in outputs.enumerated() {
            check(output, bytesMax: bytesMax)
            if case .failure = output {
                property("nothing is read behind a failure", holds: index == outputs.count - 1 && !isIdle)
            }
        }
        checkReading(of: outputs, bytesMax)
        var utf8 = UTF8Check()
        let isText = utf8.takes(stream) && utf8.isAtBorder
        property("UTF8Check takes what is UTF-8", holds: isText == (String(validating: stream, as: UTF8.self) != nil))
    }

    private static func outputs(
        of pieces: [[UInt8]], _ parser: WebSocketFrameParser
    ) -> (outputs: [Output], isIdle: Bool) {
        var parser = parser
        var outputs: [Output] = []
        for piece in pieces { piece.withUnsafeBytes { parser.receive($0) { outputs.append($0) } } }
        return (outputs, parser.isIdle)
    }

    private static func check(_ output: Output, bytesMax: Int) {
        switch output {
        case .text(let bytes):
            property("a text is UTF-8", holds: String(validating: bytes, as: UTF8.self) != nil)
            property("a message is not longer than its bound", holds: bytes.count <= bytesMax)
        case .binary(let bytes): property("a message is not longer than its bound", holds: bytes.count <= bytesMax)
        case .ping(let bytes): property("a ping has at most 125 bytes", holds: bytes.count <= 125)
        case .close(let code?):
            property("a close code may be sent", holds: (1000...4999).contains(code) && code != 1005)
        case .pong, .close(nil): break
        case .failure(let code, _):
            property("a failure's code is one of ours", holds: [1002, 1007, 1008, 1009].contains(code))
        }
    }

    private static func checkReading(of outputs: [Output], _ bytesMax: Int) {
        var stream: [UInt8] = []
        var expected: [Output] = []
        for output in outputs {
            let frame: [UInt8]
            switch output {
            case .text(let bytes): frame = Self.frame(0x81, bytes)
            case .binary(let bytes): frame = Self.frame(0x82, bytes)
            case .ping(let bytes): frame = Self.frame(0x89, bytes)
            case .pong: frame = Self.frame(0x8A, [])
            case .close(nil): frame = Self.frame(0x88, [])
            case .close(let code?): frame = Self.frame(0x88, [UInt8(code >> 8), UInt8(truncatingIfNeeded: code)])
            case .failure: continue
            }
            stream += frame
            expected.append(output)
        }
        let (again, isIdle) = Self.outputs(of: [stream], WebSocketFrameParser(messageBytesMax: bytesMax))
        property("what is written as frames is read the same", holds: again == expected && isIdle)
    }

    /// Frames made of the input, so that the search need not find masks and lengths: a first byte, a length, a payload.
    private static func masked(_ input: inout FuzzInput) -> [UInt8] {
        var stream: [UInt8] = []
        while !input.isEmpty {
            let first = input.byte()
            let length = Int(input.byte())
            stream += frame(first, input.bytes(length))
        }
        return stream
    }

    private static func frame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let key: [UInt8] = [0x11, 0x82, 0x03, 0xF4]
        var frame: [UInt8] = [first]
        if payload.count <= 125 {
            frame.append(0x80 | UInt8(payload.count))
        } else if payload.count <= 0xFFFF {
            frame += [0xFE, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        } else {
            frame.append(0xFF)
            frame += (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
        }
        return frame + key + payload.enumerated().map { $0.element ^ key[$0.offset & 3] }
    }
}
