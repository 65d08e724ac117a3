import Foundation

/// Files that only their owner may read, written whole or not at all (a reader never sees half of one).
enum PrivateFile {
    static func write(_ content: Data, to path: String) throws {
        let temporary = path + ".new"
        let manager = FileManager.default
        if manager.fileExists(atPath: temporary) { try manager.removeItem(atPath: temporary) }
        guard manager.createFile(atPath: temporary, contents: content, attributes: [.posixPermissions: 0o600]) else {
            throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: path])
        }
        guard rename(temporary, path) == 0 else {
            throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: path])
        }
    }
}

/// JSON for files and lines that people read as well.
enum JSONText {
    static func pretty(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value) + Data("\n".utf8)
    }
}
