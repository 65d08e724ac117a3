import ChangeEvents
public import Doors
import Logging
import Store
import Twin

/// What all families of bulk jobs have in common.
extension Sandbox: BulkService {
    public func bulkJob(_ id: String, _ type: BulkJobType, context: CallContext) async throws(OrgError) -> BulkJobInfo {
        try await readBulk { [clock = configuration.clock] reader in
            let job = try Self.bulkJob(id, type, now: clock(), reader)
            return try Self.shown(job, reader)
        }
    }

    public func bulkJobs(_ filter: BulkJobFilter, context: CallContext) async throws(OrgError) -> BulkJobPage {
        let start = try filter.locator.map { text throws(OrgError) in
            guard let start = QueryLocator.row(text, of: Self.listSeal) else {
                throw OrgError(status: 400, errorCode: "InvalidQueryLocator", message: "invalid query locator")
            }
            return start
        }
        return try await readBulk { [clock = configuration.clock] reader in
            let now = clock()
            // Places are counted from the oldest, so that a new job does not shift the pages.
            let ids = try BulkState.jobIDs(reader)
            var place = min(start ?? ids.count, ids.count)
            var jobs: [BulkJobInfo] = []
            while place > 0, jobs.count < BulkJobFilter.pageSize {
                place -= 1
                guard let job = try BulkState.job(ids[place], reader)?.aged(now: now), !job.isExpired(now: now),
                    filter.takes(job.info)
                else { continue }
                jobs.append(try Self.shown(job, reader))
            }
            return BulkJobPage(
                jobs: jobs, nextLocator: place > 0 ? QueryLocator.text(row: place, of: Self.listSeal) : nil)
        }
    }

    private static let listSeal = "jobs"

    /// Of 2.0's results. Without the character set, clients that know HTTP's old default read them as ISO-8859-1.
    static let resultType = "text/csv; charset=UTF-8"

    public func setBulkJob(
        _ id: String, _ type: BulkJobType, to state: BulkJobState, context: CallContext
    ) async throws(OrgError) -> BulkJobInfo {
        let info = try await changeBulk { [self] writer, now in
            var job = try Self.bulkJob(id, type, now: now, writer)
            try job.set(state)
            job.info.systemModstamp = now
            if state == .aborted { try Self.abandonParts(of: job, now: now, writer) }
            try BulkState.put(job, writer)
            try tell([.state], of: job.info, writer)
            return try Self.shown(job, writer)
        }
        if state == .uploadComplete || state == .closed { bulk.add(info.id) }
        return info
    }

    public func deleteBulkJob(_ id: String, _ type: BulkJobType, context: CallContext) async throws(OrgError) {
        let job = try await changeBulk { writer, now in
            let job = try Self.bulkJob(id, type, now: now, writer)
            let isOver =
                switch job.info.state {
                case .jobComplete, .aborted, .failed: true
                // An upload that waits for its turn can be taken back.
                case .uploadComplete: type == .ingest
                case .open, .inProgress, .closed: false
                }
            guard isOver else {
                throw OrgError(
                    status: 400, errorCode: type == .query ? "API_ERROR" : "InvalidJobState",
                    message: "Deleting a job in state \(job.info.state.rawValue) is not allowed. Abort it first.")
            }
            try BulkState.remove(job, writer)
            return job
        }
        try await removeFiles(of: [job.info.id])
    }

    /// Forgets jobs whose time is over, files and all. Called whenever a job is made.
    func dropExpiredBulkJobs() async throws(OrgError) {
        let isDue = try await readBulk { [clock = configuration.clock] reader in
            guard let oldest = try BulkState.jobIDs(reader).first else { return false }
            return try BulkState.job(oldest, reader)?.isExpired(now: clock()) ?? false
        }
        guard isDue else { return }
        let dropped = try await changeBulk { writer, now in
            var dropped: [String] = []
            for id in try BulkState.jobIDs(writer) {
                guard let job = try BulkState.job(id, writer), job.isExpired(now: now) else { break }
                try BulkState.remove(job, writer)
                dropped.append(id)
            }
            return dropped
        }
        try await removeFiles(of: dropped)
    }

    private func removeFiles(of ids: [String]) async throws(OrgError) {
        let files = bulk.files
        try await bulkFiles { for id in ids { try files.remove(id) } }
    }

    /// Batches that nobody has begun are not begun any more.
    private static func abandonParts(of job: BulkJob, now: Int64, _ writer: any StoreWriter) throws {
        for var part in try BulkState.parts(of: job, writer) where !part.info.state.isEnd {
            // What a batch in progress has written stays; the rest is not.
            part.info.state = .notProcessed
            part.info.systemModstamp = now
            try BulkState.put(part, writer)
        }
    }

    // MARK: For the families

    /// Throws `NotFound` for a job of another family as well.
    static func bulkJob(
        _ id: String, _ type: BulkJobType, now: Int64, _ reader: any StoreReader
    ) throws -> BulkJob {
        guard let recordID = RecordID(id), let job = try BulkState.job(recordID.string, reader), job.info.type == type,
            !job.isExpired(now: now)
        else {
            if type == .classic { throw OrgError.invalidJob("Invalid job id: \(id)") }
            throw OrgError.objectNotFound()
        }
        return job.aged(now: now)
    }

    /// The job with what its parts have come to.
    static func shown(_ job: BulkJob, _ reader: any StoreReader) throws -> BulkJobInfo {
        var info = job.info
        for part in try BulkState.parts(of: job, reader) {
            info.recordsProcessed += part.info.recordsProcessed
            info.recordsFailed += part.info.recordsFailed
            info.totalProcessingTime += part.info.totalProcessingTime
            info.apiActiveProcessingTime += part.info.apiActiveProcessingTime
            info.apexProcessingTime += part.info.apexProcessingTime
            info.systemModstamp = max(info.systemModstamp, part.info.systemModstamp)
            switch part.info.state {
            case .queued: info.batches.queued += 1
            case .inProgress: info.batches.inProgress += 1
            case .completed: info.batches.completed += 1
            case .failed: info.batches.failed += 1
            case .notProcessed: info.batches.notProcessed += 1
            }
        }
        return info
    }

    func readBulk<T: Sendable>(
        _ body: @escaping @Sendable (any StoreReader) throws -> T
    ) async throws(OrgError) -> T {
        do {
            return try await twin.store.read(body)
        } catch {
            throw bulkFailure(error)
        }
    }

    func changeBulk<T: Sendable>(
        _ body: @escaping @Sendable (_ writer: any StoreWriter, _ now: Int64) throws -> T
    ) async throws(OrgError) -> T {
        let clock = configuration.clock
        do {
            return try await twin.commit { writer in try body(writer, clock()) }
        } catch {
            throw bulkFailure(error)
        }
    }

    func bulkFiles<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws(OrgError) -> T {
        do {
            return try await BulkFiles.blocking(body)
        } catch {
            throw bulkFailure(error)
        }
    }

    /// The caller learns what an org tells; what else went wrong is for the log.
    func bulkFailure(_ error: any Error) -> OrgError {
        if let error = error as? OrgError { return error }
        logger.error("a bulk call failed inside the org", metadata: ["error": "\(error)"])
        return .internalFailure()
    }

    /// A new id of a job, a batch or a result: `750`, `751`, `752`.
    func bulkID(_ prefix: String, _ writer: any StoreWriter) throws -> String {
        var counters = try OrgCounters.read(writer)
        let id = try counters.nextRecordID(prefix: prefix, instance: organization.instance)
        try counters.write(writer)
        return id.string
    }
}

extension BulkJob {
    /// Moves to a state that a caller wishes. Throws `InvalidJobState` where there is no way.
    mutating func set(_ state: BulkJobState) throws(OrgError) {
        switch (info.state, state) {
        case (.open, .uploadComplete) where info.type == .ingest:
            guard hasUpload else {
                throw .invalidJobState("Upload the job's data before its state becomes UploadComplete")
            }
        case (.open, .closed) where info.type == .classic:
            break
        case (.open, .aborted), (.uploadComplete, .aborted), (.inProgress, .aborted):
            break
        case (.closed, .aborted) where info.type == .classic:
            break
        case (.jobComplete, .aborted), (.failed, .aborted):
            throw .invalidJobState("Aborting already Completed Job not allowed")
        case (.aborted, .aborted):
            throw .invalidJobState("Aborting already Aborted Job not allowed")
        case (let from, _):
            throw .invalidJobState("A job in state \(from.rawValue) cannot become \(state.rawValue)")
        }
        info.state = state
    }
}

extension BulkJobFilter {
    func takes(_ info: BulkJobInfo) -> Bool {
        types.contains(info.type) && isPKChunkingEnabled.map { $0 == info.isPKChunkingEnabled } ?? true
            && isSerial.map { $0 == info.isSerial } ?? true
    }
}
