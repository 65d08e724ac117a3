import ChangeEvents
import Foundation
import Store

/// What went with a deleted record and comes back with it. Kept in the store beside the tombstone, only where there is
/// something.
struct RecycleBinEntry: Codable, Sendable {
    struct Reference: Codable, Sendable {
        var id: String
        var field: String
    }

    /// Records that fell with it, in the order of falling.
    var fallen: [String] = []
    /// References that were emptied.
    var cleared: [Reference] = []

    var isEmpty: Bool { fallen.isEmpty && cleared.isEmpty }

    static func key(of id: RecordID) -> String { "sandbox.bin.\(id.string)" }

    static func read(_ id: RecordID, _ reader: any StoreReader) throws -> RecycleBinEntry {
        guard let bytes = try reader.state(key(of: id)) else { return RecycleBinEntry() }
        do {
            return try JSONDecoder().decode(RecycleBinEntry.self, from: Data(bytes))
        } catch {
            throw SandboxError(
                code: .stateDamaged, message: "what went with \(id) cannot be read from the store", cause: error)
        }
    }

    var bytes: [UInt8] { get throws { try [UInt8](JSONEncoder().encode(self)) } }
}
