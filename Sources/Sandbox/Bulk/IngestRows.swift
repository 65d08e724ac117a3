import CSV

/// Reads the rows of a part's file from some place on. A value that blocks: it is moved to a thread that may wait and back.
struct IngestRows: Sendable {
    /// Rows of one transaction: what triggers of an org see at once.
    static let chunkRows = 200

    private let file: BulkFile
    private(set) var reader: CSVReader
    /// Bytes of the file that the reader has.
    private var fileOffset: Int
    private var isAtEnd = false

    /// From the beginning; the header is the first row.
    init(_ file: BulkFile, _ dialect: CSVDialect) {
        self.file = file
        reader = CSVReader(dialect)
        fileOffset = 0
    }

    init(_ file: BulkFile, _ dialect: CSVDialect, _ progress: IngestProgress) {
        self.file = file
        reader = CSVReader(
            dialect, at: progress.offset, rowNumber: progress.rowNumber, columnCount: progress.headings.count)
        fileOffset = progress.offset
    }

    /// False at the end of the file.
    mutating func next(into row: inout CSVRow) throws -> Bool {
        while true {
            if try reader.next(into: &row) { return true }
            if isAtEnd { return false }
            try readOn()
        }
    }

    mutating func header(into row: inout CSVRow) throws -> [String] {
        while true {
            if let headings = try reader.header(into: &row) { return headings }
            try readOn()
        }
    }

    private mutating func readOn() throws {
        let piece = try file.read(at: fileOffset, count: BulkFiles.pieceBytes)
        fileOffset += piece.count
        if piece.isEmpty {
            isAtEnd = true
            reader.finish()
        } else {
            reader.append(piece)
        }
    }
}

extension IngestRows {
    /// Reads a whole file before any row of it counts: what is not CSV fails as a whole and leaves nothing half done.
    static func check(_ file: BulkFile, _ dialect: CSVDialect) throws -> IngestProgress {
        var rows = IngestRows(file, dialect)
        var row = CSVRow()
        let headings = try rows.header(into: &row)
        let (offset, rowNumber) = (rows.reader.offset, rows.reader.rowNumber)
        var count = 0
        while try rows.next(into: &row) { count += 1 }
        return IngestProgress(headings: headings, rows: count, offset: offset, rowNumber: rowNumber, chunks: 0)
    }

    struct Chunk: Sendable {
        var rows: [IngestRow]
        /// Where the next chunk begins.
        var offset: Int
        var rowNumber: Int
    }

    mutating func chunk(_ columns: IngestColumns) throws -> Chunk {
        var row = CSVRow()
        var made: [IngestRow] = []
        made.reserveCapacity(Self.chunkRows)
        while made.count < Self.chunkRows, try next(into: &row) { made.append(columns.row(row)) }
        return Chunk(rows: made, offset: reader.offset, rowNumber: reader.rowNumber)
    }
}
