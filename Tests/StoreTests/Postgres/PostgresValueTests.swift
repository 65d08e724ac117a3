@testable import Store
import TestSupport
import Testing

struct PostgresValueTests {
    @Test func everyDoubleComesBackBitForBit() {
        var random = SeededRandom()
        var numbers: [Double] = [
            0, 1, -1, 0.1, 0.5, 12_345_678, 99_999_999, 100_000_000, 1e300, -1e-300, .greatestFiniteMagnitude,
            .leastNonzeroMagnitude, .leastNormalMagnitude, 0.1 + 0.2, 10_000, 0.0001, 0.000_01, 123_456_789.123_456_789,
        ]
        for _ in 0..<20_000 {
            let number = Double(bitPattern: UInt64.random(in: 0...(.max), using: &random))
            if number.isFinite, !(number == 0 && number.sign == .minus) { numbers.append(number) }
            numbers.append(Double(random.int(0..<1_000_000_000)) / 100)
            numbers.append(Double(random.int(0..<1_000_000_000)))
        }
        for number in numbers {
            let decoded = PostgresNumeric.encode(number).withUnsafeBytes { PostgresNumeric.decode($0) }
            #expect(decoded?.bitPattern == number.bitPattern, "\(number), seed \(random.seed)")
        }
    }

    @Test func bytesThatAreNoNumberAreRefused() {
        let damaged: [[UInt8]] = [
            [], [0], [0, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0],
            [255, 255, 0, 0, 0, 0, 0, 0],
        ]
        for bytes in damaged { #expect(bytes.withUnsafeBytes { PostgresNumeric.decode($0) } == nil, "\(bytes)") }
        let notANumber: [UInt8] = [0, 0, 0, 0, 0xC0, 0, 0, 0]
        #expect(notANumber.withUnsafeBytes { PostgresNumeric.decode($0) }?.isNaN == true)
    }

    @Test func textsOfAnyContentComeBack() {
        let texts = ["", "plain", "a\u{0}b", "\u{0}", "\u{10}", "\u{10}0", "\u{10}\u{0}\u{10}\u{10}", "ä\u{0}漢"]
        for (number, text) in texts.enumerated() {
            let escaped = PostgresText.escaped(text)
            #expect(!escaped.utf8.contains(0), "text \(number)")
            #expect(Array(escaped.utf8).withUnsafeBytes { PostgresText.unescaped($0) } == text, "text \(number)")
        }
    }

    @Test(arguments: [[0x10], [0x10, 0x31], [0x41, 0x10], [0xFF]] as [[UInt8]])
    func textsThatWereNotWrittenSoAreRefused(_ bytes: [UInt8]) {
        #expect(bytes.withUnsafeBytes { PostgresText.unescaped($0) } == nil)
    }

    @Test func datesAndTimesComeBack() {
        for day in [-719_162, -25_567, -1, 0, 10_956, 10_957, 10_958, 20_000, 2_932_896] as [Int64] {
            let milliseconds = day * PostgresTime.millisecondsPerDay
            #expect(PostgresTime.holds(date: milliseconds))
            #expect(PostgresTime.milliseconds(days: Int64(PostgresTime.days(milliseconds))) == milliseconds)
            for instant in [milliseconds, milliseconds + 1, milliseconds + 86_399_999] {
                #expect(PostgresTime.milliseconds(stamp: PostgresTime.stamp(instant)) == instant)
            }
        }
        #expect(!PostgresTime.holds(date: 1))
        #expect(!PostgresTime.holds(date: -719_163 * PostgresTime.millisecondsPerDay))
        #expect(!PostgresTime.holds(dateTime: .max))
        #expect(!PostgresTime.holds(dateTime: .min))
        #expect(!PostgresTime.holds(time: -1))
        #expect(!PostgresTime.holds(time: 86_400_000))
        // `infinity`, both ways.
        #expect(PostgresTime.milliseconds(stamp: .max) == nil)
        #expect(PostgresTime.milliseconds(stamp: .min) == nil)
        #expect(PostgresTime.milliseconds(days: Int64(Int32.max)) == nil)
    }

    @Test func placeholdersAreNumberedOutsideOfTexts() {
        #expect(
            PostgresSession.numbered("a = ? AND '?' = \"?\" OR b IN (?, ?)")
                == "a = $1 AND '?' = \"?\" OR b IN ($2, $3)")
        #expect(PostgresSession.numbered("'it''s ?' || ?") == "'it''s ?' || $1")
    }
}
