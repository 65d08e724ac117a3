import ChangeEvents
import Doors
import Logging
import Store
import Twin

/// Does the work of bulk jobs, one step per call: checks a file, writes a chunk of rows, or reads one.
///
/// Used by one task. What it remembers between steps (open files, where a reader stands) only saves time; what counts is in the
/// store.
final class BulkRunner {
    struct PartKey: Hashable {
        var jobID: String
        var part: Int
    }

    /// The job was aborted or deleted while a step was on its way: nothing of the step stays.
    struct Overtaken: Error {}

    let sandbox: Sandbox
    var ingests: [PartKey: IngestWork] = [:]
    var queries: [PartKey: QueryWork] = [:]
    /// By job: parts before this one have ended, and what has ended stays so.
    private var firstOpen: [String: Int] = [:]

    init(_ sandbox: Sandbox) { self.sandbox = sandbox }

    /// False when there is nothing to do.
    func step() async throws -> Bool {
        guard let jobID = sandbox.bulk.next() else { return false }
        let now = sandbox.configuration.clock()
        let first = firstOpen[jobID, default: 0]
        let (job, part) = try await sandbox.twin.store.read { reader -> (BulkJob?, BulkPart?) in
            guard let job = try BulkState.job(jobID, reader)?.aged(now: now), job.wantsWork, !job.isExpired(now: now)
            else { return (nil, nil) }
            for index in min(first, job.partCount)..<job.partCount {
                if let part = try BulkState.part(index, of: jobID, reader), !part.info.state.isEnd {
                    return (job, part)
                }
            }
            return (job, nil)
        }
        guard let job, let part else {
            forget(jobID)
            return true
        }
        firstOpen[jobID] = part.index
        do {
            if job.info.operation.isQuery {
                try await read(job, part)
            } else {
                try await write(job, part)
            }
        } catch is Overtaken {
            forget(jobID)
        } catch is CancellationError {
            throw CancellationError()
        } catch let error as OrgError {
            try await fail(job, part, error)
        } catch {
            sandbox.logger.error(
                "a bulk job failed inside the org", metadata: ["job": "\(jobID)", "error": "\(error)"])
            try await fail(
                job, part, OrgError(status: 500, errorCode: "Unknown", message: "An unexpected error occurred."))
        }
        sandbox.bulk.add(jobID)
        return true
    }

    private func forget(_ jobID: String) {
        firstOpen[jobID] = nil
        ingests = ingests.filter { $0.key.jobID != jobID }
        queries = queries.filter { $0.key.jobID != jobID }
    }

    /// The part, and with it a 2.0 job, ends as failed; what was done before stays.
    private func fail(_ job: BulkJob, _ part: BulkPart, _ error: OrgError) async throws {
        let now = sandbox.configuration.clock()
        let key = PartKey(jobID: job.info.id, part: part.index)
        ingests[key] = nil
        queries[key] = nil
        try await sandbox.twin.commit { [sandbox] writer in
            guard var job = try BulkState.job(job.info.id, writer), !job.isOver,
                var part = try BulkState.part(part.index, of: job.info.id, writer)
            else { return }
            let text = "\(error.errorCode) : \(error.message)"
            part.info.state = .failed
            part.info.stateMessage = text
            part.info.systemModstamp = now
            try BulkState.put(part, writer)
            if job.info.type != .classic {
                job.info.state = .failed
                job.info.errorMessage = text
                job.info.systemModstamp = now
                try BulkState.put(job, writer)
                try sandbox.tell([.state], of: job.info, writer)
            }
        }
    }

    /// The job and the part as they are in this transaction. Throws `Overtaken` where the job has been ended meanwhile.
    static func current(
        _ job: BulkJob, _ part: BulkPart, _ reader: any StoreReader
    ) throws -> (BulkJob, BulkPart) {
        guard let job = try BulkState.job(job.info.id, reader), !job.isOver,
            let part = try BulkState.part(part.index, of: job.info.id, reader), !part.info.state.isEnd
        else { throw Overtaken() }
        return (job, part)
    }
}

extension BulkJob {
    /// Nothing more may be done for it. A closed job of Bulk 1.0 is worked on to its end.
    var isOver: Bool {
        switch info.state {
        case .open, .uploadComplete, .inProgress, .closed: false
        case .jobComplete, .aborted, .failed: true
        }
    }
}

extension BulkPart {
    mutating func worked(for duration: Duration, now: Int64) {
        let milliseconds = max(1, Int(duration / .milliseconds(1)))
        info.totalProcessingTime += milliseconds
        info.apiActiveProcessingTime += milliseconds
        info.systemModstamp = now
    }
}
