import CSV
import ChangeEvents
public import Doors
import NIOCore
import Store

/// Bulk API 2.0: query.
extension Sandbox {
    /// Of `resultPages`.
    static let pagesAtOnce = 5

    public func createQueryJob(_ job: NewQueryJob, context: CallContext) async throws(OrgError) -> BulkJobInfo {
        let scope: QueryScope = job.operation == .queryAll ? .all : .live
        let query = try await rowQuery(job.soql, scope: scope, context: context)
        try await dropExpiredBulkJobs()
        let info = try await changeBulk { [self] writer, now in
            try BulkState.count(1, .queryJobs, of: BulkUsage.queryJobsMax, "query jobs", now: now, writer)
            let info = BulkJobInfo(
                id: try bulkID("750", writer), type: .query, operation: job.operation, object: query.object,
                createdByID: context.session.userID, createdDate: now, state: .uploadComplete,
                apiVersion: context.apiVersion, delimiter: job.delimiter, lineEnding: job.lineEnding)
            var kept = BulkJob(info, context: context)
            kept.soql = job.soql
            kept.partCount = 1
            var part = BulkPart(
                index: 0,
                info: BulkBatchInfo(id: try bulkID("751", writer), jobID: info.id, state: .queued, createdDate: now))
            part.delimiter = job.delimiter
            part.lineEnding = job.lineEnding
            part.query = QueryProgress(
                resultID: try bulkID("752", writer), soql: query.soql, scope: scope, object: query.object,
                columns: query.columns)
            try BulkState.put(part, writer)
            try BulkState.add(kept, writer)
            return info
        }
        bulk.add(info.id)
        return info
    }

    public func queryResults(
        of id: String, locator: String?, rowsMax: Int?, context: CallContext
    ) async throws(OrgError) -> BulkResultPage {
        let (job, part, progress) = try await readableQuery(id, context)
        let start = try startRow(locator, job.info.id, rows: progress.rows)
        let wanted = max(1, rowsMax ?? configuration.bulkResultRows)
        // Of a job that goes on, only sets that are whole.
        guard progress.isDone || wanted <= progress.rows - start else { throw Self.resultsNotThere(job) }
        let end = min(progress.rows, start + min(wanted, progress.rows))
        let files = bulk.files
        let (file, from, to) = try await bulkFiles {
            let file = try files.open(.result, part: 0, of: job.info.id, for: .reading)
            let pages = QueryPages(
                result: file, places: try files.open(.places, part: 0, of: job.info.id, for: .reading), part: part,
                progress: progress)
            return (file, try pages.place(ofRow: start), try pages.place(ofRow: end))
        }
        let head = BulkRowWriter(
            contentType: .csv, object: progress.object, columns: progress.columns, apiVersion: job.info.apiVersion,
            dialect: part.dialect, sortsColumns: job.info.sortsColumns
        ).head
        let document = BulkDocument(contentType: Self.resultType) { sink in
            try await sink(ByteBuffer(bytes: head))
            try await BulkFiles.send(file, from: from, count: to - from, to: sink)
        }
        return BulkResultPage(
            document: document, rows: end - start,
            nextLocator: end < progress.rows || !progress.isDone ? QueryLocator.text(row: end, of: job.info.id) : nil)
    }

    public func resultPages(
        of id: String, locator: String?, context: CallContext
    ) async throws(OrgError) -> (locators: [String], next: String?) {
        let (job, _, progress) = try await readableQuery(id, context)
        guard progress.isDone else { throw Self.resultsNotThere(job) }
        let start = try startRow(locator, job.info.id, rows: progress.rows)
        let starts = stride(from: start, to: max(progress.rows, start + 1), by: configuration.bulkResultRows)
        let next = start + Self.pagesAtOnce * configuration.bulkResultRows
        return (
            starts.prefix(Self.pagesAtOnce).map { QueryLocator.text(row: $0, of: job.info.id) },
            next < progress.rows ? QueryLocator.text(row: next, of: job.info.id) : nil
        )
    }

    /// A query that is done; where the org tells of its jobs, one that goes on as well.
    private func readableQuery(
        _ id: String, _ context: CallContext
    ) async throws(OrgError) -> (BulkJob, BulkPart, QueryProgress) {
        try await readBulk { [configuration] reader in
            let job = try Self.bulkJob(id, .query, now: configuration.clock(), reader)
            guard let part = try BulkState.part(0, of: job.info.id, reader), let progress = part.query else {
                throw OrgError.objectNotFound()
            }
            guard job.info.apiVersion == context.apiVersion else {
                throw OrgError(
                    status: 409, errorCode: "API_ERROR",
                    message:
                        "The job was created with API version \(job.info.apiVersion); read its results with that version."
                )
            }
            guard job.info.state == .jobComplete || (configuration.tellsBulkJobs && job.info.state == .inProgress)
            else { throw Self.resultsNotThere(job) }
            return (job, part, progress)
        }
    }

    private static func resultsNotThere(_ job: BulkJob) -> OrgError {
        OrgError(
            status: 400, errorCode: "InvalidJobState",
            message: "Results of a job in state \(job.info.state.rawValue) are not available")
    }

    private func startRow(_ locator: String?, _ jobID: String, rows: Int) throws(OrgError) -> Int {
        guard let locator, !locator.isEmpty else { return 0 }
        guard let row = QueryLocator.row(locator, of: jobID), row <= rows else {
            throw OrgError(status: 400, errorCode: "InvalidQueryLocator", message: "invalid query locator")
        }
        return row
    }
}

/// Finds rows in the file of a result.
struct QueryPages {
    let result: BulkFile
    let places: BulkFile
    let part: BulkPart
    let progress: QueryProgress

    /// Where a row begins; behind the last row, the end.
    func place(ofRow row: Int) throws -> Int {
        if row >= progress.rows { return progress.bytes }
        let step = row / QueryPlaces.step
        let bytes = try places.read(at: step * QueryPlaces.width, count: QueryPlaces.width)
        guard bytes.count == QueryPlaces.width else {
            throw SandboxError(code: .stateDamaged, message: "the result of the bulk job \(part.info.jobID) is damaged")
        }
        var place = QueryPlaces.place(bytes)
        let skipped = row % QueryPlaces.step
        if skipped == 0 { return place }
        var reader = CSVReader(part.dialect, at: place, rowNumber: 1, columnCount: progress.columns.count)
        var current = CSVRow()
        for _ in 0..<skipped {
            while try !reader.next(into: &current) {
                let piece = try result.read(at: place, count: min(BulkFiles.pieceBytes, progress.bytes - place))
                if piece.isEmpty { return progress.bytes }
                place += piece.count
                reader.append(piece)
            }
        }
        return reader.offset
    }
}

extension BulkJobInfo {
    /// Bulk API 2.0 shows the columns of a query in the order of the query from version 50.0 on, by name before.
    var sortsColumns: Bool {
        guard type == .query, let version = Double(apiVersion) else { return false }
        return version < 50
    }
}
