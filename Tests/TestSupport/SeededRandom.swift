import Foundation

/// A random generator (SplitMix64) that gives the same sequence for the same seed. A failing random test prints the seed;
/// `MILLRACE_SEED=…` runs it again.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    public let seed: UInt64
    private var state: UInt64

    public init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    /// The seed of the environment, or a fresh one.
    public init() {
        let given = ProcessInfo.processInfo.environment["MILLRACE_SEED"].flatMap { UInt64($0) }
        self.init(seed: given ?? UInt64.random(in: 1...UInt64(UInt32.max)))
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    public mutating func int(_ range: Range<Int>) -> Int { Int.random(in: range, using: &self) }
    public mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &self) < probability }

    public mutating func pick<T>(_ choices: [T]) -> T {
        precondition(!choices.isEmpty, "nothing to pick from")
        return choices[int(0..<choices.count)]
    }

    /// Letters, digits, umlauts, combining marks, emoji, control characters and NUL.
    public mutating func text(maxLength: Int) -> String {
        let alphabet: [Character] = [
            "a", "Z", "9", " ", "ä", "e\u{301}", "é", "ß", "漢", "🚗", "👩‍🔧", "\u{0}", "\n", "\r\n", "\"", "\\", "\u{2028}",
            "\u{FFFD}",
        ]
        return String((0..<int(0..<maxLength + 1)).map { _ in pick(alphabet) })
    }
}

/// The seed of the environment, or a fresh one, for tests with a generator of their own.
public func freshSeed() -> UInt64 { SeededRandom().seed }
