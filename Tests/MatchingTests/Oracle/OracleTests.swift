import Foundation
import Matching
import Testing

/// Nobody is told what they may not see, and nobody misses what they may: `IndexMatcher` against `OracleWorld`.
///
/// `MILLRACE_ORACLE_OPERATIONS=1000000` makes each seed's run as long; `MILLRACE_ORACLE_SEED` runs one seed alone.
struct OracleTests {
    private static let operations = number("MILLRACE_ORACLE_OPERATIONS").map { Int($0) } ?? 2_500
    static let seeds: [UInt64] = number("MILLRACE_ORACLE_SEED").map { [$0] } ?? [1, 2, 3]

    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test(arguments: seeds)
    func nobodyIsToldTooMuchOrTooLittle(seed: UInt64) throws {
        var world = OracleWorld(seed: seed)
        try world.run(operations: Self.operations)
        let report = world.report
        #expect(report.leaks == 0 && report.misses == 0, "\(report.firstMistake ?? "")")
        // The run has met all that it is about.
        for verdict in Verdict.allCases { #expect(report.told[verdict, default: 0] > 200, "\(report)") }
        #expect(report.notTold > 5_000 && report.replayed > 1_000, "\(report)")
        #expect(world.leave() == 0, "conditions or terms stay behind when everybody has gone")
    }
}
