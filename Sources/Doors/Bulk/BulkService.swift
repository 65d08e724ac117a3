public import CSV
public import NIOCore

/// What the bulk doors need of the org behind them. Jobs live there, are worked on in the background and survive restarts; a
/// door only carries requests in and documents out.
///
/// Errors carry the Bulk API's codes in their written form (`InvalidJob`, `InvalidJobState`, …); how a version of the API spells
/// them is its door's matter.
public protocol BulkService: Sendable {
    // Every family.
    func bulkJob(_ id: String, _ type: BulkJobType, context: CallContext) async throws(OrgError) -> BulkJobInfo
    func bulkJobs(_ filter: BulkJobFilter, context: CallContext) async throws(OrgError) -> BulkJobPage
    /// `uploadComplete`, `aborted` or, of Bulk 1.0, `closed`.
    func setBulkJob(
        _ id: String, _ type: BulkJobType, to state: BulkJobState, context: CallContext
    ) async throws(OrgError) -> BulkJobInfo
    func deleteBulkJob(_ id: String, _ type: BulkJobType, context: CallContext) async throws(OrgError)

    // Ingest 2.0
    func createIngestJob(_ job: NewIngestJob, context: CallContext) async throws(OrgError) -> BulkJobInfo
    /// Takes the rows of a job; once per job. What arrives is kept as it arrives, and all of it or nothing counts.
    func uploadRows<Body: AsyncSequence & Sendable>(
        _ body: Body, to id: String, context: CallContext
    ) async throws(OrgError) where Body.Element == ByteBuffer
    func ingestResults(
        of id: String, _ kind: IngestResultKind, context: CallContext
    ) async throws(OrgError) -> BulkDocument

    // Query 2.0
    func createQueryJob(_ job: NewQueryJob, context: CallContext) async throws(OrgError) -> BulkJobInfo
    func queryResults(
        of id: String, locator: String?, rowsMax: Int?, context: CallContext
    ) async throws(OrgError) -> BulkResultPage
    /// Locators of up to five pages after a place, and the one to ask on with.
    func resultPages(
        of id: String, locator: String?, context: CallContext
    ) async throws(OrgError) -> (locators: [String], next: String?)

    // Bulk 1.0
    func createClassicJob(_ job: NewClassicJob, context: CallContext) async throws(OrgError) -> BulkJobInfo
    func addBatch(_ batch: NewBatch, to jobID: String, context: CallContext) async throws(OrgError) -> BulkBatchInfo
    func batches(of jobID: String, context: CallContext) async throws(OrgError) -> [BulkBatchInfo]
    func batch(_ id: String, of jobID: String, context: CallContext) async throws(OrgError) -> BulkBatchInfo
    /// The batch as it was sent.
    func batchRequest(_ id: String, of jobID: String, context: CallContext) async throws(OrgError) -> BulkDocument
    /// What became of each row of a batch, in their order.
    func batchOutcomes(_ id: String, of jobID: String, context: CallContext) async throws(OrgError) -> BulkOutcomes
    /// Ids of the results of a query batch.
    func batchResultIDs(_ id: String, of jobID: String, context: CallContext) async throws(OrgError) -> [String]
    func batchResult(
        _ resultID: String, of id: String, job jobID: String, context: CallContext
    ) async throws(OrgError) -> BulkDocument
}

public struct NewIngestJob: Sendable, Hashable {
    public var object: String
    public var operation: BulkOperation
    public var externalIDField: String?
    public var assignmentRuleID: String?
    public var delimiter = CSVDialect.Delimiter.comma
    public var lineEnding = CSVDialect.LineEnding.lf
    public init(object: String, operation: BulkOperation) {
        self.object = object
        self.operation = operation
    }
}

public struct NewQueryJob: Sendable, Hashable {
    public var soql: String
    public var operation: BulkOperation
    public var delimiter = CSVDialect.Delimiter.comma
    public var lineEnding = CSVDialect.LineEnding.lf
    public init(soql: String, operation: BulkOperation) {
        self.soql = soql
        self.operation = operation
    }
}

public struct NewClassicJob: Sendable, Hashable {
    public var object: String
    public var operation: BulkOperation
    public var contentType: BulkContentType
    public var externalIDField: String?
    public var assignmentRuleID: String?
    public var isSerial = false
    /// `Sforce-Enable-PKChunking`; nil: off.
    public var pkChunking: PKChunking?
    public init(object: String, operation: BulkOperation, contentType: BulkContentType) {
        self.object = object
        self.operation = operation
        self.contentType = contentType
    }
}

/// A batch of Bulk 1.0: rows to write, or a query.
public struct NewBatch: Sendable {
    /// As it was sent.
    public var request: ByteBuffer
    /// The rows as CSV, whatever they came as; a null is `nullMarker` there. Empty for a query.
    public var rows: [UInt8]
    /// What stands for null in rows that came as JSON or XML: neither of them can carry it, so that a text `#N/A` stays one.
    public static let nullMarker = "\u{0}"

    public init(request: ByteBuffer, rows: [UInt8]) {
        self.request = request
        self.rows = rows
    }
}

/// `Sforce-Enable-PKChunking: chunkSize=50000; startRow=00130000000xEftMGH`
public struct PKChunking: Sendable, Hashable, Codable {
    public static let chunkSizeDefault = 100_000
    public static let chunkSizeMax = 250_000

    public var chunkSize: Int
    /// Ids below it are left out.
    public var startRow: String?
    /// Of a sharing object's query; accepted and kept.
    public var parent: String?

    public init(chunkSize: Int = chunkSizeDefault, startRow: String? = nil, parent: String? = nil) {
        self.chunkSize = chunkSize
        self.startRow = startRow
        self.parent = parent
    }
}

public struct BulkJobFilter: Sendable, Hashable {
    public static let pageSize = 1_000

    public var types: Set<BulkJobType>
    public var isPKChunkingEnabled: Bool?
    public var isSerial: Bool?
    /// Of `nextRecordsUrl`.
    public var locator: String?
    public init(types: Set<BulkJobType>) { self.types = types }
}

public struct BulkJobPage: Sendable, Hashable {
    /// Newest first.
    public var jobs: [BulkJobInfo]
    public var nextLocator: String?
    public init(jobs: [BulkJobInfo], nextLocator: String?) {
        self.jobs = jobs
        self.nextLocator = nextLocator
    }
}

public enum IngestResultKind: Sendable, Hashable {
    case successful, failed, unprocessed
}

/// Bytes that are made while they are sent.
public struct BulkDocument: Sendable {
    public typealias Sink = @concurrent (ByteBuffer) async throws -> Void
    public var contentType: String
    /// Calls the sink with each piece, in order.
    public var write: @concurrent @Sendable (_ sink: Sink) async throws -> Void

    public init(contentType: String, write: @escaping @concurrent @Sendable (_ sink: Sink) async throws -> Void) {
        self.contentType = contentType
        self.write = write
    }
}

public struct BulkResultPage: Sendable {
    public var document: BulkDocument
    public var rows: Int
    /// Nil on the last page.
    public var nextLocator: String?
    public init(document: BulkDocument, rows: Int, nextLocator: String?) {
        self.document = document
        self.rows = rows
        self.nextLocator = nextLocator
    }
}

/// What became of one row.
public enum BulkOutcome: Sendable, Hashable {
    /// `isCreated` false: updated or deleted.
    case done(id: String, isCreated: Bool)
    /// `id` where the row named one.
    case failed(id: String?, OrgError)
}

/// The outcomes of a batch, piece by piece.
public struct BulkOutcomes: Sendable {
    public typealias Body = @concurrent ([BulkOutcome]) async throws -> Void
    public var forEach: @concurrent @Sendable (_ body: Body) async throws -> Void
    public init(forEach: @escaping @concurrent @Sendable (_ body: Body) async throws -> Void) {
        self.forEach = forEach
    }
}
