@testable import ChangeEvents
import Foundation
import TestSupport
import Testing

struct JSONWriterTests {
    private func text(capacity: Int = 4096, _ body: (inout JSONWriter) -> Void) -> String {
        let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { memory, count in
            var writer = JSONWriter(UnsafeMutableRawBufferPointer(memory))
            body(&writer)
            count = writer.isOverflown ? 0 : writer.count
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func doublesReadBackAndAreShortest() throws {
        let seed = freshSeed()
        var random = SeededRandom(seed: seed)
        var numbers: [Double] = [
            0, -0.0, 1, -1, 0.1, 0.2, 0.3, 1e21, 1e-7, .leastNonzeroMagnitude, .greatestFiniteMagnitude,
            .leastNormalMagnitude, 37.793113, -122.398524,
            3233, 1e15, 999_999_999.999999, 0.001, 0.0009999, 123_456_789.123456, 2.5e-3, 1e9, 1e9 - 1e-6, 0.000001,
        ]
        for _ in 0..<20_000 {
            numbers.append(Double(bitPattern: random.next()))
            numbers.append(Double(Int64.random(in: -1_000_000_000...1_000_000_000, using: &random)) / 1000)
            numbers.append(Double.random(in: -180...180, using: &random))
        }
        for number in numbers where number.isFinite {
            let written = text { $0.double(number) }
            #expect(Double(written)?.bitPattern == number.bitPattern, "\(number) seed \(seed)")
            #expect(written.utf8.count <= number.description.utf8.count + 1, "\(number) \(written) seed \(seed)")
            #expect(
                (try? JSONSerialization.jsonObject(with: Data(written.utf8), options: .fragmentsAllowed)) != nil,
                "\(written)")
        }
        for number in [Double.nan, .infinity, -.infinity] { #expect(text { $0.double(number) } == "null") }
        #expect(text { $0.float(0.1) } == "0.1" && text { $0.float(.nan) } == "null")
    }

    @Test func decimalsAreWrittenAsTheStandardLibraryDoes() {
        for number in [0.1, 12.5, 3233.0, 0.001, 48.137154, -11.576124, 99.99, 100, 0.25] {
            #expect(text { $0.double(number) } == number.description)
        }
    }

    @Test func integersAreWrittenWhole() {
        var numbers: [Int64] = [0, 9, 10, -1, .min, .max, 1 << 53 + 1, 99, 100, 12_279_648_331_300]
        var power: Int64 = 1
        while power <= .max / 10 {
            power *= 10
            numbers += [power - 1, power, power + 1, -power]
        }
        for number in numbers { #expect(text { $0.integer(number) } == "\(number)") }
    }

    @Test func datesAreThoseOfTheCalendar() {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        var milliseconds: Int64 = -2_208_988_800_000
        while milliseconds < 7_258_118_400_000 {
            // Every 25 days and some odd time between 1900 and 2200.
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
            #expect(text { $0.dateTime(milliseconds: milliseconds) } == "\"\(formatter.string(from: date))\"")
            milliseconds += 2_160_012_345
        }
        #expect(text { $0.date(milliseconds: 1_653_955_200_000) } == "\"2022-05-31\"")
        #expect(text { $0.date(milliseconds: 951_782_400_000) } == "\"2000-02-29\"")
        #expect(text { $0.dateTime(milliseconds: -62_167_219_200_000) } == "\"0000-01-01T00:00:00.000Z\"")
        #expect(text { $0.dateTime(milliseconds: -62_167_219_200_001) } == "\"-000001-12-31T23:59:59.999Z\"")
        #expect(text { $0.dateTime(milliseconds: 253_402_300_800_000) } == "\"+010000-01-01T00:00:00.000Z\"")
        #expect(text { $0.dateTime(milliseconds: .max) } == "\"+292278994-08-17T07:12:55.807Z\"")
        #expect(text { $0.dateTime(milliseconds: .min) } == "\"-292275055-05-16T16:47:04.192Z\"")
        #expect(text { $0.time(milliseconds: 45_296_789) } == "\"12:34:56.789Z\"")
        #expect(text { $0.time(milliseconds: 86_400_000) } == "86400000" && text { $0.time(milliseconds: -1) } == "-1")
    }

    @Test func stringsOfEveryCharacterReadBack() throws {
        let all =
            (0..<0x3000).compactMap(Unicode.Scalar.init).map(Character.init) + [
                "🚗", "\u{FFFF}", "\u{10FFFF}", "\u{2028}",
            ]
        for length in 0..<20 {
            for start in stride(from: 0, to: 300, by: 1) {
                let string = String(all[start..<min(start + length, all.count)])
                let written = text { $0.string(string) }
                #expect(
                    try JSONSerialization.jsonObject(with: Data(written.utf8), options: .fragmentsAllowed) as? String
                        == string)
            }
        }
        let long = String(all)
        let written = text(capacity: 1 << 20) { $0.string(long) }
        #expect(
            try JSONSerialization.jsonObject(with: Data(written.utf8), options: .fragmentsAllowed) as? String == long)
    }

    @Test func escapesAreTheShortOnes() {
        #expect(text { $0.string("\"\\\n\r\t\u{8}\u{C}\u{0}\u{1F}/é") } == #""\"\\\n\r\t\b\f\u0000\u001f/é""#)
    }

    @Test func plainTextIsFoundWordByWord() {
        for byte in UInt8.min...UInt8.max {
            for position in 0..<8 {
                var bytes = [UInt8](repeating: 0x61, count: 8)
                bytes[position] = byte
                let word = bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
                #expect(PlainText.isPlain(word) == PlainText.isPlain(byte))
            }
        }
    }

    @Test func whatDoesNotFitIsNotWritten() {
        for capacity in 0..<40 {
            let bytes = [UInt8](unsafeUninitializedCapacity: 64) { memory, count in
                memory.initialize(repeating: 0xEE)
                var writer = JSONWriter(
                    UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(memory)[..<capacity]))
                writer.string("twelve \"letters\" and more")
                writer.integer(-1)
                writer.dateTime(milliseconds: 0)
                #expect(writer.isOverflown && writer.count <= capacity)
                count = 64
            }
            #expect(bytes[capacity...].allSatisfy { $0 == 0xEE }, "nothing is written beyond \(capacity)")
        }
    }

    @Test func utf8IsCheckedAsTheStandardLibraryDoes() {
        let seed = freshSeed()
        var random = SeededRandom(seed: seed)
        let interesting: [UInt8] = [
            0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0,
            0xF1, 0xF4, 0xF5, 0xFF,
        ]
        for _ in 0..<50_000 {
            let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                interesting.randomElement(using: &random) ?? 0
            }
            let isValid = String(validating: bytes, as: UTF8.self) != nil
            #expect(bytes.withUnsafeBytes(UTF8Sequence.isValid) == isValid, "\(bytes) seed \(seed)")
        }
    }
}
