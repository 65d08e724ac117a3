import Foundation

/// Where an org lives that is to leave nothing behind: a directory in memory where the system has one (`/dev/shm` on Linux),
/// otherwise in the temporary directory; removed at the end.
///
/// A database in memory proper would be another code path than the one that tests are to be written against: same files,
/// same statements, only nothing that outlives the process. What a killed process has left is removed by the next one.
struct MemoryDirectory: Sendable {
    let path: String
    private static let prefix = "millrace-sandbox-"

    init() throws {
        let manager = FileManager.default
        let shared = "/dev/shm"
        let parent = manager.isWritableFile(atPath: shared) ? shared : NSTemporaryDirectory()
        try Self.removeAbandoned(in: parent)
        path =
            URL(fileURLWithPath: parent).appendingPathComponent(
                "\(Self.prefix)\(ProcessInfo.processInfo.processIdentifier)"
            ).path
        if manager.fileExists(atPath: path) { try manager.removeItem(atPath: path) }
        try manager.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    func remove() throws { try FileManager.default.removeItem(atPath: path) }

    /// Those of processes that are no more. Others' directories stay: they cannot be removed by us.
    private static func removeAbandoned(in parent: String) throws {
        let manager = FileManager.default
        for name in try manager.contentsOfDirectory(atPath: parent) where name.hasPrefix(prefix) {
            guard let process = Int32(name.dropFirst(prefix.count)), kill(process, 0) != 0, errno == ESRCH else {
                continue
            }
            let path = URL(fileURLWithPath: parent).appendingPathComponent(name).path
            guard manager.isDeletableFile(atPath: path), manager.isWritableFile(atPath: path) else { continue }
            try manager.removeItem(atPath: path)
        }
    }
}
