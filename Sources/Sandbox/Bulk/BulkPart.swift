import CSV
import Doors

/// One file of a job and how far the work on it has come: the rows of a 2.0 job, or a batch of Bulk 1.0.
///
/// Progress is written in the transaction that writes the rows, so that after a `kill -9` the work goes on exactly behind the
/// last row that counts.
struct BulkPart: Codable, Sendable {
    /// From 0.
    var index: Int
    var info: BulkBatchInfo
    /// How a Bulk 1.0 batch was sent; its rows are kept as CSV all the same.
    var contentType = BulkContentType.csv
    var lineEnding = CSVDialect.LineEnding.lf
    var delimiter = CSVDialect.Delimiter.comma
    var ingest: IngestProgress?
    var query: QueryProgress?

    var dialect: CSVDialect { CSVDialect(delimiter: delimiter, lineEnding: lineEnding) }

    /// What a cell that empties a field holds.
    var nullMarker: String { contentType == .csv ? "#N/A" : NewBatch.nullMarker }
}

/// How far rows have been written.
struct IngestProgress: Codable, Sendable {
    var headings: [String]
    /// Rows of the file, without the header.
    var rows: Int
    /// Place in the file of the next row.
    var offset: Int
    /// Number of the last row that is done, the header being 1.
    var rowNumber: Int
    /// Chunks that are done: so many outcomes are kept.
    var chunks: Int
}

/// How far rows have been read.
struct QueryProgress: Codable, Sendable {
    /// `752…`
    var resultID: String
    var soql: String
    var scope: QueryScope
    var object: String
    var columns: [String]
    /// Where reading goes on; nil at the beginning.
    var place: RowPlace?
    var isDone = false
    var rows = 0
    /// Length of the result's file, header not in it.
    var bytes = 0
    /// The rows of one chunk of a PK-chunked query: ids from, up to but without.
    var idRange: IDRange?

    struct IDRange: Codable, Sendable {
        var from: String
        var below: String?
    }

    var rowQuery: RowQuery { RowQuery(soql: soql, scope: scope, object: object, columns: columns) }
}
