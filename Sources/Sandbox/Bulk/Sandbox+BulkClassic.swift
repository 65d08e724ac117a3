import CSV
import ChangeEvents
public import Doors
import NIOCore
import Store
import Twin

/// Bulk API 1.0: jobs of batches.
extension Sandbox {
    static let batchRowsMax = 10_000

    public func createClassicJob(_ job: NewClassicJob, context: CallContext) async throws(OrgError) -> BulkJobInfo {
        let object = try bulkObject(job.object, operation: job.operation, externalIDField: job.externalIDField)
        try await dropExpiredBulkJobs()
        return try await changeBulk { [self] writer, now in
            var info = BulkJobInfo(
                id: try bulkID("750", writer), type: .classic, operation: job.operation, object: object.name,
                createdByID: context.session.userID, createdDate: now, state: .open, apiVersion: context.apiVersion,
                contentType: job.contentType, isSerial: job.isSerial)
            info.externalIDField = job.operation == .upsert ? job.externalIDField : nil
            info.assignmentRuleID = job.assignmentRuleID
            info.isPKChunkingEnabled = job.pkChunking != nil && job.operation.isQuery
            var kept = BulkJob(info, context: context)
            kept.pkChunking = job.operation.isQuery ? job.pkChunking : nil
            try BulkState.add(kept, writer)
            return info
        }
    }

    public func addBatch(
        _ content: NewBatch, to jobID: String, context: CallContext
    ) async throws(OrgError) -> BulkBatchInfo {
        let job = try await readBulk { [clock = configuration.clock] reader in
            try Self.openJob(jobID, now: clock(), reader)
        }
        if job.info.operation.isQuery { return try await addQuery(content, to: job, context) }
        let files = bulk.files
        let (rowsPath, requestPath) = try await bulkFiles {
            let rows = try files.openTemporary(of: job.info.id)
            try rows.file.write(content.rows, at: 0)
            let request = try files.openTemporary(of: job.info.id)
            try request.file.write([UInt8](content.request.readableBytesView), at: 0)
            if files.isDurable {
                try rows.file.synchronize()
                try request.file.synchronize()
            }
            return (rows.path, request.path)
        }
        let info: BulkBatchInfo
        do throws(OrgError) {
            info = try await changeBulk { [self] writer, now in
                let part = try addPart(to: job.info.id, now: now, writer) { $0.lineEnding = .either }
                try files.adopt(temporary: rowsPath, as: .rows, part: part.index, of: job.info.id)
                try files.adopt(temporary: requestPath, as: .request, part: part.index, of: job.info.id)
                return part.info
            }
        } catch {
            try await bulkFiles {
                try files.remove(temporary: rowsPath)
                try files.remove(temporary: requestPath)
            }
            throw error
        }
        bulk.add(job.info.id)
        return info
    }

    /// A query that cannot be understood is a failed batch, not a refused one.
    private func addQuery(
        _ content: NewBatch, to job: BulkJob, _ context: CallContext
    ) async throws(OrgError) -> BulkBatchInfo {
        let soql = String(buffer: content.request)
        let scope: QueryScope = job.info.operation == .queryAll ? .all : .live
        let planned: Result<RowQuery, OrgError>
        do throws(OrgError) {
            let query = try await rowQuery(soql, scope: scope, context: context)
            guard query.object == job.info.object else {
                throw OrgError(
                    status: 400, errorCode: "INVALID_TYPE",
                    message: "The query is of \(query.object), the job of \(job.info.object)")
            }
            planned = .success(query)
        } catch {
            planned = .failure(error)
        }
        var ranges: [QueryProgress.IDRange]?
        if case .success = planned, let chunking = job.pkChunking, PKChunks.suit(soql) {
            ranges = try await pkChunks(of: job.info.object, scope: scope, chunking, context: context)
        }
        let files = bulk.files
        let request = [UInt8](content.request.readableBytesView)
        let (info, first) = try await changeBulk { [self, ranges] writer, now in
            var original = try addPart(to: job.info.id, now: now, writer) { _ in }
            switch planned {
            case .failure(let error):
                original.info.state = .failed
                original.info.stateMessage =
                    "InvalidBatch : Failed to process query: \(error.errorCode): \(error.message)"
            case .success(let query):
                if let ranges {
                    // As in an org: the batch becomes several, and is itself not processed.
                    original.info.state = .notProcessed
                    for range in ranges {
                        _ = try addPart(to: job.info.id, now: now, writer) { part in
                            part.query = try QueryProgress(
                                resultID: self.bulkID("752", writer), soql: PKChunks.soql(query.soql, in: range),
                                scope: scope, object: query.object, columns: query.columns, idRange: range)
                        }
                    }
                } else {
                    original.query = QueryProgress(
                        resultID: try bulkID("752", writer), soql: query.soql, scope: scope, object: query.object,
                        columns: query.columns)
                }
            }
            try BulkState.put(original, writer)
            return (original.info, original.index)
        }
        try await bulkFiles { try files.write(request, .request, part: first, of: job.info.id) }
        bulk.add(job.info.id)
        return info
    }

    /// One more part, counted as a batch. `make` says what it is.
    private func addPart(
        to jobID: String, now: Int64, _ writer: any StoreWriter, _ make: (inout BulkPart) throws -> Void
    ) throws -> BulkPart {
        var job = try Self.openJob(jobID, now: now, writer)
        try BulkState.count(1, .batches, of: BulkUsage.batchesMax, "batches", now: now, writer)
        var part = BulkPart(
            index: job.partCount,
            info: BulkBatchInfo(id: try bulkID("751", writer), jobID: jobID, state: .queued, createdDate: now))
        part.contentType = job.info.contentType
        try make(&part)
        job.partCount += 1
        try BulkState.put(part, writer)
        try BulkState.put(job, writer)
        return part
    }

    public func batches(of jobID: String, context: CallContext) async throws(OrgError) -> [BulkBatchInfo] {
        try await readBulk { [clock = configuration.clock] reader in
            try BulkState.parts(of: Self.bulkJob(jobID, .classic, now: clock(), reader), reader).map(\.info)
        }
    }

    public func batch(_ id: String, of jobID: String, context: CallContext) async throws(OrgError) -> BulkBatchInfo {
        try await part(id, of: jobID).part.info
    }

    public func batchRequest(
        _ id: String, of jobID: String, context: CallContext
    ) async throws(OrgError) -> BulkDocument {
        let (job, part) = try await part(id, of: jobID)
        let files = bulk.files
        let file = try await bulkFiles { try files.open(.request, part: part.index, of: job.info.id, for: .reading) }
        let size = try await bulkFiles { try file.size() }
        return BulkDocument(contentType: job.info.contentType.mediaType) { sink in
            try await BulkFiles.send(file, from: 0, count: size, to: sink)
        }
    }

    public func batchOutcomes(
        _ id: String, of jobID: String, context: CallContext
    ) async throws(OrgError) -> BulkOutcomes {
        let (job, part) = try await part(id, of: jobID)
        guard part.info.state == .completed, let progress = part.ingest else {
            throw .invalidBatch(
                part.info.state == .failed ? "Records not processed" : "Batch not completed")
        }
        let store = twin.store
        return BulkOutcomes { body in
            for chunk in 0..<progress.chunks {
                try await body(
                    try await store.read { reader in
                        try BulkState.outcomes(chunk: chunk, part: part.index, of: job.info.id, reader)
                    })
            }
        }
    }

    public func batchResultIDs(
        _ id: String, of jobID: String, context: CallContext
    ) async throws(OrgError) -> [String] {
        let (_, part) = try await part(id, of: jobID)
        guard part.info.state == .completed, let query = part.query else { throw .invalidBatch("Batch not completed") }
        return [query.resultID]
    }

    public func batchResult(
        _ resultID: String, of id: String, job jobID: String, context: CallContext
    ) async throws(OrgError) -> BulkDocument {
        let (job, part) = try await part(id, of: jobID)
        guard part.info.state == .completed, let query = part.query, RecordID(resultID)?.string == query.resultID else {
            throw .invalidBatch("Unable to find result \(resultID)")
        }
        let files = bulk.files
        let file = try await bulkFiles { try files.open(.result, part: part.index, of: job.info.id, for: .reading) }
        let writer = BulkRowWriter(
            contentType: part.contentType, object: query.object, columns: query.columns,
            apiVersion: job.info.apiVersion, dialect: part.dialect)
        return BulkDocument(contentType: part.contentType.mediaType) { sink in
            try await sink(ByteBuffer(bytes: writer.head))
            try await BulkFiles.send(file, from: 0, count: query.bytes, to: sink)
            try await sink(ByteBuffer(bytes: writer.tail))
        }
    }

    private func part(_ id: String, of jobID: String) async throws(OrgError) -> (job: BulkJob, part: BulkPart) {
        try await readBulk { [clock = configuration.clock] reader in
            let job = try Self.bulkJob(jobID, .classic, now: clock(), reader)
            guard let id = RecordID(id),
                let part = try BulkState.parts(of: job, reader).first(where: { $0.info.id == id.string })
            else { throw OrgError.invalidBatch("Unable to find batch \(id)") }
            return (job, part)
        }
    }

    private static func openJob(_ id: String, now: Int64, _ reader: any StoreReader) throws -> BulkJob {
        let job = try bulkJob(id, .classic, now: now, reader)
        guard job.info.state == .open else {
            throw OrgError.invalidJobState("The job is \(job.info.state.rawValue) and takes no more batches")
        }
        return job
    }
}
