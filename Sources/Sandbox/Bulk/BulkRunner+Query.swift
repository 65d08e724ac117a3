import CSV
import Doors
import Store
import Twin

/// What the runner remembers of a query whose rows it reads.
struct QueryWork: Sendable {
    let result: BulkFile
    let places: BulkFile
    var writer: BulkRowWriter
}

extension BulkRunner {
    /// Rows of one step.
    static let queryRows = 5_000

    /// One step of reading: some rows are taken from the org and written to the job's file, once. Places in the file stay what
    /// they are while the job lives.
    ///
    /// The file comes first, then the progress that makes it count: what stands behind the counted length was written before a
    /// crash and is written again.
    func read(_ job: BulkJob, _ part: BulkPart) async throws {
        guard var progress = part.query else { throw Overtaken() }
        if let fault = sandbox.bulkFault(job.info, rowsDone: progress.rows) { throw fault }
        let key = PartKey(jobID: job.info.id, part: part.index)
        let started = ContinuousClock.now
        let work = try await queryWork(key, job, part, &progress)
        let batch = try await sandbox.rows(
            of: progress.rowQuery, after: progress.place, limit: Self.queryRows, context: job.context)
        let before = progress
        let (next, bytes) = try await BulkFiles.blocking {
            var next = work
            var starts: [UInt8] = []
            for index in 0..<batch.rowCount {
                let row = before.rows + index
                if row.isMultiple(of: QueryPlaces.step) {
                    starts += QueryPlaces.bytes(before.bytes + next.writer.pendingBytes)
                }
                next.writer.write(batch.row(index), isFirst: row == 0)
            }
            let bytes = next.writer.take()
            try next.result.write(bytes, at: before.bytes)
            let firstPlace = (before.rows + QueryPlaces.step - 1) / QueryPlaces.step
            try next.places.write(starts, at: firstPlace * QueryPlaces.width)
            return (next, bytes.count)
        }
        queries[key] = next
        progress.rows += batch.rowCount
        progress.bytes += bytes
        progress.place = batch.next
        progress.isDone = batch.next == nil
        if progress.isDone {
            queries[key] = nil
            if sandbox.bulk.files.isDurable {
                try await BulkFiles.blocking {
                    try next.result.synchronize()
                    try next.places.synchronize()
                }
            }
        }
        try await commit(progress, from: before, job, part, bytes: bytes, started: started)
    }

    private func queryWork(
        _ key: PartKey, _ job: BulkJob, _ part: BulkPart, _ progress: inout QueryProgress
    ) async throws -> QueryWork {
        if let known = queries[key] { return known }
        let files = sandbox.bulk.files
        let writer = BulkRowWriter(
            contentType: part.contentType, object: progress.object, columns: progress.columns,
            apiVersion: job.info.apiVersion, dialect: part.dialect, sortsColumns: job.info.sortsColumns)
        let (work, size) = try await BulkFiles.blocking {
            let result = try files.open(.result, part: part.index, of: job.info.id, for: .writing)
            let places = try files.open(.places, part: part.index, of: job.info.id, for: .writing)
            return (QueryWork(result: result, places: places, writer: writer), try result.size())
        }
        if size < progress.bytes {
            // After a power cut the file may be shorter than what counted; then reading begins anew.
            progress.place = nil
            progress.rows = 0
            progress.bytes = 0
        }
        return work
    }

    private func commit(
        _ progress: QueryProgress, from before: QueryProgress, _ job: BulkJob, _ part: BulkPart, bytes: Int,
        started: ContinuousClock.Instant
    ) async throws {
        let now = sandbox.configuration.clock()
        try await sandbox.twin.commit { [sandbox] writer in
            var (job, part) = try Self.current(job, part, writer)
            if part.info.state == .queued, job.info.type == .query {
                job.info.state = .inProgress
                job.info.systemModstamp = now
                try BulkState.put(job, writer)
                try sandbox.tell([.state], of: job.info, writer)
            }
            part.query = progress
            part.info.state = .inProgress
            part.info.recordsProcessed = progress.rows
            part.worked(for: .now - started, now: now)
            if job.info.type == .query {
                var usage = try BulkState.usage(writer)
                usage.add((bytes + 1_023) / 1_024, to: .queryKilobytes, now: now)
                try BulkState.put(usage, writer)
            }
            if progress.isDone {
                Self.end(&job, &part, now: now)
                try BulkState.put(job, writer)
                try sandbox.tell([.state], of: job.info, writer)
            }
            let pageRows = sandbox.configuration.bulkResultRows
            try sandbox.tell(
                BulkJobNews.results(before: before.rows, after: progress, pageRows: pageRows), of: job.info, writer)
            try BulkState.put(part, writer)
        }
    }
}

/// The file that says where each thousandth row of a result begins, so that a page is found without reading what comes before.
enum QueryPlaces {
    static let step = 1_000
    static let width = MemoryLayout<UInt64>.size

    static func bytes(_ place: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt64(place).littleEndian) { Array($0) }
    }

    static func place(_ bytes: [UInt8]) -> Int {
        Int(bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
}
