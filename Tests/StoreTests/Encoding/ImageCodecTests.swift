import ChangeEvents
@testable import Store
import TestSupport
import Testing

@Suite struct ImageCodecTests {
    /// Bitwise, because `==` takes -0 for 0, no NaN for itself, and composed letters for decomposed ones.
    private func isExact(_ left: RecordImage?, _ right: RecordImage?) -> Bool {
        guard let left, let right else { return left == nil && right == nil }
        return left.entity == right.entity && left.id == right.id && left.isComplete == right.isComplete
            && left.fields.count == right.fields.count
            && left.fields.allSatisfy { name, value in right.fields[name].map(value.isBitwiseEqual) ?? false }
    }

    private func roundTrip(_ transitions: [RecordTransition]) throws -> [RecordTransition] {
        let bytes = try #require(TransitionCodec.encode(transitions))
        return try bytes.withUnsafeBytes { try TransitionCodec.decode($0, names: NameCache()) }
    }

    @Test func everyKindOfValueComesBackExactly() throws {
        let values: [FieldValue] = [
            .null, .boolean(true), .boolean(false), .integer(0), .integer(-1), .integer(.min), .integer(.max),
            .double(0),
            .double(-0.0), .double(.infinity), .double(-.infinity), .double(.nan), .double(.signalingNaN),
            .double(Double(nan: 0x1234, signaling: false)), .double(.leastNonzeroMagnitude),
            .double(.greatestFiniteMagnitude),
            .double(0.1), .string(""), .string("\u{0}"), .string("é"), .string("e\u{301}"), .string("👩‍🔧\r\n"),
            .string(String(repeating: "x", count: 100_000)), .date(milliseconds: .min), .dateTime(milliseconds: .max),
            .time(milliseconds: 86_399_999), .list([]), .list(["", "a", "e\u{301}"]),
        ]
        let fields = Dictionary(uniqueKeysWithValues: values.enumerated().map { ("Field_\($0)__c", $1) })
        let image = RecordImage(entity: "Ünit__c", id: .test("a00", 1), fields: fields, isComplete: false)
        let bytes = ImageCodec.encode(image)
        let read = try bytes.withUnsafeBytes { try ImageCodec.decode($0, names: NameCache()) }
        #expect(isExact(read, image))
    }

    @Test func changesThatEqualityDoesNotSeeAreKept() throws {
        let before = RecordImage(
            entity: "X", id: .test("a00", 1),
            fields: [
                "A": .double(0), "B": .string("é"), "C": .list(["é"]), "D": .double(.nan), "E": .null, "F": .integer(1),
            ],
            isComplete: true)
        var after = before
        after.fields["A"] = .double(-0.0)
        after.fields["B"] = .string("e\u{301}")
        after.fields["C"] = .list(["e\u{301}"])
        after.fields["D"] = .double(.signalingNaN)
        after.fields["E"] = nil
        after.fields["G"] = .null
        after.isComplete = false
        let read = try roundTrip([RecordTransition(id: before.id, before: before, after: after)])
        #expect(isExact(read[0].before, before))
        #expect(isExact(read[0].after, after))
    }

    @Test func afterImageIsSmallWhenLittleChanged() throws {
        var random = SeededRandom(seed: 1)
        let before = randomImage(&random, id: .test("500", 1), fieldCount: 60)
        var after = before
        after.fields["Status"] = .string("Closed")
        let whole = try #require(TransitionCodec.encode([RecordTransition(id: before.id, before: before, after: nil)]))
        let both = try #require(TransitionCodec.encode([RecordTransition(id: before.id, before: before, after: after)]))
        #expect(both.count < whole.count + 30)
    }

    @Test func randomTransitionsComeBackExactly() throws {
        var random = SeededRandom()
        print("ImageCodecTests: MILLRACE_SEED=\(random.seed)")
        for _ in 0..<400 {
            let transitions = (0..<random.int(1..<5)).map { _ in randomTransition(&random) }
            let read = try roundTrip(transitions)
            #expect(read.count == transitions.count)
            for (one, other) in zip(read, transitions) {
                #expect(one.id == other.id)
                #expect(isExact(one.before, other.before), "seed \(random.seed)")
                #expect(isExact(one.after, other.after), "seed \(random.seed)")
            }
        }
    }

    /// Every cut and every flipped byte gives an error or another value, never a trap.
    @Test func damagedBytesAreRefused() throws {
        var random = SeededRandom(seed: 7)
        for _ in 0..<40 {
            let bytes = try #require(TransitionCodec.encode([randomTransition(&random)]))
            for length in 0..<bytes.count {
                #expect(throws: ColumnError.self) {
                    try Array(bytes[..<length]).withUnsafeBytes { try TransitionCodec.decode($0, names: NameCache()) }
                }
            }
            for _ in 0..<200 {
                var damaged = bytes
                damaged[random.int(0..<bytes.count)] = UInt8(random.int(0..<256))
                _ = try? damaged.withUnsafeBytes { try TransitionCodec.decode($0, names: NameCache()) }
            }
        }
        let hostile: [UInt8] = [1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]
        #expect(throws: ColumnError.self) {
            try hostile.withUnsafeBytes { try TransitionCodec.decode($0, names: NameCache()) }
        }
    }

    private func randomTransition(_ random: inout SeededRandom) -> RecordTransition {
        let id = RecordID.test("500", random.int(0..<1_000_000))
        let before: RecordImage? =
            random.chance(0.8) ? randomImage(&random, id: id, fieldCount: random.int(0..<40)) : nil
        var after: RecordImage?
        if random.chance(0.8) {
            if var changed = before, random.chance(0.8) {
                for name in changed.fields.keys.sorted() where random.chance(0.3) {
                    changed.fields[name] = random.chance(0.3) ? nil : randomValue(&random)
                }
                changed.isComplete = random.chance(0.5)
                after = changed
            } else {
                after = randomImage(
                    &random, id: random.chance(0.9) ? id : .test("001", 5), fieldCount: random.int(0..<10))
            }
        }
        return RecordTransition(id: id, before: before, after: after)
    }

    private func randomImage(_ random: inout SeededRandom, id: RecordID, fieldCount: Int) -> RecordImage {
        var fields: [String: FieldValue] = [:]
        for number in 0..<fieldCount { fields["Field_\(number)__c"] = randomValue(&random) }
        return RecordImage(
            entity: random.pick(["Case", "Account", "X__c"]), id: id, fields: fields, isComplete: random.chance(0.5))
    }

    private func randomValue(_ random: inout SeededRandom) -> FieldValue {
        let number = Int64(bitPattern: random.next()) >> Int64(random.int(0..<64))
        switch random.int(0..<9) {
        case 0: return .null
        case 1: return .boolean(random.chance(0.5))
        case 2: return .integer(number)
        case 3: return .double(Double(bitPattern: random.next()))
        case 4: return .string(random.text(maxLength: 40))
        case 5: return .date(milliseconds: number)
        case 6: return .dateTime(milliseconds: number)
        case 7: return .time(milliseconds: number)
        default: return .list((0..<random.int(0..<4)).map { _ in random.text(maxLength: 5) })
        }
    }
}
