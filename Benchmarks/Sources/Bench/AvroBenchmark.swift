import CAllocationCount
import ChangeEvents
import Foundation
import NIOCore

/// Decodes captured change events to CometD's JSON on one core and prints the rate.
///
/// Reads JSON lines from the file that the first argument names, each with `schema` (the JSON text) and `payload_hex`;
/// the second argument is the number of seconds of processor time to run (default 3). Prints one JSON object: `events_per_second`,
/// `nanoseconds_per_event`, `json_bytes` (mean), `allocations_per_event` (calls of the allocator). `scripts/bench-avro` makes the file and runs other implementations beside
/// it.
func runAvroBenchmark(arguments: [String]) throws {
    guard let path = arguments.first else { throw UsageError() }
    let seconds = arguments.dropFirst().first.flatMap(Double.init) ?? 3
    var schemas: [String: EventSchema] = [:]
    var events: [(schema: EventSchema, payload: ByteBuffer)] = []
    for line in String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self).split(separator: "\n")
    {
        guard let content = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String],
            let text = content["schema"], let payload = content["payload_hex"].flatMap(ByteBuffer.init(hexadecimal:))
        else { throw AvroBenchmarkError.unreadable(String(line.prefix(80))) }
        let schema = try schemas[text] ?? EventSchema(json: text)
        schemas[text] = schema
        events.append((schema, payload))
    }
    guard !events.isEmpty else { throw AvroBenchmarkError.unreadable(path) }

    var buffer = ByteBuffer()
    buffer.reserveCapacity(1 << 16)
    var bytes = 0
    func pass() throws {
        for event in events {
            buffer.clear()
            try event.schema.writeJSON(event.payload, mask: .all, into: &buffer)
            bytes += buffer.readableBytes
        }
    }
    for _ in 0..<1000 { try pass() }
    bytes = 0
    var passes = 0
    // Processor time, as the Python contenders are measured too: what else runs on the machine then matters less.
    let start = processorSeconds()
    let allocations = allocation_count()
    var elapsed = 0.0
    while elapsed < seconds {
        for _ in 0..<100 { try pass() }
        passes += 100
        elapsed = processorSeconds() - start
    }
    let count = Double(passes * events.count)
    // Compiling the schemas has allocated: a count of none is no count.
    let allocationsPerEvent = allocations > 0 ? String(Double(allocation_count() - allocations) / count) : "null"
    print(
        """
        {"events_per_second": \(Int(count / elapsed)), "nanoseconds_per_event": \(Int(elapsed / count * 1e9)), \
        "json_bytes": \(Int(Double(bytes) / count)), "allocations_per_event": \(allocationsPerEvent)}
        """)
}

enum AvroBenchmarkError: Error, CustomStringConvertible {
    case unreadable(String)

    var description: String {
        switch self {
        case .unreadable(let what): "cannot read \(what)"
        }
    }
}

extension ByteBuffer {
    fileprivate init?(hexadecimal text: String) {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        self.init()
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) else {
                return nil
            }
            writeInteger(byte)
        }
    }
}
