import Doors
import Foundation
import Store

/// The calls that the org has answered, as lines of CSV by the hour in which they came: what `EventLogFile` shows.
///
/// Lines gather in memory and are written from time to time, many in one transaction: a call costs no transaction of its
/// own, and a `kill -9` loses at most the lines that were not written yet (a second's). Kept are the last two days, and never
/// more than `bytesMax`: then the oldest hours go, and of an hour that is as much by itself the rest is not kept.
///
/// Pure but for `flush` and `lines`, which work inside a transaction of the store.
struct CallLog: Sendable {
    static let indexKey = "sandbox.calls"
    /// A chunk is rewritten until it has grown to this, so that writing few lines stays cheap.
    static let chunkBytes = 64 << 10
    static let bytesMax = 64 << 20
    /// Lines in memory, past which the next caller writes them down himself.
    static let pendingLinesMax = 512
    /// A daily file is there for a day after its day.
    static let hoursKept: Int64 = 48

    /// An hour that has lines.
    struct Hour: Codable, Sendable, Hashable {
        /// Since 1970.
        var number: Int64
        var chunks: Int
        var bytes: Int
    }

    /// Oldest first. What is in the store.
    private(set) var hours: [Hour] = []
    private(set) var pending: [Int64: [UInt8]] = [:]
    private(set) var pendingLines = 0

    static func read(_ reader: any StoreReader) throws -> CallLog {
        var log = CallLog()
        guard let bytes = try reader.state(indexKey) else { return log }
        do {
            log.hours = try JSONDecoder().decode([Hour].self, from: Data(bytes))
        } catch {
            throw SandboxError(code: .stateDamaged, message: "\(indexKey) cannot be read from the store", cause: error)
        }
        return log
    }

    mutating func add(_ call: APICall, at time: Int64, organizationID: Substring, app: ConnectedAppName?) {
        CallLine.write(
            call, at: time, organizationID: organizationID, app: app,
            into: &pending[time / APIUsage.hour, default: []])
        pendingLines += 1
    }

    /// Whether lines of an hour that is over wait to be written: its file would not be whole.
    func isBehind(now: Int64) -> Bool { pending.keys.contains { $0 < now / APIUsage.hour } }

    /// What is to be written, taken out; `restore` puts it back where that failed.
    mutating func takePending() -> [Int64: [UInt8]] {
        defer {
            pending = [:]
            pendingLines = 0
        }
        return pending
    }

    mutating func restore(_ taken: [Int64: [UInt8]]) {
        for (hour, lines) in taken {
            pending[hour] = lines + (pending[hour] ?? [])
            pendingLines += lines.count { $0 == UInt8(ascii: "\n") }
        }
    }

    /// The index after a flush.
    mutating func written(_ hours: [Hour]) { self.hours = hours }

    /// Writes lines and drops what is too old or too much; answers the index as it is then.
    static func flush(
        _ lines: [Int64: [UInt8]], now: Int64, bytesMax: Int = CallLog.bytesMax, into writer: any StoreWriter
    ) throws -> [Hour] {
        var hours = try read(writer).hours
        for (number, bytes) in lines.sorted(by: { $0.key < $1.key }) {
            let index = hours.firstIndex { $0.number >= number } ?? hours.endIndex
            let isKnown = index < hours.endIndex && hours[index].number == number
            guard (isKnown ? hours[index].bytes : 0) + bytes.count <= bytesMax else { continue }
            if !isKnown {
                hours.insert(Hour(number: number, chunks: 0, bytes: 0), at: index)
            }
            var chunk = hours[index].chunks - 1
            var content: [UInt8] = []
            if chunk >= 0 { content = try writer.state(key(number, chunk)) ?? [] }
            if chunk < 0 || content.count >= chunkBytes {
                chunk += 1
                content = []
                hours[index].chunks += 1
            }
            try writer.setState(key(number, chunk), to: content + bytes)
            hours[index].bytes += bytes.count
        }
        var total = hours.reduce(0) { $0 + $1.bytes }
        let oldest = now / APIUsage.hour - hoursKept
        while let first = hours.first, first.number < oldest || (total > bytesMax && hours.count > 1) {
            for chunk in 0..<first.chunks { try writer.setState(key(first.number, chunk), to: nil) }
            total -= first.bytes
            hours.removeFirst()
        }
        try writer.setState(indexKey, to: [UInt8](JSONEncoder().encode(hours)))
        return hours
    }

    /// The lines of an hour.
    static func lines(of hour: Hour, _ reader: any StoreReader) throws -> [UInt8] {
        var lines: [UInt8] = []
        for chunk in 0..<hour.chunks { lines += try reader.state(key(hour.number, chunk)) ?? [] }
        return lines
    }

    private static func key(_ hour: Int64, _ chunk: Int) -> String { "\(indexKey).\(hour).\(chunk)" }
}
