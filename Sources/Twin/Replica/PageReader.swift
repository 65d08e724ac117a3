import ChangeEvents
import CrashPoints
import Store

/// Reads pages of a chunk and writes their rows.
struct PageReader: Sendable {
    struct Page: Sendable {
        var place: String
        var ids: [RecordID]
        var next: String?
    }

    let twin: Twin
    let source: any OrgSource
    let object: ReplicatedObject
    let window: Window
    let read: String
    let query: SourceQuery
    let hasAllFields: Bool
    let leavesEqual: Bool
    let fillsNewColumns: Bool
    /// The snapshot's.
    let number: Int

    /// The org and the network are busy with some rows while the store is with those before; no more of the page are in memory.
    func page(at place: String) async -> Result<Page, any Error> {
        do { return .success(try await readPage(at: place)) } catch { return .failure(error) }
    }

    private func readPage(at place: String) async throws -> Page {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var ids: [RecordID] = []
            let next = try await source.page(ofRead: read, at: place, query) { rows in
                try await group.next()
                for row in rows { ids.append(row.id) }
                group.addTask { try await write(rows) }
            }
            try await group.waitForAll()
            return Page(place: place, ids: ids, next: next)
        }
    }

    private func write(_ rows: [SourceRow]) async throws {
        CrashPoint.pageBefore.reached()
        try await twin.commit { [self] writer in
            let view = try window.view(writer)
            if view.isBroken { throw SnapshotRun.WindowBroken() }
            var replay = try RowReplay(
                query, hasAllFields: hasAllFields, leavesEqual: leavesEqual, fillsNewColumns: fillsNewColumns,
                of: object, window: view, writer: writer, twin: twin, mending: .snapshot(number))
            try replay.write(rows)
            try replay.finish()
        }
        CrashPoint.sliceAfter.reached()
    }
}
