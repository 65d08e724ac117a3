import CSV
import Doors
import NIOCore
import Store

/// What became of the rows of an ingest job, as CSV: the outcomes of each chunk beside the rows as they were sent. Nothing but the
/// outcomes is kept; the rows are read again.
struct IngestResults: Sendable {
    let job: BulkJob
    let part: BulkPart
    let files: BulkFiles
    let store: any EventStore

    @concurrent func write(_ kind: IngestResultKind, to sink: BulkDocument.Sink) async throws {
        var writer = CSVWriter(part.dialect)
        let leading = kind == .successful ? ["sf__Id", "sf__Created"] : ["sf__Id", "sf__Error"]
        writer.write(row: leading + (part.ingest?.headings ?? []))
        guard let progress = part.ingest else { return try await sink(ByteBuffer(bytes: writer.take())) }
        var rows = try await BulkFiles.blocking { [files, part, job] in
            var rows = IngestRows(
                try files.open(.rows, part: part.index, of: job.info.id, for: .reading), part.dialect)
            var row = CSVRow()
            _ = try rows.header(into: &row)
            return rows
        }
        for chunk in 0..<progress.chunks {
            let outcomes = try await store.read { [part, job] reader in
                try BulkState.outcomes(chunk: chunk, part: part.index, of: job.info.id, reader)
            }
            (rows, writer) = try await BulkFiles.blocking { [rows, writer, progress] in
                var (rows, writer) = (rows, writer)
                var row = CSVRow()
                for outcome in outcomes {
                    guard try rows.next(into: &row) else { break }
                    Self.write(outcome, row, kind, columns: progress.headings.count, into: &writer)
                }
                return (rows, writer)
            }
            if writer.bytes.count >= BulkFiles.pieceBytes { try await sink(ByteBuffer(bytes: writer.take())) }
        }
        if !writer.bytes.isEmpty { try await sink(ByteBuffer(bytes: writer.take())) }
    }

    private static func write(
        _ outcome: BulkOutcome, _ row: CSVRow, _ kind: IngestResultKind, columns: Int, into writer: inout CSVWriter
    ) {
        switch (outcome, kind) {
        case (.done(let id, let isCreated), .successful):
            writer.write(plain: id.utf8)
            writer.write(plain: (isCreated ? "true" : "false").utf8)
        case (.failed(let id, let error), .failed):
            writer.write(id ?? "")
            writer.write(error.bulkText)
        default:
            return
        }
        // A ragged row is shown under the headings that there are.
        for column in 0..<columns {
            if column < row.count { writer.write(value: row.bytes(column)) } else { writer.writeEmpty() }
        }
        writer.endRow()
    }

    /// Rows that nobody has come to: as they were sent.
    @concurrent func writeUnprocessed(to sink: BulkDocument.Sink) async throws {
        guard job.hasUpload else { return }
        let file = try await BulkFiles.blocking { [files, part, job] in
            try files.open(.rows, part: part.index, of: job.info.id, for: .reading)
        }
        let size = try await BulkFiles.blocking { try file.size() }
        var start = 0
        if let progress = part.ingest {
            var writer = CSVWriter(part.dialect)
            writer.write(row: progress.headings)
            try await sink(ByteBuffer(bytes: writer.take()))
            start = progress.rowNumber > progress.rows ? size : progress.offset
        }
        try await BulkFiles.send(file, from: start, count: size - start, to: sink)
    }
}
