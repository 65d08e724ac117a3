import CSV
import ChangeEvents
import Doors
import Store
import Twin

/// What the runner remembers of a part whose rows it writes.
struct IngestWork: Sendable {
    var rows: IngestRows
    var columns: IngestColumns
}

extension BulkRunner {
    /// One step of writing: first the whole file is checked, then chunk after chunk is written, each in one transaction of the
    /// org that holds its rows, their outcomes and how far the part has come.
    func write(_ job: BulkJob, _ part: BulkPart) async throws {
        guard let progress = part.ingest else { return try await begin(job, part) }
        let key = PartKey(jobID: job.info.id, part: part.index)
        let work: IngestWork
        if let known = ingests[key] {
            work = known
        } else {
            let columns = try columns(progress.headings, job, part)
            let files = sandbox.bulk.files
            work = try await BulkFiles.blocking {
                IngestWork(
                    rows: IngestRows(
                        try files.open(.rows, part: part.index, of: job.info.id, for: .reading), part.dialect, progress),
                    columns: columns)
            }
        }
        ingests[key] = nil
        if let fault = sandbox.bulkFault(job.info, rowsDone: part.info.recordsProcessed) { throw fault }
        let started = ContinuousClock.now
        let (next, chunk) = try await BulkFiles.blocking {
            var next = work
            let chunk = try next.rows.chunk(next.columns)
            return (next, chunk)
        }
        try await commit(chunk, next.columns, job, part, started: started)
        if progress.rowNumber + chunk.rows.count < progress.rows + 1 { ingests[key] = next }
    }

    private func begin(_ job: BulkJob, _ part: BulkPart) async throws {
        let files = sandbox.bulk.files
        let progress: IngestProgress
        do {
            progress = try await BulkFiles.blocking {
                try IngestRows.check(
                    files.open(.rows, part: part.index, of: job.info.id, for: .reading), part.dialect)
            }
        } catch let error as CSVError {
            throw error.orgError
        }
        _ = try columns(progress.headings, job, part)
        let now = sandbox.configuration.clock()
        try await sandbox.twin.commit { writer in
            var (job, part) = try Self.current(job, part, writer)
            if job.info.type == .ingest {
                let batches = max(1, (progress.rows + BulkUsage.rowsPerBatch - 1) / BulkUsage.rowsPerBatch)
                try BulkState.count(batches, .batches, of: BulkUsage.batchesMax, "batches", now: now, writer)
                job.info.state = .inProgress
                job.info.systemModstamp = now
            }
            part.info.state = .inProgress
            part.info.systemModstamp = now
            part.ingest = progress
            if progress.rows == 0 { Self.end(&job, &part, now: now) }
            try BulkState.put(job, writer)
            try BulkState.put(part, writer)
        }
    }

    private func commit(
        _ chunk: IngestRows.Chunk, _ columns: IngestColumns, _ job: BulkJob, _ part: BulkPart,
        started: ContinuousClock.Instant
    ) async throws {
        let now = sandbox.configuration.clock()
        try await sandbox.transaction(origin: job.changeOrigin, userID: job.caller.userID) { transaction in
            var (job, part) = try Self.current(job, part, transaction.writer)
            guard var progress = part.ingest else { throw Overtaken() }
            var work = IngestChunk(transaction, columns)
            var outcomes: [BulkOutcome] = []
            outcomes.reserveCapacity(chunk.rows.count)
            for row in chunk.rows {
                let outcome = try work.outcome(of: row)
                if case .failed = outcome { part.info.recordsFailed += 1 }
                outcomes.append(outcome)
            }
            try BulkState.put(
                outcomes, chunk: progress.chunks, part: part.index, of: job.info.id, transaction.writer)
            part.info.recordsProcessed += chunk.rows.count
            progress.chunks += 1
            progress.offset = chunk.offset
            progress.rowNumber = chunk.rowNumber
            part.ingest = progress
            part.worked(for: .now - started, now: now)
            if part.info.recordsProcessed >= progress.rows {
                Self.end(&job, &part, now: now)
                try BulkState.put(job, transaction.writer)
            }
            try BulkState.put(part, transaction.writer)
        }
    }

    /// The last row is written.
    static func end(_ job: inout BulkJob, _ part: inout BulkPart, now: Int64) {
        part.info.state = .completed
        part.info.systemModstamp = now
        guard job.info.type != .classic else { return }
        job.info.state = .jobComplete
        job.info.systemModstamp = now
    }

    private func columns(_ headings: [String], _ job: BulkJob, _ part: BulkPart) throws -> IngestColumns {
        let catalogue = sandbox.catalogue
        guard let object = catalogue.object(job.info.object) else { throw OrgError.notSupportedByBulk(job.info.object) }
        return try IngestColumns(
            headings, object: object, operation: job.info.operation, externalIDField: job.info.externalIDField,
            nullMarker: part.nullMarker, catalogue: catalogue)
    }
}

extension CSVError {
    var orgError: OrgError {
        switch code {
        case .wrongLineEnding: OrgError(status: 400, errorCode: "ClientInputError", message: message)
        default: .invalidBatch("Failed to parse CSV. \(description)")
        }
    }
}

extension BulkState {
    /// Counts against a limit of 24 hours, or throws `ExceededQuota`.
    static func count(
        _ amount: Int, _ count: BulkUsage.Count, of max: Int, _ noun: String, now: Int64, _ writer: any StoreWriter
    ) throws {
        var usage = try usage(writer)
        usage.add(amount, to: count, now: now)
        guard usage.used(count, now: now) <= max else {
            throw OrgError.exceededQuota("Exceeded the limit of \(max) \(noun) in 24 hours.")
        }
        try put(usage, writer)
    }
}
