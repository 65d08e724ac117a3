import ChangeEvents
import Store
import TestSupport
import Testing
@testable import Twin

/// Objects that are read in chunks (`docs/twin.md`, "In chunks").
@Suite(.timeLimit(.minutes(5))) struct ChunkTests {
    /// A first load of 20 records in chunks of about 5, and what happens each time when rows of a page were read and are not handed over
    /// yet: the pages are counted from 1, and each is a chunk.
    private func load(
        recordsBefore: @escaping @Sendable (SourceOrg) throws -> Void = { _ in },
        _ happens: @escaping @Sendable (_ page: Int, ReplicaBench) async throws -> Void
    ) async throws -> (ReplicaBench, Snapshot) {
        let world = try await ReplicaBench()
        world.org.found(20)
        try recordsBefore(world.org)
        try await world.begin()
        let pages = Pages()
        world.org.meanwhile { _ in try await happens(pages.next(), world) }
        let replica = world.replica(chunkRows: 5)
        try await world.running(replica) { try await world.settled(replica) }
        let snapshot = try #require(try await replica.status().snapshots.first)
        return (world, snapshot)
    }

    @Test func eachChunkIsAReadOfItsOwn() async throws {
        let (world, snapshot) = try await load { _, _ in }
        try await world.expectEqual()
        #expect(snapshot.chunkBounds?.count == 3 && snapshot.chunk == 3)
        #expect(snapshot.rows == 20 && snapshot.total == 20 && snapshot.restarts == 0)
        // The rows' own ids were compared: no read for that.
        #expect(world.org.with { $0.readsBegun } == 4)
        #expect(world.org.with { $0.reads.isEmpty })
    }

    /// It was in the recycle bin when its chunk was read. Of the last window nothing explains that it is there.
    @Test func aRecordThatCameBackBehindItsChunkStays() async throws {
        let (world, snapshot) = try await load {
            try $0.commit(.delete, [.test("500", 1)])
            $0.with { $0.outbox = [] }
        } _: { page, world in
            guard page == 2 else { return }
            try world.org.commit(.undelete, [.test("500", 1)])
            try await world.org.deliver(to: world.bench.twin)
        }
        #expect(snapshot.removed == 0)
        try await world.expectEqual()
        #expect(try await world.rows()[.test("500", 1)]?.isDeleted == false)
    }

    /// It was deleted when its chunk had been read, and its row has gone with its event.
    @Test func aRecordThatWentBehindItsChunkStaysAway() async throws {
        let (world, snapshot) = try await load { page, world in
            guard page == 3 else { return }
            try world.org.commit(.delete, [.test("500", 2)])
            try await world.org.deliver(to: world.bench.twin)
        }
        #expect(snapshot.missed == 0)
        try await world.expectEqual()
    }

    @Test func eventsBetweenAndWithinChunksAreApplied() async throws {
        let (world, _) = try await load { page, world in
            for number in [1, 6, 11, 16, page] {
                try world.org.commit(.update, [.test("500", number)], ["Status": .string("page \(page)")])
            }
            if page.isMultiple(of: 2) { try await world.org.deliver(to: world.bench.twin) }
        }
        try await world.org.deliver(to: world.bench.twin)
        try await world.expectEqual()
    }

    /// What was lost concerns the chunks that are read already.
    @Test func aLossBeginsAllChunksAnew() async throws {
        let (world, snapshot) = try await load { page, world in
            guard page == 3 else { return }
            try world.org.commit(.update, [.test("500", 1)], ["Status": .string("lost")])
            try await world.org.lose(to: world.bench.twin)
        }
        #expect(snapshot.restarts > 0)
        try await world.expectEqual()
    }

    /// The org forgets its results: the chunks before are kept.
    @Test func aForgottenReadingBeginsItsChunkAnew() async throws {
        let (world, snapshot) = try await load { page, world in
            guard page == 3 else { return }
            world.org.with { $0.reads = [:] }
            throw CancellationError()
        }
        #expect(snapshot.restarts == 1 && snapshot.rows == 20)
        // Four chunks, one of them twice, and the ids.
        #expect(world.org.with { $0.readsBegun } == 6)
        try await world.expectEqual()
    }

    @Test func theNextProcessGoesOnAtItsChunk() async throws {
        let world = try await ReplicaBench()
        world.org.found(20)
        try await world.begin()
        let pages = Pages()
        world.org.meanwhile { _ in if pages.next() >= 3 { throw CancellationError() } }
        let first = world.replica(chunkRows: 5)
        try await world.running(first) {
            try await poll("two chunks are read") { try await first.status().snapshots.first?.chunk == 2 }
        }
        world.org.meanwhile(nil)
        for _ in 0..<30 { try world.org.changeAtRandom() }
        let read = world.org.with { $0.readsBegun }
        // Other bounds would be no bounds of what is read.
        let second = world.replica(chunkRows: 9)
        try await world.running(second) {
            try await world.org.deliver(to: world.bench.twin)
            try await world.settled(second)
        }
        let snapshot = try #require(try await second.status().snapshots.first)
        #expect(snapshot.chunkBounds?.count == 3)
        // Two chunks at most, and the ids; more only where an overflow has begun.
        #expect(world.org.with { $0.readsBegun } <= read + 3)
        try await world.expectEqual()
    }
}
