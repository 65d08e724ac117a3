import Foundation
import NIOCore
import TestSupport
import Testing

@testable import Doors

/// JSON as RFC 8259 has it, exactly.
@Suite struct JSONParserTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONParser.parse(text.utf8) }

    private func written(_ value: JSONValue, pretty: Bool = false) -> String {
        var buffer = ByteBuffer()
        JSONWriter.write(value, pretty: pretty, into: &buffer)
        return String(buffer: buffer)
    }

    @Test func readsEveryKindOfValue() throws {
        let value = try parse(#" { "a" : [ 1 , -2.50e+10 , true , false , null , "x" ] , "b":{ } , "c" : [ ] } "#)
        #expect(
            value
                == .object([
                    .init(
                        name: "a",
                        value: .array([
                            .number("1"), .number("-2.50e+10"), .boolean(true), .boolean(false), .null, .string("x"),
                        ])),
                    .init(name: "b", value: .object([])), .init(name: "c", value: .array([])),
                ]))
    }

    @Test func numbersKeepEveryDigit() throws {
        let text = "[12345678901234567890.123456789012345678901234567890,1.0,1.00,-0,1E400]"
        #expect(written(try parse(text)) == text)
    }

    @Test func stringsAreUnescaped() throws {
        let value = try parse(#""\"\\\/\b\f\n\r\tA€😀ä😀""#)
        #expect(value == .string("\"\\/\u{8}\u{C}\n\r\tA€😀ä😀"))
    }

    /// The escapes themselves; clients write letters beyond ASCII so.
    @Test func lettersAreReadFromTheirNumbers() throws {
        let value = try parse(#""\u0041 \u00e4 \u20AC \ud83d\uDE00""#)
        #expect(value == .string("A \u{E4} \u{20AC} \u{1F600}"))
    }

    @Test func stringsAreEscaped() {
        #expect(
            written(.string("a\"b\\c/\u{8}\u{9}\u{A}\u{C}\u{D}\u{1}\u{1F}ä😀")) == #""a\"b\\c/\b\t\n\f\r\u0001\u001fä😀""#
        )
    }

    @Test(arguments: [
        (
            "x",
            "Unexpected character ('x' (code 120)): expected a valid value (number, String, array, object, 'true', 'false' or 'null') at [line:1, column:1]"
        ),
        (
            "{x",
            "Unexpected character ('x' (code 120)): was expecting double-quote to start field name at [line:1, column:2]"
        ),
        (
            "{\"a\" 1}",
            "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value at [line:1, column:6]"
        ),
        (
            "{\"a\":1,}",
            "Unexpected character ('}' (code 125)): was expecting double-quote to start field name at [line:1, column:8]"
        ),
        (
            "{\"a\":1 \"b\"",
            "Unexpected character ('\"' (code 34)): was expecting comma to separate OBJECT entries at [line:1, column:8]"
        ),
        (
            "[1 2]",
            "Unexpected character ('2' (code 50)): was expecting comma to separate ARRAY entries at [line:1, column:4]"
        ),
        (
            "{\"a\":\n  ü}",
            "Unexpected character ('ü' (code 252)): expected a valid value (number, String, array, object, 'true', 'false' or 'null') at [line:2, column:3]"
        ),
        (
            "{\"ü\":x}",
            "Unexpected character ('x' (code 120)): expected a valid value (number, String, array, object, 'true', 'false' or 'null') at [line:1, column:6]"
        ),
        ("{\"a\":1", "Unexpected end-of-input: expected close marker for OBJECT at [line:1, column:7]"),
        ("{", "Unexpected end-of-input: expected close marker for OBJECT at [line:1, column:2]"),
        ("[", "Unexpected end-of-input: expected close marker for ARRAY at [line:1, column:2]"),
        ("\"abc", "Unexpected end-of-input: expected closing quote for a string value at [line:1, column:5]"),
        (
            "\"a\nb\"",
            "Illegal unquoted character ((CTRL-CHAR, code 10)): has to be escaped using backslash to be included in string value at [line:1, column:3]"
        ),
        ("\"\\x\"", "Unrecognized character escape 'x' (code 120) at [line:1, column:2]"),
        ("\"\\ud800\"", "A high surrogate without its low surrogate at [line:1, column:2]"),
        ("\"\\ud800\\u0041\"", "A high surrogate without its low surrogate at [line:1, column:2]"),
        ("\"\\udc00\"", "A low surrogate without its high surrogate at [line:1, column:2]"),
        (
            "\"\\u00g0\"",
            "Unexpected character ('g' (code 103)): expected a hex-digit for character escape sequence at [line:1, column:6]"
        ),
        ("01", "Invalid numeric value: Leading zeroes not allowed at [line:1, column:1]"),
        ("-", "Unexpected end-of-input: expected digit in number at [line:1, column:2]"),
        ("1.", "Unexpected end-of-input: expected digit in number at [line:1, column:3]"),
        ("1.e5", "Unexpected character ('e' (code 101)): expected digit (0-9) in number at [line:1, column:3]"),
        ("tru", "Unrecognized token: expected 'true' at [line:1, column:1]"),
        ("nul1", "Unrecognized token: expected 'null' at [line:1, column:1]"),
        ("1 2", "Unexpected character ('2' (code 50)): expected the end of the document at [line:1, column:3]"),
        ("", "No content to map to Object due to end of input at [line:1, column:1]"),
        ("  ", "No content to map to Object due to end of input at [line:1, column:3]"),
        ("{\"a\":1,\"b\":2,\"a\":3}", "Duplicate field 'a' at [line:1, column:14]"),
        (
            "NaN",
            "Unexpected character ('N' (code 78)): expected a valid value (number, String, array, object, 'true', 'false' or 'null') at [line:1, column:1]"
        ),
        (
            "// x",
            "Unexpected character ('/' (code 47)): expected a valid value (number, String, array, object, 'true', 'false' or 'null') at [line:1, column:1]"
        ),
    ])
    func mistakesAreNamedWithTheirPlace(text: String, message: String) {
        let error = #expect(throws: JSONError.self) { try parse(text) }
        #expect(error?.description == message)
    }

    @Test func invalidUTF8IsRefused() {
        for bytes: [UInt8] in [[0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0xFF]] {
            #expect(throws: JSONError.self) { try JSONParser.parse(bytes) }
        }
    }

    @Test func depthIsBounded() throws {
        let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        _ = try parse(deepest)
        for opening in ["[", "{\"a\":"] {
            let error = #expect(throws: JSONError.self) { try parse(String(repeating: opening, count: 100_000)) }
            #expect(error?.reason == "The document nests deeper than 64 levels")
        }
    }

    @Test func prettyPrintHasSalesforcesLayout() throws {
        let value = try parse(#"{"a":[{"b":1},{"c":[]}],"d":{},"e":"f"}"#)
        #expect(
            written(value, pretty: true) == """
                {
                  "a" : [ {
                    "b" : 1
                  }, {
                    "c" : [ ]
                  } ],
                  "d" : { },
                  "e" : "f"
                }
                """)
    }

    /// Random documents are written and read back to the same value, and Foundation reads them as we mean them.
    @Test func randomDocumentsSurviveAndFoundationAgrees() throws {
        let seed = freshSeed()
        var generator = SplitMix(state: seed)
        for round in 0..<500 {
            let value = randomValue(depth: 0, using: &generator)
            for pretty in [false, true] {
                let text = written(value, pretty: pretty)
                #expect(try parse(text) == value, "seed \(seed), round \(round): \(text)")
                let other = try JSONSerialization.jsonObject(with: Data(text.utf8), options: [.fragmentsAllowed])
                let theirs = try JSONSerialization.data(
                    withJSONObject: other, options: [.sortedKeys, .fragmentsAllowed])
                let ours = try JSONSerialization.data(
                    withJSONObject: foundation(value), options: [.sortedKeys, .fragmentsAllowed])
                #expect(theirs == ours, "seed \(seed), round \(round): \(text)")
            }
        }
    }

    /// Whatever bytes come, the parser answers: with a value or an error.
    @Test func damagedDocumentsNeverTrap() throws {
        let seed = freshSeed()
        var generator = SplitMix(state: seed)
        for _ in 0..<3000 {
            var bytes = Array(written(randomValue(depth: 0, using: &generator)).utf8)
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.removeLast(bytes.count - place)
                }
            }
            do throws(JSONError) {
                _ = try JSONParser.parse(bytes)
            } catch {
                #expect(error.line >= 1 && error.column >= 1, "seed \(seed)")
            }
        }
    }

    private func randomValue(depth: Int, using generator: inout SplitMix) -> JSONValue {
        switch Int.random(in: 0..<(depth < 4 ? 7 : 5), using: &generator) {
        case 0: return .null
        case 1: return .boolean(Bool.random(using: &generator))
        case 2: return .number(String(Int32.random(in: .min ... .max, using: &generator)))
        case 3: return .number("0.\(Int.random(in: 1..<1000, using: &generator))")
        case 4: return .string(randomString(using: &generator))
        case 5:
            return .array(
                (0..<Int.random(in: 0..<4, using: &generator)).map { _ in
                    randomValue(depth: depth + 1, using: &generator)
                })
        default:
            return .object(
                (0..<Int.random(in: 0..<4, using: &generator)).map { number in
                    .init(
                        name: "\(number)" + randomString(using: &generator),
                        value: randomValue(depth: depth + 1, using: &generator))
                })
        }
    }

    private func randomString(using generator: inout SplitMix) -> String {
        let alphabet: [Unicode.Scalar] = ["a", "\"", "\\", "/", "\u{0}", "\n", "\u{1F}", "ä", "€", "😀", "\u{7F}", " "]
        var text = ""
        for _ in 0..<Int.random(in: 0..<8, using: &generator) {
            text.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)])
        }
        return text
    }

    private func foundation(_ value: JSONValue) throws -> Any {
        switch value {
        case .null: NSNull()
        case .boolean(let value): value
        case .number(let text): try JSONSerialization.jsonObject(with: Data(text.utf8), options: [.fragmentsAllowed])
        case .string(let text): text
        case .array(let values): try values.map(foundation)
        case .object(let members):
            Dictionary(uniqueKeysWithValues: try members.map { ($0.name, try foundation($0.value)) })
        }
    }
}

/// A small generator that can be run again from its seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
