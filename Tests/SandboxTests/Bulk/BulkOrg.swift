import CSV
import ChangeEvents
import Doors
import NIOCore
import Synchronization

@testable import Sandbox

/// Bulk jobs in the words of the tests.
extension TestOrg {
    /// A job with its rows, worked on to its end.
    func ingest(
        _ object: String, _ operation: BulkOperation, _ csv: String, externalID: String? = nil,
        _ change: (inout NewIngestJob) -> Void = { _ in }
    ) async throws -> BulkJobInfo {
        let id = try await uploaded(object, operation, csv, externalID: externalID, change).id
        try await sandbox.finishBulkWork()
        return try await sandbox.bulkJob(id, .ingest, context: context)
    }

    /// A job that waits to be worked on.
    func uploaded(
        _ object: String, _ operation: BulkOperation, _ csv: String, externalID: String? = nil,
        _ change: (inout NewIngestJob) -> Void = { _ in }
    ) async throws -> BulkJobInfo {
        var new = NewIngestJob(object: object, operation: operation)
        new.externalIDField = externalID
        change(&new)
        let job = try await sandbox.createIngestJob(new, context: context)
        try await upload(csv, to: job.id)
        return try await sandbox.setBulkJob(job.id, .ingest, to: .uploadComplete, context: context)
    }

    func upload(_ csv: String, to id: String) async throws {
        let pieces = AsyncStream<ByteBuffer> { continuation in
            var bytes = ByteBuffer(string: csv)
            while let piece = bytes.readSlice(length: min(7, bytes.readableBytes)), piece.readableBytes > 0 {
                continuation.yield(piece)
            }
            continuation.finish()
        }
        try await sandbox.uploadRows(pieces, to: id, context: context)
    }

    /// Header and rows of a result.
    func results(_ id: String, _ kind: IngestResultKind) async throws -> [[String]] {
        try await rows(of: sandbox.ingestResults(of: id, kind, context: context))
    }

    func rows(of document: BulkDocument, _ dialect: CSVDialect = CSVDialect()) async throws -> [[String]] {
        let bytes = try await bytes(of: document)
        if bytes.isEmpty { return [] }
        var reader = CSVReader(dialect)
        reader.append(bytes)
        reader.finish()
        var row = CSVRow()
        var rows: [[String]] = []
        while try reader.next(into: &row) { rows.append(row.values) }
        return rows
    }

    func bytes(of document: BulkDocument) async throws -> [UInt8] {
        let bytes = Mutex<[UInt8]>([])
        try await document.write { piece in bytes.withLock { $0 += piece.readableBytesView } }
        return bytes.withLock { $0 }
    }

    func error(_ call: () async throws -> Void) async -> OrgError? {
        do {
            try await call()
            return nil
        } catch let error as OrgError {
            return error
        } catch {
            return OrgError(status: 0, errorCode: "TEST", message: "\(error)")
        }
    }

    /// Names of all live accounts.
    func accountNames() async throws -> [String] {
        try await sandbox.snapshot(entity: "Account").compactMap { image in
            if case .string(let name) = image.fields["Name"] ?? .null { name } else { nil }
        }.sorted()
    }
}
