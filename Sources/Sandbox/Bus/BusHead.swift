import ChangeEvents
import Store

/// The replay id of the newest event of the org's bus, kept beside the log: it outlives the event when retention drops
/// it, and keepalives name it.
enum BusHead {
    static let stateKey = "sandbox.headReplayID"

    static func read(_ reader: any StoreReader) throws -> ReplayID {
        guard let bytes = try reader.state(stateKey) else {
            throw SandboxError(code: .stateDamaged, message: "the org's newest replay id is missing from the store")
        }
        return ReplayID(bytes: bytes)
    }

    /// Notes the replay id of an event just appended.
    static func write(_ replayID: ReplayID, _ writer: any StoreWriter) throws {
        try writer.setState(stateKey, to: replayID.bytes)
    }

    /// To be called before an event is appended. While the log is empty, keepalives name an id that no event of the log
    /// has; it must stay a place to resume from when events follow.
    static func keepPlace(_ writer: any StoreWriter) throws {
        guard try writer.oldest() == nil else { return }
        try writer.setCursor(topic: Sandbox.allChangesTopic, to: try read(writer))
    }
}
