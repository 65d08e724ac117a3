public import CSV

/// The words of the Bulk API, as they stand on the wire.
public enum BulkOperation: String, Sendable, Hashable, Codable, CaseIterable {
    case insert, update, upsert, delete, hardDelete, query, queryAll

    public var isQuery: Bool { self == .query || self == .queryAll }
}

public enum BulkJobState: String, Sendable, Hashable, Codable {
    /// Takes data. Goes to `uploadComplete` (2.0), `closed` (1.0) or `aborted`; after 24 hours to `aborted` by itself.
    case open = "Open"
    /// All data is there and waits for its turn. Goes to `inProgress` or `aborted`.
    case uploadComplete = "UploadComplete"
    /// Rows are worked on. Goes to `jobComplete`, `failed` or `aborted`.
    case inProgress = "InProgress"
    /// Everything was worked on; single rows may have failed.
    case jobComplete = "JobComplete"
    case aborted = "Aborted"
    /// The job as a whole failed; `errorMessage` says why. What was done before stays.
    case failed = "Failed"
    /// Of Bulk 1.0: takes no more batches; those that are there are worked on.
    case closed = "Closed"

    public var isEnd: Bool {
        switch self {
        case .open, .uploadComplete, .inProgress: false
        case .jobComplete, .aborted, .failed, .closed: true
        }
    }
}

/// Which of the three families of resources a job belongs to; a job of one is not found through another.
public enum BulkJobType: String, Sendable, Hashable, Codable {
    case ingest = "V2Ingest"
    case query = "V2Query"
    case classic = "Classic"
}

public enum BulkContentType: String, Sendable, Hashable, Codable {
    case csv = "CSV"
    case xml = "XML"
    case json = "JSON"

    /// In `Content-Type` headers of Bulk 1.0.
    public var mediaType: String {
        switch self {
        case .csv: "text/csv"
        case .xml: "application/xml"
        case .json: "application/json"
        }
    }
}

/// A job as its owner sees it.
public struct BulkJobInfo: Sendable, Hashable, Codable {
    /// `750…`
    public var id: String
    public var type: BulkJobType
    public var operation: BulkOperation
    public var object: String
    public var createdByID: String
    /// Milliseconds since 1970.
    public var createdDate: Int64
    public var systemModstamp: Int64
    public var state: BulkJobState
    public var externalIDField: String?
    public var assignmentRuleID: String?
    public var isSerial: Bool
    public var contentType: BulkContentType
    /// `67.0`
    public var apiVersion: String
    public var delimiter: CSVDialect.Delimiter
    public var lineEnding: CSVDialect.LineEnding
    public var recordsProcessed = 0
    public var recordsFailed = 0
    public var retries = 0
    /// Milliseconds.
    public var totalProcessingTime = 0
    public var apiActiveProcessingTime = 0
    public var apexProcessingTime = 0
    public var errorMessage: String?
    /// Of Bulk 1.0.
    public var batches = BulkBatchCounts()
    public var isPKChunkingEnabled = false

    public init(
        id: String, type: BulkJobType, operation: BulkOperation, object: String, createdByID: String,
        createdDate: Int64,
        state: BulkJobState, apiVersion: String, contentType: BulkContentType = .csv,
        delimiter: CSVDialect.Delimiter = .comma, lineEnding: CSVDialect.LineEnding = .lf, isSerial: Bool = false
    ) {
        self.id = id
        self.type = type
        self.operation = operation
        self.object = object
        self.createdByID = createdByID
        self.createdDate = createdDate
        systemModstamp = createdDate
        self.state = state
        self.apiVersion = apiVersion
        self.contentType = contentType
        self.delimiter = delimiter
        self.lineEnding = lineEnding
        self.isSerial = isSerial
    }
}

public struct BulkBatchCounts: Sendable, Hashable, Codable {
    public var queued = 0
    public var inProgress = 0
    public var completed = 0
    public var failed = 0
    public var notProcessed = 0
    public var total: Int { queued + inProgress + completed + failed + notProcessed }
    public init() {}
}

/// A batch of a Bulk 1.0 job.
public struct BulkBatchInfo: Sendable, Hashable, Codable {
    public enum State: String, Sendable, Hashable, Codable {
        case queued = "Queued"
        case inProgress = "InProgress"
        /// Worked on; single rows may have failed.
        case completed = "Completed"
        case failed = "Failed"
        /// The job was aborted first, or the batch became several by PK chunking.
        case notProcessed = "NotProcessed"

        public var isEnd: Bool { self != .queued && self != .inProgress }
    }

    /// `751…`
    public var id: String
    public var jobID: String
    public var state: State
    public var stateMessage: String?
    public var createdDate: Int64
    public var systemModstamp: Int64
    public var recordsProcessed = 0
    public var recordsFailed = 0
    public var totalProcessingTime = 0
    public var apiActiveProcessingTime = 0
    public var apexProcessingTime = 0

    public init(id: String, jobID: String, state: State, createdDate: Int64) {
        self.id = id
        self.jobID = jobID
        self.state = state
        self.createdDate = createdDate
        systemModstamp = createdDate
    }
}
