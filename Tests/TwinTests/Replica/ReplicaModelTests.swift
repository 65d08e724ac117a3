import ChangeEvents
import Store
import Synchronization
import TestSupport
import Testing
@testable import Twin

/// Counts calls.
final class Pages: Sendable {
    private let count = Mutex(0)
    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}

/// An org that changes at random while it is read, whose events are late, in part lost and in part GAP events; readings are
/// broken off and go on. At the end the table is the org, row by row and field by field.
@Suite(.timeLimit(.minutes(5))) struct ReplicaModelTests {
    /// - Parameter isSilent: some changes make no event; then it takes a last reading to find them.
    @Test(arguments: 0..<6, [false, true])
    func tableEqualsTheOrg(_ run: Int, isSilent: Bool) async throws {
        var random = SeededRandom()
        random = SeededRandom(seed: random.seed &+ UInt64(run))
        let seed = random.seed
        print("ReplicaModelTests: MILLRACE_SEED=\(seed)")
        let world = try await ReplicaBench(random: random, pageRows: random.int(1..<12))
        let dice = Mutex(random)
        let org = world.org
        let twin = world.bench.twin
        org.found(random.int(0..<80))
        let chunkRows = random.chance(0.5) ? random.int(5..<40) : 1_000_000
        let runsLong = random.chance(0.5)
        org.with { state in
            state.transactionMax = runsLong ? 2_500 : 0
            state.pauseChance = 0.06
            state.overflowChance = 0.03
            // The first load was long ago.
            state.time += 60_000
        }
        try await world.begin()
        org.meanwhile { org in
            for _ in 0..<dice.withLock({ $0.int(0..<6) }) { try org.changeAtRandom(withoutEvents: isSilent) }
            if dice.withLock({ $0.chance(0.7) }) {
                try await org.deliver(to: twin, dice.withLock { $0.int(0..<9) })
            }
            if dice.withLock({ $0.chance(0.03) }) {
                try await org.lose(to: twin)
            }
            if dice.withLock({ $0.chance(0.03) }) { org.with { $0.reads = [:] } }
            if dice.withLock({ $0.chance(0.05) }) { throw DeadlinePassed(description: "the answer is lost") }
        }
        // Several processes, one after the other.
        for _ in 0..<random.int(1..<5) {
            let replica = world.replica(refetchesMax: 25, chunkRows: chunkRows)
            try await world.running(replica) {
                for _ in 0..<dice.withLock({ $0.int(1..<12) }) {
                    try org.changeAtRandom(withoutEvents: isSilent)
                    try await org.deliver(to: twin, 3)
                    try await Task.sleep(for: .milliseconds(dice.withLock { $0.int(0..<6) }))
                }
            }
        }
        org.meanwhile(nil)
        let last = world.replica(refetchesMax: 25, chunkRows: chunkRows)
        try await world.running(last) {
            try await org.deliver(to: twin)
            try await world.settled(last)
            guard isSilent else { return }
            _ = try await last.requestSnapshot(of: "Case")
            try await world.settled(last)
        }
        try await world.expectEqual("seed \(seed)")
        try await world.expectHistory("seed \(seed)")
        // Every gap event and every loss has its row, and nothing hangs on any of them.
        let (entries, doubtful) = try await twin.store.read {
            (try $0.gapEntries(.all, limit: .max), try $0.doubtfulEntities())
        }
        #expect(entries.allSatisfy { $0.mendedAt != nil } && doubtful.isEmpty, "seed \(seed)")
        let log = try await world.bench.log()
        let gapEvents = log.filter { $0.content.routing?.header.changeType.isGap ?? false }.map(\.position)
        #expect(Set(gapEvents).isSubset(of: entries.map(\.position)), "seed \(seed)")
        #expect(
            try await world.bench.gaps().count == entries.filter { $0.scope != .records }.count, "seed \(seed)")
    }
}
