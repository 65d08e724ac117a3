import Foundation
import FuzzTargets
import TestSupport
import Testing

/// A little of what `scripts/fuzz` does, wherever the tests run: every input of the corpora, and mutations of them.
///
/// An input that breaks a property ends the process with the property's name. The line printed before says which target it
/// was; `MILLRACE_SEED` repeats the mutations.
@Suite struct CorpusTests {
    /// Of each target.
    private static let mutations = 1_500
    /// The mutations of a target end then, so that a slow machine waits no longer: all targets together take some 15 seconds.
    private static let patience = Duration.milliseconds(500)

    @Test(arguments: FuzzTarget.allCases)
    func inputsOfTheCorpusKeepTheProperties(target: FuzzTarget) throws {
        let corpus = try Corpus.inputs(of: target)
        #expect(!corpus.isEmpty, "Fuzzing/corpora/\(target.rawValue) has no input")
        #expect(corpus.count <= Corpus.countMax && corpus.reduce(0) { $0 + $1.count } <= Corpus.bytesMax)
        for input in corpus { target.run(input) }
    }

    @Test(arguments: FuzzTarget.allCases)
    func mutationsOfTheCorpusKeepTheProperties(target: FuzzTarget) throws {
        var random = SeededRandom()
        print("CorpusTests: \(target.rawValue), MILLRACE_SEED=\(random.seed)")
        let corpus = try Corpus.inputs(of: target)
        target.run([])
        let end = ContinuousClock.now + Self.patience
        for _ in 0..<Self.mutations where ContinuousClock.now < end {
            target.run(Mutation.of(corpus, using: &random))
        }
    }
}

/// The inputs that lie in the repository.
enum Corpus {
    /// Of each target: corpora are seeds, not an archive.
    static let countMax = 60
    static let bytesMax = 40_000

    static func inputs(of target: FuzzTarget) throws -> [[UInt8]] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Fuzzing/corpora/\(target.rawValue)")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
            Array(try Data(contentsOf: folder.appendingPathComponent($0)))
        }
    }
}

/// Small damage, as libFuzzer does it.
enum Mutation {
    private static let lengthMax = 4_096

    static func of(_ corpus: [[UInt8]], using random: inout SeededRandom) -> [UInt8] {
        var input = corpus.isEmpty ? [] : random.pick(corpus)
        for _ in 0..<random.int(1..<5) {
            let place = random.int(0..<input.count + 1)
            switch random.int(0..<7) {
            case 0: input.insert(UInt8(random.int(0..<256)), at: place)
            case 1: input.removeSubrange(place..<min(place + random.int(1..<9), input.count))
            case 2: if place < input.count { input[place] ^= 1 << UInt8(random.int(0..<8)) }
            case 3:
                if place < input.count { input[place] = random.pick([0, 0x0A, 0x22, 0x27, 0x28, 0x5C, 0x7F, 0xFF]) }
            case 4: input.insert(contentsOf: input.dropFirst(place).prefix(random.int(1..<40)), at: place)
            case 5:
                if let other = corpus.randomElement(using: &random) {
                    input.replaceSubrange(place..., with: other.dropFirst(place))
                }
            default: input = Array(input.prefix(place))
            }
        }
        return Array(input.prefix(lengthMax))
    }
}
