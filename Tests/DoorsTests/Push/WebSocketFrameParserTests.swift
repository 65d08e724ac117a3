import Foundation
import TestSupport
import Testing

@testable import Doors

struct WebSocketFrameParserTests {
    private func parse(
        _ bytes: [UInt8], max: Int = 64 * 1024, pieces: Int? = nil
    ) -> (outputs: [WebSocketFrameParser.Output], isIdle: Bool) {
        var parser = WebSocketFrameParser(messageBytesMax: max)
        var outputs: [WebSocketFrameParser.Output] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(pieces ?? bytes.count))
            rest = rest.dropFirst(piece.count)
            piece.withUnsafeBytes { parser.receive($0) { outputs.append($0) } }
        }
        return (outputs, parser.isIdle)
    }

    private func failure(_ bytes: [UInt8], max: Int = 64 * 1024) -> UInt16? {
        guard case .failure(let code, _)? = parse(bytes, max: max).outputs.last else { return nil }
        return code
    }

    private typealias Client = RawClient

    @Test(arguments: [0, 1, 125, 126, 127, 65_535, 65_536])
    func everyLengthFormIsRead(length: Int) {
        let payload = [UInt8](repeating: 0x61, count: length)
        let result = parse(Client.frame(opcode: 1, payload))
        #expect(result.outputs == [.text(payload)] && result.isIdle)
    }

    @Test(arguments: [1, 2, 3, 7, 1000])
    func piecesOfAnySizeGiveTheSame(size: Int) {
        var bytes: [UInt8] = []
        bytes += Client.frame(opcode: 1, Array("Lä".utf8), final: false)
        bytes += Client.frame(opcode: 9, [1, 2, 3])
        bytes += Client.frame(opcode: 0, [], final: false)
        bytes += Client.frame(opcode: 0, Array("uferstraße".utf8))
        bytes += Client.frame(opcode: 10, [])
        bytes += Client.frame(opcode: 1, [UInt8](repeating: 0x62, count: 300))
        bytes += Client.frame(opcode: 8, [0x03, 0xE8] + Array("bye".utf8))
        let result = parse(bytes, pieces: size)
        #expect(
            result.outputs == [
                .ping([1, 2, 3]), .text(Array("Läuferstraße".utf8)), .pong, .text([UInt8](repeating: 0x62, count: 300)),
                .close(code: 1000),
            ])
        #expect(result.isIdle)
    }

    @Test func aPingBetweenFragmentsIsNoPartOfTheMessage() {
        let half = [UInt8](repeating: 0x61, count: 50)
        var bytes = Client.frame(opcode: 1, half, final: false)
        bytes += Client.frame(opcode: 9, [UInt8](repeating: 0x70, count: 60))
        bytes += Client.frame(opcode: 0, half)
        let ping = WebSocketFrameParser.Output.ping([UInt8](repeating: 0x70, count: 60))
        #expect(parse(bytes, max: 100).outputs == [ping, .text(half + half)])
        #expect(failure(Client.frame(opcode: 1, half, final: false) + Client.frame(opcode: 0, half), max: 99) == 1009)
    }

    @Test func aBinaryMessageIsNoText() {
        #expect(parse(Client.frame(opcode: 2, [0xFF, 0x00])).outputs == [.binary([0xFF, 0x00])])
        let parts = Client.frame(opcode: 2, [0xFF], final: false) + Client.frame(opcode: 0, [0xC3])
        #expect(parse(parts, pieces: 1).outputs == [.binary([0xFF, 0xC3])])
    }

    /// What follows might come late or never.
    @Test func aTextFailsWithItsFirstWrongByte() {
        let start = Array("κόσμε".utf8)
        let whole = Client.frame(opcode: 1, start + [0xF4, 0x90, 0x80, 0x80] + Array("more".utf8))
        let head = whole.count - 8
        #expect(parse(Array(whole.prefix(head + 1))).outputs.isEmpty)
        #expect(failure(Array(whole.prefix(head + 2))) == 1007)
        // In a fragment that is not the last, too, and where a message ends inside a character.
        #expect(failure(Client.frame(opcode: 1, start + [0x80], final: false)) == 1007)
        let half = Client.frame(opcode: 1, [0xE2, 0x82], final: false)
        #expect(parse(half + Client.frame(opcode: 0, [0xAC])).outputs == [.text([0xE2, 0x82, 0xAC])])
        #expect(failure(half + Client.frame(opcode: 0, [])) == 1007)
    }

    @Test func utf8IsWhatSwiftSaysItIs() {
        var random = SeededRandom()
        let edges: [UInt8] = [
            0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
            0xF0, 0xF1,
            0xF3, 0xF4, 0xF5, 0xFF,
        ]
        for _ in 0..<20_000 {
            let bytes = (0..<random.int(1..<6)).map { _ in edges[random.int(0..<edges.count)] }
            var check = UTF8Check()
            let isText = check.takes(bytes) && check.isAtBorder
            #expect(isText == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes), seed \(random.seed)")
        }
    }

    @Test func halfAFrameIsHeldAndGivesNothing() {
        let frame = Client.frame(opcode: 1, Array("hello".utf8))
        for count in 1..<frame.count {
            let result = parse(Array(frame.prefix(count)))
            #expect(result.outputs.isEmpty && !result.isIdle)
        }
    }

    @Test func whatIsNoFrameFails() {
        #expect(failure(Client.frame(opcode: 1, [0x61], masked: false)) == 1002)
        for reserved: UInt8 in [0x10, 0x20, 0x40] {
            var frame = Client.frame(opcode: 1, [0x61])
            frame[0] |= reserved
            #expect(failure(frame) == 1002)
        }
        for opcode: UInt8 in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
            #expect(failure(Client.frame(opcode: opcode, [])) == 1002)
        }
        #expect(failure(Client.frame(opcode: 9, [], final: false)) == 1002)
        #expect(failure(Client.frame(opcode: 9, [UInt8](repeating: 0, count: 126))) == 1002)
        #expect(failure(Client.frame(opcode: 9, [UInt8](repeating: 0, count: 125))) == nil)
        #expect(failure(Client.frame(opcode: 0, [0x61])) == 1002)
        #expect(failure(Client.frame(opcode: 1, [0x61], final: false) + Client.frame(opcode: 1, [0x61])) == 1002)
        #expect(failure(Client.frame(opcode: 1, [0xC3, 0x28])) == 1007)
        #expect(failure(Client.frame(opcode: 8, [0x03])) == 1002)
        #expect(failure(Client.frame(opcode: 8, [0x03, 0xE8, 0xFF])) == 1007)
        for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535] {
            #expect(failure(Client.frame(opcode: 8, [UInt8(code >> 8), UInt8(code & 0xFF)])) == 1002, "\(code)")
        }
    }

    @Test func aMessageIsBoundedBeforeItIsRead() {
        #expect(failure(Client.frame(opcode: 1, [UInt8](repeating: 0x61, count: 11)), max: 10) == 1009)
        #expect(failure(Client.frame(opcode: 1, [UInt8](repeating: 0x61, count: 10)), max: 10) == nil)
        // The header alone is enough, also of a length that no memory holds.
        #expect(failure([0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]) == 1009)
        let half = Client.frame(opcode: 1, [UInt8](repeating: 0x61, count: 6), final: false)
        #expect(failure(half + Client.frame(opcode: 0, [UInt8](repeating: 0x61, count: 5)), max: 10) == 1009)
        let empty = Client.frame(opcode: 0, [], final: false)
        let flood =
            Client.frame(opcode: 1, [], final: false)
            + Array(repeatElement(empty, count: WebSocketFrameParser.fragmentCountMax).joined())
        #expect(failure(flood) == 1008)
    }

    @Test func afterAFailureNothingIsRead() {
        let result = parse(Client.frame(opcode: 3, []) + Client.frame(opcode: 1, [0x61]))
        #expect(result.outputs.count == 1 && !result.isIdle)
    }

    @Test func randomBytesNeverTrap() {
        var random = SeededRandom()
        for _ in 0..<5000 {
            let bytes = (0..<random.int(1..<200)).map { _ in UInt8.random(in: 0...255, using: &random) }
            let all = parse(bytes, max: 1000)
            let single = parse(bytes, max: 1000, pieces: 1)
            #expect(all.outputs == single.outputs, "seed \(random.seed)")
        }
    }
}
