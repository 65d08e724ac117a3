import ChangeEvents
import Doors
import Foundation
import Store

/// Jobs and parts as named values of the store: written in the transactions that do the work, read whenever somebody asks. There
/// is no second truth in memory.
enum BulkState {
    private static let prefix = "sandbox.bulk."
    private static let jobsKey = prefix + "jobs"

    static func jobIDs(_ reader: any StoreReader) throws -> [String] { try value(jobsKey, reader) ?? [] }

    static func job(_ id: String, _ reader: any StoreReader) throws -> BulkJob? { try value(jobKey(id), reader) }

    static func part(_ index: Int, of jobID: String, _ reader: any StoreReader) throws -> BulkPart? {
        try value(partKey(index, jobID), reader)
    }

    static func parts(of job: BulkJob, _ reader: any StoreReader) throws -> [BulkPart] {
        try (0..<job.partCount).compactMap { try part($0, of: job.info.id, reader) }
    }

    static func outcomes(
        chunk: Int, part: Int, of jobID: String, _ reader: any StoreReader
    ) throws -> [BulkOutcome] {
        guard let bytes = try reader.state(outcomeKey(chunk, part, jobID)) else {
            throw SandboxError(code: .stateDamaged, message: "outcomes of the bulk job \(jobID) are missing")
        }
        return try OutcomeCodec.decode(bytes)
    }

    static func add(_ job: BulkJob, _ writer: any StoreWriter) throws {
        try set(jobsKey, jobIDs(writer) + [job.info.id], writer)
        try put(job, writer)
    }

    static func put(_ job: BulkJob, _ writer: any StoreWriter) throws { try set(jobKey(job.info.id), job, writer) }

    static func put(_ part: BulkPart, _ writer: any StoreWriter) throws {
        try set(partKey(part.index, part.info.jobID), part, writer)
    }

    static func put(
        _ outcomes: [BulkOutcome], chunk: Int, part: Int, of jobID: String, _ writer: any StoreWriter
    ) throws {
        try writer.setState(outcomeKey(chunk, part, jobID), to: OutcomeCodec.encode(outcomes))
    }

    /// Everything that is kept of a job.
    static func remove(_ job: BulkJob, _ writer: any StoreWriter) throws {
        let id = job.info.id
        for part in try parts(of: job, writer) {
            for chunk in 0..<(part.ingest?.chunks ?? 0) {
                try writer.setState(outcomeKey(chunk, part.index, id), to: nil)
            }
            try writer.setState(partKey(part.index, id), to: nil)
        }
        try writer.setState(jobKey(id), to: nil)
        try set(jobsKey, jobIDs(writer).filter { $0 != id }, writer)
    }

    static func usage(_ reader: any StoreReader) throws -> BulkUsage {
        try value(prefix + "usage", reader) ?? BulkUsage()
    }

    static func put(_ usage: BulkUsage, _ writer: any StoreWriter) throws { try set(prefix + "usage", usage, writer) }

    private static func jobKey(_ id: String) -> String { prefix + "job." + id }
    private static func partKey(_ index: Int, _ jobID: String) -> String { prefix + "part.\(jobID).\(index)" }
    private static func outcomeKey(_ chunk: Int, _ part: Int, _ jobID: String) -> String {
        prefix + "outcomes.\(jobID).\(part).\(chunk)"
    }

    private static func value<T: Decodable>(_ key: String, _ reader: any StoreReader) throws -> T? {
        guard let bytes = try reader.state(key) else { return nil }
        do {
            return try JSONDecoder().decode(T.self, from: Data(bytes))
        } catch {
            throw SandboxError(code: .stateDamaged, message: "\(key) cannot be read from the store", cause: error)
        }
    }

    private static func set(_ key: String, _ value: some Encodable, _ writer: any StoreWriter) throws {
        try writer.setState(key, to: [UInt8](JSONEncoder().encode(value)))
    }
}

/// The outcomes of a chunk as bytes: per row a kind, and two texts behind their lengths.
enum OutcomeCodec {
    private static let updated: UInt8 = 0
    private static let created: UInt8 = 1
    private static let failed: UInt8 = 2

    static func encode(_ outcomes: [BulkOutcome]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(outcomes.count * 24)
        for outcome in outcomes {
            switch outcome {
            case .done(let id, let isCreated):
                bytes.append(isCreated ? created : updated)
                append(id, to: &bytes)
            case .failed(let id, let error):
                bytes.append(failed)
                append(id ?? "", to: &bytes)
                append(error.errorCode, to: &bytes)
                append(error.message, to: &bytes)
                append((error.fields ?? []).joined(separator: ","), to: &bytes)
            }
        }
        return bytes
    }

    static func decode(_ bytes: [UInt8]) throws -> [BulkOutcome] {
        var outcomes: [BulkOutcome] = []
        var rest = bytes[...]
        while let kind = rest.popFirst() {
            let id = try text(&rest)
            guard kind == failed else {
                outcomes.append(.done(id: id, isCreated: kind == created))
                continue
            }
            let (code, message, fields) = (try text(&rest), try text(&rest), try text(&rest))
            let error = OrgError(
                status: OrgError.statusBadRequest, errorCode: code, message: message,
                fields: fields.split(separator: ",").map(String.init))
            outcomes.append(.failed(id: id.isEmpty ? nil : id, error))
        }
        return outcomes
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        let count = UInt32(text.utf8.count)
        withUnsafeBytes(of: count.littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: text.utf8)
    }

    private static func text(_ bytes: inout ArraySlice<UInt8>) throws -> String {
        let width = MemoryLayout<UInt32>.size
        guard bytes.count >= width else { throw damaged }
        let count = bytes.prefix(width).reversed().reduce(0) { $0 << 8 | Int($1) }
        bytes.removeFirst(width)
        guard bytes.count >= count else { throw damaged }
        defer { bytes.removeFirst(count) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    private static let damaged = SandboxError(code: .stateDamaged, message: "outcomes of a bulk job cannot be read")
}
