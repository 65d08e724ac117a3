import Store
import Synchronization

/// A transaction's body that waits to be run, and what came of it.
///
/// Several are committed together, in one transaction of the store (one wait for the disk), each in a part of it that is
/// undone by itself where its body throws.
protocol CommitWork: Sendable {
    /// Runs the body; answers what observers are to be told once it is committed.
    func run(_ writer: any StoreWriter) throws -> [Notice]
    /// It has not been committed, because of this.
    func fail(_ error: any Error)
}

final class Commit<T: Sendable>: CommitWork {
    private let body: @Sendable (any StoreWriter) throws -> T
    private let outcome = Mutex<Result<T, any Error>?>(nil)

    init(_ body: @escaping @Sendable (any StoreWriter) throws -> T) { self.body = body }

    func run(_ writer: any StoreWriter) throws -> [Notice] {
        let collecting = CollectingWriter(writer)
        let value = try body(collecting)
        outcome.withLock { $0 = .success(value) }
        return try collecting.finish()
    }

    func fail(_ error: any Error) { outcome.withLock { $0 = .failure(error) } }

    func value() throws -> T {
        guard let outcome = outcome.withLock({ $0 }) else { preconditionFailure("work that is done has an outcome") }
        return try outcome.get()
    }
}

extension Twin {
    /// Bodies that are committed together at most.
    static let commitsTogetherMax = 32

    /// Commits the work and tells the observers. Inside a turn. Whose task it is may be cancelled: the work is others' too.
    func commitTogether(_ works: [any CommitWork]) async {
        do {
            if works.count == 1 {
                await tell(try await store.writeForOthers { try works[0].run($0) })
            } else {
                await tell(try await store.writeForOthers { try Self.run(works, $0) })
            }
        } catch {
            for work in works { work.fail(error) }
        }
    }

    private static func run(_ works: [any CommitWork], _ writer: any StoreWriter) throws -> [Notice] {
        var notices: [Notice] = []
        for work in works {
            switch try writer.part({ try work.run(writer) }) {
            case .success(let found): notices += found
            case .failure(let error): work.fail(error)
            }
        }
        return notices
    }
}
