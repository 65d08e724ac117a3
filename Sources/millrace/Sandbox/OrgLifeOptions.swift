import ArgumentParser
import Sandbox

/// What happens in the org by itself.
struct OrgLifeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Plausible life: cases are opened, worked, escalated, handed on and closed, so many changes in so much time "
                + "(50/s, 90/min, 2000/h).", valueName: "rate"), transform: OrgLifeOptions.rate)
    var traffic: TrafficRate?

    @Option(help: ArgumentHelp("Makes traffic and rows repeatable: the same seed, the same life.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "A large org: accounts, contacts and cases until there are so many of them beside the sample data.",
            valueName: "count"))
    var rows: Int = 0

    @Flag(help: "Publishes change events for the rows of --rows.")
    var rowsEvents = false

    func validate() throws {
        guard (0...Self.rowsMax).contains(rows) else {
            throw ValidationError("--rows is \(rows); it is between 0 and \(Self.rowsMax).")
        }
    }

    private static let rowsMax = 100_000_000

    /// Loads the rows, and tells how far it is.
    func load(into sandbox: Sandbox) async throws {
        guard rows > 0 else { return }
        let start = ContinuousClock.now
        var lastTold = ContinuousClock.now
        try await sandbox.loadRows(rows, seed: seed, publishes: rowsEvents) { done in
            guard done == rows || lastTold.duration(to: .now) > .seconds(2) else { return }
            lastTold = .now
            let seconds = max(0.001, start.duration(to: .now) / .seconds(1))
            Console.print("  rows \(done) of \(rows) (\(Int(seconds)) s)")
        }
    }

    private static func rate(_ text: String) throws -> TrafficRate {
        guard let rate = TrafficRate(text) else {
            throw ValidationError("\(text) is no rate such as 50/s, 90/min or 2000/h.")
        }
        return rate
    }
}
