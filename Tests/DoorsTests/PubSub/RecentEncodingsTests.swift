import NIOCore
import Testing

@testable import Doors

struct RecentEncodingsTests {
    @Test func madeOnceForAKeyAndAgainForAnother() {
        let encodings = RecentEncodings<String>(bytesMax: 1_000)
        var made = 0
        func bytes(_ key: String) -> ByteBuffer {
            encodings.bytes(key) {
                made += 1
                return ByteBuffer(string: key)
            }
        }
        for _ in 0..<3 { #expect(bytes("a") == ByteBuffer(string: "a")) }
        #expect(bytes("b") == ByteBuffer(string: "b"))
        #expect(made == 2)
    }

    @Test func boundHoldsAndTheNewestStay() {
        let encodings = RecentEncodings<Int>(bytesMax: 1_000)
        for key in 0..<100 { _ = encodings.bytes(key) { ByteBuffer(repeating: 0, count: 100) } }
        #expect(encodings.count <= 10)
        var isMade = false
        for key in 95..<100 {
            _ = encodings.bytes(key) {
                isMade = true
                return ByteBuffer()
            }
        }
        #expect(!isMade)
    }

    @Test func oneThatIsTooLongDrivesOutNoOther() {
        let encodings = RecentEncodings<Int>(bytesMax: 1_000)
        _ = encodings.bytes(1) { ByteBuffer(repeating: 0, count: 10) }
        #expect(encodings.bytes(2) { ByteBuffer(repeating: 0, count: 900) }.readableBytes == 900)
        #expect(encodings.count == 1)
    }

    @Test func whatCannotBeMadeIsTriedAgain() {
        struct Unreadable: Error {}
        let encodings = RecentEncodings<Int>(bytesMax: 1_000)
        #expect(throws: Unreadable.self) { try encodings.bytes(1) { throw Unreadable() } }
        #expect(encodings.bytes(1) { ByteBuffer(string: "x") } == ByteBuffer(string: "x"))
    }
}
