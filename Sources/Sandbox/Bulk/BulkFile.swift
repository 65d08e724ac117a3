import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file that is read and written by place. Closed when the last owner lets go of it.
///
/// Its calls block: they are made on threads that may wait (`BulkFiles.blocking`), from any of them.
final class BulkFile: Sendable {
    enum Purpose { case reading, writing }

    private let descriptor: Int32

    /// Throws `CocoaError` with the path. A file opened for writing is made where there is none.
    init(path: String, for purpose: Purpose) throws {
        descriptor =
            switch purpose {
            case .reading: open(path, O_RDONLY | O_CLOEXEC)
            case .writing: open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            }
        guard descriptor >= 0 else {
            throw CocoaError(
                purpose == .reading ? .fileReadUnknown : .fileWriteUnknown, userInfo: [NSFilePathErrorKey: path])
        }
    }

    deinit { close(descriptor) }

    /// Fewer bytes only at the end of the file.
    func read(at offset: Int, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count {
                let got = pread(
                    descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
                if got < 0, errno == EINTR { continue }
                guard got >= 0 else { throw CocoaError(.fileReadUnknown) }
                if got == 0 { return }
                filled += got
            }
        }
    }

    func write(_ bytes: [UInt8], at offset: Int) throws {
        try bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let got = pwrite(
                    descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written, off_t(offset + written)
                )
                if got < 0, errno == EINTR { continue }
                guard got >= 0 else { throw CocoaError(errno == ENOSPC ? .fileWriteOutOfSpace : .fileWriteUnknown) }
                written += got
            }
        }
    }

    func size() throws -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw CocoaError(.fileReadUnknown) }
        return Int(status.st_size)
    }

    func truncate(to size: Int) throws {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    /// Waits until the disk has it.
    func synchronize() throws {
        guard fsync(descriptor) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }
}
