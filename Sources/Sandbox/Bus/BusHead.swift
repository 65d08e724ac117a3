import ChangeEvents
import Store

/// The replay id of the newest event of the org's bus, kept beside the log: it outlives the event when retention drops it,
/// and keepalives name it.
enum BusHead {
    static let stateKey = "sandbox.headReplayID"

    static func read(_ reader: any StoreReader) throws -> ReplayID {
        guard let bytes = try reader.state(stateKey) else {
            throw SandboxError(code: .stateDamaged, message: "the org's newest replay id is missing from the store")
        }
        return ReplayID(bytes: bytes)
    }

    static func write(_ replayID: ReplayID, _ writer: any StoreWriter) throws {
        try writer.setState(stateKey, to: replayID.bytes)
    }
}
