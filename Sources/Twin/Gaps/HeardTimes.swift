import Foundation
import Store
import Synchronization

/// Up to when everything of a topic has been heard: were its place in the event bus lost now, what was committed since then may
/// be missed. Any thread.
///
/// It is the newest commit among the events that have come, so the org's clock, and never later than ours said when it came. It
/// is kept in the store, but for the last minute of it: earlier is right as well.
final class HeardTimes: Sendable {
    /// Between two times that are kept.
    private static let step: Int64 = 60_000

    private let kept = Mutex<[String: Int64]>([:])

    private static func key(_ topic: String) -> String { "twin.heard.\(topic)" }

    /// Nil: not known.
    static func time(_ topic: String, _ reader: any StoreReader) throws(StoreError) -> Int64? {
        guard let bytes = try reader.state(key(topic)) else { return nil }
        guard let time = Int64(String(decoding: bytes, as: UTF8.self)) else {
            throw StoreError(code: .corrupt, message: "the time up to which \(topic) was heard cannot be read")
        }
        return time
    }

    /// Inside the transaction that logs the events.
    /// - Returns: what is kept when it is committed; nil: nothing new.
    func keep(_ time: Int64?, of topic: String, _ writer: any StoreWriter) throws(StoreError) -> Int64? {
        guard let time else { return nil }
        var last = kept.withLock { $0[topic] }
        if last == nil { last = try Self.time(topic, writer) }
        if let last, time < last + Self.step { return last }
        try writer.setState(Self.key(topic), to: Array("\(time)".utf8))
        return time
    }

    /// That transaction is committed.
    func committed(_ time: Int64?, of topic: String) {
        guard let time else { return }
        kept.withLock { $0[topic] = max(time, $0[topic] ?? time) }
    }
}
