import Doors
import Foundation
import NIOCore
import NIOPosix

/// The files of bulk jobs in the org's directory: `bulk/<job>/<part>.rows` (what is to be written), `.request` (a Bulk 1.0 batch as
/// it was sent), `.result` (what a query has read) and `.places` (where each thousandth row of it begins).
struct BulkFiles: Sendable {
    enum Kind: String, Sendable {
        case rows, request, result, places
    }

    /// How much is read and sent at once.
    static let pieceBytes = 256 << 10

    let directory: URL
    /// Waits for the disk before something counts.
    let isDurable: Bool

    /// Runs what may block on a thread that may wait.
    static func blocking<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await NIOThreadPool.singleton.runIfActive(body)
    }

    func path(_ kind: Kind, part: Int, of jobID: String) -> String {
        folder(jobID).appendingPathComponent("\(part).\(kind.rawValue)").path
    }

    func open(_ kind: Kind, part: Int, of jobID: String, for purpose: BulkFile.Purpose) throws -> BulkFile {
        if purpose == .writing {
            try FileManager.default.createDirectory(
                at: folder(jobID), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
        return try BulkFile(path: path(kind, part: part, of: jobID), for: purpose)
    }

    /// Writes a whole file, instead of what is there.
    func write(_ bytes: [UInt8], _ kind: Kind, part: Int, of jobID: String) throws {
        let file = try open(kind, part: part, of: jobID, for: .writing)
        try file.truncate(to: 0)
        try file.write(bytes, at: 0)
        if isDurable { try file.synchronize() }
    }

    /// A file that counts for nothing until it is adopted: two uploads at once do not meet.
    func openTemporary(of jobID: String) throws -> (path: String, file: BulkFile) {
        try FileManager.default.createDirectory(
            at: folder(jobID), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let path = folder(jobID).appendingPathComponent(UUID().uuidString + ".new").path
        return (path, try BulkFile(path: path, for: .writing))
    }

    func adopt(temporary: String, as kind: Kind, part: Int, of jobID: String) throws {
        guard rename(temporary, path(kind, part: part, of: jobID)) == 0 else {
            throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: temporary])
        }
    }

    func remove(temporary: String) throws { try FileManager.default.removeItem(atPath: temporary) }

    func remove(_ jobID: String) throws {
        do {
            try FileManager.default.removeItem(at: folder(jobID))
        } catch let error as CocoaError where error.code == .fileNoSuchFile || error.code == .fileReadNoSuchFile {
            // A job that never had data has no folder.
        }
    }

    /// Sends a piece of a file.
    @concurrent static func send(
        _ file: BulkFile, from offset: Int, count: Int, to sink: BulkDocument.Sink
    ) async throws {
        var place = offset
        let end = offset + count
        while place < end {
            let at = place
            let bytes = try await blocking { try file.read(at: at, count: min(pieceBytes, end - at)) }
            if bytes.isEmpty { return }
            place += bytes.count
            try await sink(ByteBuffer(bytes: bytes))
        }
    }

    private func folder(_ jobID: String) -> URL {
        directory.appendingPathComponent("bulk", isDirectory: true).appendingPathComponent(jobID, isDirectory: true)
    }
}
