import Foundation

/// A Bulk API 2.0 query job, as the org last told of it.
public struct QueryJob: Sendable, Hashable {
    public enum State: Sendable, Hashable {
        case uploadComplete, inProgress, jobComplete, aborted, failed
        /// One that this version does not know: still under way, as far as we can tell.
        case other(String)

        init(name: String) {
            self =
                switch name {
                case "UploadComplete": .uploadComplete
                case "InProgress": .inProgress
                case "JobComplete": .jobComplete
                case "Aborted": .aborted
                case "Failed": .failed
                default: .other(name)
                }
        }

        /// Whether it stays as it is.
        public var isFinal: Bool {
            switch self {
            case .jobComplete, .aborted, .failed: true
            case .uploadComplete, .inProgress, .other: false
            }
        }
    }

    public var id: String
    public var state: State
    /// API name; nil where the org does not say.
    public var object: String?
    /// Rows so far.
    public var recordsProcessed: Int
    /// Of a job that failed.
    public var errorMessage: String?
    /// Nil: the org does not say.
    public var isPKChunkingSupported: Bool?

    init(_ value: RESTValue) throws(OrgAPIError) {
        guard let id = value["id"]?.string, !id.isEmpty, let state = value["state"]?.string else {
            throw OrgAnswer.unreadable("id or no state of a job")
        }
        self.id = id
        self.state = State(name: state)
        object = value["object"]?.string
        recordsProcessed = Int(clamping: value["numberRecordsProcessed"]?.integer ?? 0)
        errorMessage = value["errorMessage"]?.string
        isPKChunkingSupported = value["isPkChunkingSupported"]?.boolean
    }

    /// Where its results begin.
    /// - Parameter maxRecords: rows of a page at most; nil: the org's choice.
    public func firstPage(maxRecords: Int? = nil) -> ResultPage { ResultPage(jobID: id, maxRecords: maxRecords) }
}

/// A page of a job's results that can be read, and read again while the job is kept (7 days): to be stored, so that an
/// interrupted download goes on.
public struct ResultPage: Sendable, Hashable, Codable {
    public var jobID: String
    /// Nil: the first page.
    public var locator: String?
    public var maxRecords: Int?

    public init(jobID: String, locator: String? = nil, maxRecords: Int? = nil) {
        self.jobID = jobID
        self.locator = locator
        self.maxRecords = maxRecords
    }

    /// Reads `…/jobs/query/{id}/results?locator=…&maxRecords=…`. Throws `OrgAPIError(.answerUnreadable)`.
    init(address: String, jobID: String) throws(OrgAPIError) {
        let target = try URLText.target(address)
        guard target.prefix(while: { $0 != "?" }).hasSuffix("/jobs/query/\(jobID)/results") else {
            throw OrgAPIError(.answerUnreadable, "The org hands out a result page that is not of the job.")
        }
        self.init(
            jobID: jobID, locator: URLText.parameter("locator", of: target),
            maxRecords: URLText.parameter("maxRecords", of: target).flatMap { Int($0) })
    }

    var target: String {
        var parameters: [String] = []
        if let locator { parameters.append("locator=\(URLText.escaped(locator))") }
        if let maxRecords { parameters.append("maxRecords=\(maxRecords)") }
        let query = parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&")
        return "\(OrgAPI.root)/jobs/query/\(URLText.escaped(jobID))/results\(query)"
    }
}
