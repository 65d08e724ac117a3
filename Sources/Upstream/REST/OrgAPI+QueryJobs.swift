import Foundation
import NIOCore
import NIOHTTP1

/// Bulk API 2.0 query jobs: creating, watching, ending. Reading their results is in `OrgAPI+Results`.
extension OrgAPI {
    /// A job waits for a person past this: the org itself gives up on queries much earlier.
    public static let jobDeadline: Duration = .seconds(12 * 3_600)

    /// Creates a job. It is a read, so an attempt whose outcome is unknown is repeated; the org then has a job that nobody
    /// reads, until it deletes it after 7 days.
    /// - Parameter includingDeleted: `queryAll`.
    public func createQueryJob(_ soql: String, includingDeleted: Bool = false) async throws -> QueryJob {
        struct Request: Encodable {
            var operation: String
            var query: String
            var contentType = "CSV"
            var columnDelimiter = "COMMA"
            var lineEnding = "LF"
        }
        try budget.admitQueryJob(purpose)
        let request = Request(operation: includingDeleted ? "queryAll" : "query", query: soql)
        let body = ByteBuffer(bytes: try JSONEncoder().encode(request))
        return try await job(.POST, "\(Self.root)/jobs/query", body)
    }

    public func queryJob(_ id: String) async throws -> QueryJob { try await job(.GET, target(id), nil) }

    /// Looks at the job, with growing pauses, until it is complete. Throws `OrgAPIError(.jobFailed)` with the org's message
    /// where it fails or is aborted, and `.timedOut` past the deadline (the job goes on).
    /// - Parameters:
    ///   - pollMax: between two looks at most; nil: as `Timing` says. Each look is a call.
    ///   - onProgress: called with each look.
    public func complete(
        _ job: QueryJob, within deadline: Duration = jobDeadline, pollMax: Duration? = nil,
        onProgress: (QueryJob) -> Void = { _ in }
    ) async throws -> QueryJob {
        let end = caller.now + deadline
        var pause = caller.timing.pollInitial
        var job = job
        while true {
            switch job.state {
            case .jobComplete: return job
            case .failed:
                throw OrgAPIError(
                    .jobFailed, "The query job \(job.id) failed: \(job.errorMessage ?? "the org does not say why").")
            case .aborted:
                throw OrgAPIError(.jobFailed, "The query job \(job.id) was aborted.")
            case .uploadComplete, .inProgress, .other: break
            }
            guard caller.now < end else {
                throw OrgAPIError(.timedOut, "The query job \(job.id) is not complete after \(deadline).")
            }
            try await caller.sleep(for: pause)
            pause = min(pause * 1.5, pollMax ?? caller.timing.pollMax)
            job = try await queryJob(job.id)
            onProgress(job)
        }
    }

    /// Throws `OrgAPIError(.refused)` where the job has ended already.
    public func abort(_ job: QueryJob) async throws -> QueryJob {
        try await self.job(.PATCH, target(job.id), ByteBuffer(string: #"{"state":"Aborted"}"#))
    }

    /// Of a job that has ended. One that is not there is as good as deleted.
    public func delete(_ job: QueryJob) async throws {
        var call = OrgCall(target: target(job.id), deadline: caller.timing.callDeadline)
        call.method = .DELETE
        call.accepted = [404]
        _ = try await caller.answer(call, for: purpose)
    }

    private func target(_ id: String) -> String { "\(Self.root)/jobs/query/\(URLText.escaped(id))" }

    private func job(_ method: HTTPMethod, _ target: String, _ body: ByteBuffer?) async throws -> QueryJob {
        var call = OrgCall(target: target, deadline: caller.timing.callDeadline)
        call.method = method
        call.body = body
        return try QueryJob(try await caller.answer(call, for: purpose).value())
    }
}
