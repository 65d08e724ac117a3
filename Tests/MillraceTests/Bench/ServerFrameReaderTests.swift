import Testing

@testable import millrace

struct ServerFrameReaderTests {
    /// What a reader hands over, in words.
    private func read(_ pieces: [[UInt8]]) -> [String] {
        var reader = ServerFrameReader()
        var read: [String] = []
        for piece in pieces {
            piece.withUnsafeBytes { bytes in
                reader.receive(bytes) { read.append(words($0)) }
            }
        }
        return read
    }

    private func words(_ frame: ServerFrame) -> String {
        switch frame {
        case .text(let bytes): "text " + String(decoding: bytes, as: UTF8.self)
        case .ping(let bytes): "ping " + String(decoding: bytes, as: UTF8.self)
        case .pong: "pong"
        case .close(let code, let reason): "close \(code.map { "\($0)" } ?? "-") \(reason)"
        case .failure: "failure"
        }
    }

    private func text(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        switch bytes.count {
        case ...125: return [0x81, UInt8(bytes.count)] + bytes
        case ...65_535: return [0x81, 126, UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes
        default: return [0x81, 127] + (0..<8).map { UInt8(truncatingIfNeeded: bytes.count >> (56 - 8 * $0)) } + bytes
        }
    }

    @Test(arguments: [1, 2, 3, 7, 100, 1_000_000])
    func framesAreTheSameInPiecesOfAnySize(size: Int) {
        let texts =
            ["", "a", String(repeating: "b", count: 125), String(repeating: "c", count: 126)]
            + [String(repeating: "d", count: 65_536)]
        var bytes: [UInt8] = []
        for text in texts { bytes += self.text(text) }
        bytes += [0x89, 1, 0x78, 0x8A, 0]
        bytes += [0x01, 1, 0x61, 0x89, 0, 0x80, 1, 0x62]
        bytes += [0x88, 5, 0x03, 0xE9] + Array("bye".utf8)
        let pieces = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
        #expect(read(pieces) == texts.map { "text " + $0 } + ["ping x", "pong", "ping ", "text ab", "close 1001 bye"])
    }

    @Test(arguments: [
        [0xC1, 0], [0x81, 0x80, 0, 0, 0, 0], [0x82, 0], [0x83, 0], [0x80, 0], [0x01, 0, 0x81, 0], [0x09, 0],
        [0x89, 126, 0, 126], [0x81, 127, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
    ])
    func whatNoServerMaySendEndsTheReading(bytes: [UInt8]) {
        #expect(read([bytes + text("more"), text("more")]) == ["failure"])
    }

    /// One that came in two pieces was handed on with the next frame only: a close without a code, which is the last, never.
    @Test func anEmptyFrameIsWholeWithItsHead() {
        #expect(read([[0x89], [0x00]]) == ["ping "])
        #expect(read([text("a") + [0x88], [0x00]]) == ["text a", "close - "])
        #expect(read([[0x81], [126], [0], [0]]) == ["text "])
        #expect(read([[0x81], [127], Array(repeating: 0, count: 8)]) == ["text "])
    }

    @Test func nothingIsHeldBetweenFrames() {
        var reader = ServerFrameReader()
        text("whole").withUnsafeBytes { reader.receive($0) { _ in } }
        #expect(reader.isIdle)
        Array(text("cut off").dropLast()).withUnsafeBytes { reader.receive($0) { _ in } }
        #expect(!reader.isIdle)
    }

    @Test func aMessageInFragmentsIsBounded() {
        var reader = ServerFrameReader()
        var failures = 0
        let part: [UInt8] =
            [127] + (0..<8).map { UInt8(truncatingIfNeeded: (8 << 20) >> (56 - 8 * $0)) }
            + Array(repeating: 0x61, count: 8 << 20)
        for first: UInt8 in [0x01, 0x00, 0x00] {
            ([first] + part).withUnsafeBytes { reader.receive($0) { if case .failure = $0 { failures += 1 } } }
        }
        #expect(failures == 1)
    }

    @Test(arguments: [0, 125, 126, 65_535, 65_536])
    func aClientsFramesAreMaskedAndWhole(count: Int) {
        let payload = String(repeating: "m", count: count)
        let frame = ClientFrame.text(payload, mask: 0x0102_0304)
        let head = count <= 125 ? 2 : count <= 65_535 ? 4 : 10
        #expect(frame[0] == 0x81 && frame[1] & 0x80 != 0 && frame.count == head + 4 + count)
        #expect(Array(frame[head..<head + 4]) == [1, 2, 3, 4])
        let plain = frame[(head + 4)...].enumerated().map { $1 ^ UInt8($0 & 3 + 1) }
        #expect(String(decoding: plain, as: UTF8.self) == payload)
    }
}
