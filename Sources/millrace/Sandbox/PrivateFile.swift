import Foundation
import Sandbox

/// Files that only their owner may read, written whole or not at all (a reader never sees half of one).
enum PrivateFile {
    static func write(_ content: Data, to path: String) throws {
        try WholeFile.write(content, to: path, isPrivate: true)
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
