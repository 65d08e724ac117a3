import Foundation

/// Files that are written whole or not at all: beside their place, and renamed into it.
package enum WholeFile {
    /// Why a file could not be written; `path` is the one that could not.
    package struct Failure: Error, CustomStringConvertible {
        package var message: String
        package var path: String

        package var description: String { "\(message): \(path)" }
    }

    /// Replaces the file at `path` and returns when the new one is on the disk. Blocks.
    ///
    /// - Parameter isPrivate: the file is its owner's alone. It has its mode before it has its content: a key or a password must
    ///   not be readable by others even for an instant, as it is where a file gets its mode after it was made.
    package static func write(_ content: some Sequence<UInt8>, to path: String, isPrivate: Bool) throws(Failure) {
        let new = path + ".new"
        if unlink(new) != 0, errno != ENOENT { throw failure("The file cannot be replaced", new) }
        let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, isPrivate ? 0o600 : 0o644)
        guard descriptor >= 0 else { throw failure("The file cannot be made", new) }
        defer { close(descriptor) }
        var bytes = Array(content)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { throw failure("The file cannot be written", new) }
            bytes = bytes.dropFirst(max(0, count))
        }
        guard fsync(descriptor) == 0 else { throw failure("The file cannot be written", new) }
        guard rename(new, path) == 0 else { throw failure("The file cannot be renamed into its place", path) }
    }

    private static func failure(_ message: String, _ path: String) -> Failure {
        Failure(message: "\(message): \(String(cString: strerror(errno)))", path: path)
    }
}
