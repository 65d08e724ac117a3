import Testing

@testable import SOQL

struct RoundTripTests {
    /// Whatever can be said prints as text that says the same.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func descriptionParsesBack(seed: UInt64) throws {
        var random = RandomConditions(generator: SeededGenerator(seed: seed))
        for _ in 0..<2_000 {
            let condition = Condition(random.expression(depth: 4))
            let text = condition.description
            let parsed = try Condition(text)
            #expect(parsed == condition, "seed \(seed): \(text)")
            #expect(parsed.description == text, "seed \(seed)")
        }
    }

    /// Damaged text gives a condition or an error with a place inside it, never anything else.
    @Test(arguments: [11, 12] as [UInt64])
    func damagedTextIsAnError(seed: UInt64) throws {
        var random = RandomConditions(generator: SeededGenerator(seed: seed))
        var accepted = 0
        for _ in 0..<5_000 {
            var scalars = Array(Condition(random.expression(depth: 3)).description.unicodeScalars)
            for _ in 0..<Int.random(in: 1...3, using: &random.generator) {
                let place = Int.random(in: 0..<scalars.count, using: &random.generator)
                switch Int.random(in: 0..<3, using: &random.generator) {
                case 0: scalars.remove(at: place)
                case 1: scalars.insert(["(", ")", "'", "\\", "=", "N", "-", "é", ","][place % 9], at: place)
                default: scalars.swapAt(place, scalars.count - 1)
                }
                if scalars.isEmpty { scalars = ["A"] }
            }
            let text = String(String.UnicodeScalarView(scalars))
            do {
                let condition = try Condition(text)
                #expect(try Condition(condition.description) == condition, "seed \(seed): \(text)")
                accepted += 1
            } catch {
                #expect((1...text.count + 1).contains(error.position), "seed \(seed): \(text)")
                #expect(!error.message.isEmpty)
            }
        }
        #expect(accepted > 100)
    }
}
