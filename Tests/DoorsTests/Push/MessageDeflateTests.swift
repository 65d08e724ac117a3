import NIOCore
import TestSupport
import Testing

@testable import Doors

/// `permessage-deflate`: what is agreed on, and what comes back.
struct MessageDeflateTests {
    @Test(arguments: [
        ("permessage-deflate", true), ("permessage-deflate; client_max_window_bits", true),
        ("x-webkit-deflate-frame, permessage-deflate; server_no_context_takeover; client_max_window_bits=10", true),
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", true),
        ("permessage-deflate; server_max_window_bits=15", true),
        ("PERMESSAGE-DEFLATE; client_no_context_takeover", true),
        ("permessage-deflate; server_max_window_bits=10", false), ("permessage-deflate; server_max_window_bits", false),
        ("permessage-deflate; client_max_window_bits=7", false), ("permessage-deflate; unknown", false),
        ("permessage-deflate; client_no_context_takeover; client_no_context_takeover", false),
        ("permessage-deflate; server_no_context_takeover=1", false), ("permessage-deflate;", false),
        ("permessage-bzip2", false), ("", false),
    ])
    func offersAreMetOrDeclined(_ offer: String, isMet: Bool) {
        let answer = MessageDeflate.agreement(to: [offer])
        #expect((answer != nil) == isMet)
        #expect(answer?.hasPrefix("permessage-deflate; server_no_context_takeover; client_no_context_takeover") ?? true)
        // RFC 7692, section 7.1.2.1: who asks for a window is told it.
        #expect(answer?.contains("; server_max_window_bits=15") ?? false == offer.contains("server_max_window_bits=15"))
    }

    @Test func whatIsCompressedComesBack() throws {
        var random = SeededRandom(seed: 7)
        for count in [256, 257, 1_000, 16_384, 100_000] {
            let text = (0..<count).map { _ in UInt8(ascii: "a") + UInt8.random(in: 0..<4, using: &random) }
            let packed = try #require(MessageDeflate.compressed(ByteBuffer(bytes: text)))
            #expect(packed.readableBytes < count)
            let bytes = Array(packed.readableBytesView)
            #expect(try MessageDeflate.inflated(bytes, bytesMax: count) == text)
            #expect(throws: MessageDeflate.Failure.tooBig) { try MessageDeflate.inflated(bytes, bytesMax: count - 1) }
        }
        #expect(MessageDeflate.compressed(ByteBuffer(bytes: [UInt8](repeating: 1, count: 255))) == nil)
        let noise = (0..<4_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        #expect(MessageDeflate.compressed(ByteBuffer(bytes: noise)) == nil, "it would grow")
    }

    /// A megabyte of one letter is a kilobyte on the wire.
    @Test func aBombIsNotInflated() throws {
        let bomb = try #require(MessageDeflate.compressed(ByteBuffer(bytes: [UInt8](repeating: 0x61, count: 50 << 20))))
        #expect(bomb.readableBytes < 64 << 10)
        #expect(throws: MessageDeflate.Failure.tooBig) {
            try MessageDeflate.inflated(Array(bomb.readableBytesView), bytesMax: 64 << 10)
        }
    }

    @Test func bytesThatAreNoneAreRefused() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 1...60, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            // Either way it ends, within its bound.
            if let message = try? MessageDeflate.inflated(bytes, bytesMax: 1_000) { #expect(message.count <= 1_000) }
        }
        #expect(throws: MessageDeflate.Failure.malformed) {
            try MessageDeflate.inflated([0xFF, 0xFF, 0xFF], bytesMax: 100)
        }
    }

    private func frame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
        var bytes = RawClient.frame(opcode: first & 0x0F, payload)
        bytes[0] = first
        return bytes
    }

    private func outputs(_ bytes: [UInt8], max: Int = 1_000, allows: Bool = true) -> [WebSocketFrameParser.Output] {
        var parser = WebSocketFrameParser(messageBytesMax: max, allowsCompression: allows)
        var outputs: [WebSocketFrameParser.Output] = []
        bytes.withUnsafeBytes { parser.receive($0) { outputs.append($0) } }
        return outputs
    }

    @Test func compressedMessagesAreRead() throws {
        let text = Array(String(repeating: "hello ", count: 100).utf8)
        let packed = Array(try #require(MessageDeflate.compressed(ByteBuffer(bytes: text))).readableBytesView)
        #expect(outputs(frame(0xC1, packed)) == [.text(text)])
        // In fragments the mark stands on the first alone, and a plain message may follow.
        let half = packed.count / 2
        let pieces =
            frame(0x41, Array(packed[..<half])) + frame(0x80, Array(packed[half...])) + frame(0x81, Array("x".utf8))
        #expect(outputs(pieces) == [.text(text), .text(Array("x".utf8))])
    }

    @Test func marksThatMayNotBeAreErrors() throws {
        let packed = Array(
            try #require(MessageDeflate.compressed(ByteBuffer(bytes: [UInt8](repeating: 0x61, count: 600))))
                .readableBytesView)
        func code(_ bytes: [UInt8], max: Int = 1_000, allows: Bool = true) -> UInt16? {
            guard case .failure(let code, _)? = outputs(bytes, max: max, allows: allows).last else { return nil }
            return code
        }
        #expect(code(frame(0xC1, packed), allows: false) == CloseCode.protocolError, "not agreed on")
        #expect(code(frame(0xC9, [])) == CloseCode.protocolError, "a compressed ping")
        #expect(code(frame(0x41, packed) + frame(0xC0, [])) == CloseCode.protocolError, "a marked continuation")
        #expect(code(frame(0xA1, packed)) == CloseCode.protocolError, "another bit")
        #expect(code(frame(0xC1, packed), max: 599) == CloseCode.tooBig)
        #expect(code(frame(0xC1, [0xFF, 0xFF])) == CloseCode.invalidText)
    }
}
