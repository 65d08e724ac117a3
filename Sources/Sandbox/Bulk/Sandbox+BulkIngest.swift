import CSV
import ChangeEvents
public import Doors
import Logging
public import NIOCore
import Store
import Twin

/// Bulk API 2.0: ingest.
extension Sandbox {
    /// Bytes of CSV of one job: what becomes 150 MB in base64.
    static let uploadBytesMax = 112_500_000

    public func createIngestJob(_ job: NewIngestJob, context: CallContext) async throws(OrgError) -> BulkJobInfo {
        let object = try bulkObject(job.object, operation: job.operation, externalIDField: job.externalIDField)
        try await dropExpiredBulkJobs()
        return try await changeBulk { [self] writer, now in
            var info = BulkJobInfo(
                id: try bulkID("750", writer), type: .ingest, operation: job.operation, object: object.name,
                createdByID: context.session.userID, createdDate: now, state: .open, apiVersion: context.apiVersion,
                delimiter: job.delimiter, lineEnding: job.lineEnding)
            info.externalIDField = job.operation == .upsert ? job.externalIDField : nil
            info.assignmentRuleID = job.assignmentRuleID
            var kept = BulkJob(info, context: context)
            kept.partCount = 1
            var part = BulkPart(
                index: 0,
                info: BulkBatchInfo(id: try bulkID("751", writer), jobID: info.id, state: .queued, createdDate: now))
            part.delimiter = job.delimiter
            part.lineEnding = job.lineEnding
            try BulkState.put(part, writer)
            try BulkState.add(kept, writer)
            return info
        }
    }

    /// The object, when it can be worked on so.
    func bulkObject(
        _ name: String, operation: BulkOperation, externalIDField: String?
    ) throws(OrgError) -> ObjectDefinition {
        guard let object = catalogue.object(name) else { throw .notSupportedByBulk(name) }
        guard object.isWritable || operation.isQuery else { throw .notSupportedByBulk(name) }
        guard operation == .upsert else { return object }
        guard let externalIDField, !externalIDField.isEmpty else {
            throw .invalidJob("External ID was blank for \(object.name). An External ID must be specified for upsert.")
        }
        guard let field = object.visibleField(externalIDField), field.kind == .id || field.isExternalID else {
            throw .invalidJob(
                "Field name provided, \(externalIDField) does not match an External ID, Salesforce Id, or indexed field for "
                    + object.name)
        }
        return object
    }

    public func uploadRows<Body: AsyncSequence & Sendable>(
        _ body: Body, to id: String, context: CallContext
    ) async throws(OrgError) where Body.Element == ByteBuffer {
        let jobID = try await readBulk { [clock = configuration.clock] reader in
            let job = try Self.bulkJob(id, .ingest, now: clock(), reader)
            try job.checkUpload()
            return job.info.id
        }
        // What arrives goes to a file that counts for nothing until it is whole.
        let files = bulk.files
        let (path, file) = try await bulkFiles { try files.openTemporary(of: jobID) }
        do {
            try await Self.receive(body, into: file)
            if files.isDurable { try await BulkFiles.blocking { try file.synchronize() } }
            try await changeBulk { writer, now in
                var job = try Self.bulkJob(jobID, .ingest, now: now, writer)
                try job.checkUpload()
                try files.adopt(temporary: path, as: .rows, part: 0, of: jobID)
                job.hasUpload = true
                job.info.systemModstamp = now
                try BulkState.put(job, writer)
            }
        } catch {
            do {
                try await BulkFiles.blocking { try files.remove(temporary: path) }
            } catch {
                // It counts for nothing and goes with the job.
                logger.warning("an upload could not be removed", metadata: ["file": "\(path)", "error": "\(error)"])
            }
            if let error = error as? OrgError { throw error }
            logger.debug("an upload ended early", metadata: ["job": "\(jobID)", "error": "\(error)"])
            throw OrgError(status: 400, errorCode: "ClientInputError", message: "The data did not arrive whole.")
        }
    }

    private static func receive<Body: AsyncSequence & Sendable>(
        _ body: Body, into file: BulkFile
    ) async throws where Body.Element == ByteBuffer {
        var place = 0
        for try await piece in body {
            let (at, bytes) = (place, [UInt8](piece.readableBytesView))
            place += bytes.count
            guard place <= uploadBytesMax else {
                throw OrgError(
                    status: 413, errorCode: "ClientInputError",
                    message: "The data is larger than \(uploadBytesMax) bytes, which is 150 MB in base64.")
            }
            try await BulkFiles.blocking { try file.write(bytes, at: at) }
        }
    }

    public func ingestResults(
        of id: String, _ kind: IngestResultKind, context: CallContext
    ) async throws(OrgError) -> BulkDocument {
        let (job, part) = try await readBulk { [clock = configuration.clock] reader in
            let job = try Self.bulkJob(id, .ingest, now: clock(), reader)
            guard let part = try BulkState.part(0, of: job.info.id, reader) else { throw OrgError.objectNotFound() }
            return (job, part)
        }
        guard job.info.state.isEnd else {
            throw .invalidJobState("Results of a job in state \(job.info.state.rawValue) are not available")
        }
        let results = IngestResults(job: job, part: part, files: bulk.files, store: twin.store)
        return BulkDocument(contentType: Self.resultType) { sink in
            switch kind {
            case .successful, .failed: try await results.write(kind, to: sink)
            case .unprocessed: try await results.writeUnprocessed(to: sink)
            }
        }
    }
}

extension BulkJob {
    func checkUpload() throws(OrgError) {
        guard info.state == .open else {
            throw .invalidJobState("Data cannot be uploaded to a job in state \(info.state.rawValue)")
        }
        guard !hasUpload else { throw .invalidJobState("The job has its data already; a job takes one upload") }
    }
}
