#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// One writer per database file, between processes and inside one: an advisory lock on `<database>.lock`.
///
/// SQLite alone would let two processes take turns, and both would hand out positions and notify their own observers only.
/// `flock` belongs to the open file, so two stores of one process exclude each other as well, and the kernel drops it when the
/// process dies in any way. The file stays behind (removing it would race with the next owner) and names the owner's
/// process, for the message of whoever comes second.
final class StoreLock: Sendable {
    private let descriptor: Int32

    init(database path: String) throws(StoreError) {
        let lockPath = path + ".lock"
        let descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw StoreError(code: .database, message: "cannot open \(lockPath): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            let owner = Self.owner(in: descriptor)
            close(descriptor)
            if reason == EWOULDBLOCK {
                throw StoreError(
                    code: .busy,
                    message:
                        "\(path) is in use by \(owner): a database has one Millrace at a time. Stop it, or choose another file"
                )
            }
            throw StoreError(code: .database, message: "cannot lock \(lockPath): \(String(cString: strerror(reason)))")
        }
        self.descriptor = descriptor
        // Only a hint for the other's message: the lock holds without it.
        let text = Array("\(getpid())\n".utf8)
        if ftruncate(descriptor, 0) == 0 {
            _ = text.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        }
    }

    deinit { close(descriptor) }

    private static func owner(in descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        let digits = buffer.prefix(max(0, count)).prefix { (0x30...0x39).contains($0) }
        return digits.isEmpty ? "another process" : "process \(String(decoding: digits, as: UTF8.self))"
    }
}
