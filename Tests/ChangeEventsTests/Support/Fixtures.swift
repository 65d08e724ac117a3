import ChangeEvents
import Foundation
import NIOCore
import TestSupport
import Testing

/// The captured schemas and events, as the tests of the decoder look at them.
extension Fixtures {
    struct NamedSchema: Sendable, CustomTestStringConvertible {
        var file: String
        var json: String
        var testDescription: String { file }
        var idInName: String { file.split(separator: ".").dropLast().last.map(String.init) ?? "" }
    }

    /// One captured event. `content` is the whole line of the fixtures, for what only some tests look at.
    struct Event: @unchecked Sendable, CustomTestStringConvertible {
        var schemaID: String
        var payload: ByteBuffer
        /// Immutable JSON objects: nothing writes to them.
        var content: [String: Any]
        var testDescription: String { "\(schemaID) \(content["event_id"] as? String ?? "without id")" }
    }

    static func schemas() throws -> [NamedSchema] {
        let schemas = try #require(folder).appendingPathComponent("schemas")
        let files = try FileManager.default.contentsOfDirectory(atPath: schemas.path).filter { $0.hasSuffix(".avsc") }
            .sorted()
        return try files.map { NamedSchema(file: $0, json: try text("schemas/" + $0)) }
    }

    static func schema(_ id: String) throws -> EventSchema? {
        try schemas().first { $0.idInName == id }.map { try EventSchema(json: $0.json) }
    }

    static func events() throws -> [Event] {
        let lines = try text("events/change-events.jsonl").split(separator: "\n")
        return try lines.map { line in
            let content = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            return Event(
                schemaID: try #require(content["schema_id"] as? String),
                payload: try #require(ByteBuffer(hex: content["payload_hex"] as? String ?? "")), content: content)
        }
    }
}

extension ByteBuffer {
    init?(hex: String) {
        let digits = Array(hex.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        self.init(bytes: bytes)
    }

    var hex: String { readableBytesView.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}

extension EventSchema {
    /// The JSON payload as text, and as an object where it parses.
    func json(
        of payload: ByteBuffer, mask: Mask = .all, recordIDs: [String]? = nil
    ) throws -> (text: String, object: [String: Any]) {
        var buffer = ByteBuffer()
        try writeJSON(payload, mask: mask, recordIDs: recordIDs, into: &buffer)
        let text = String(buffer: buffer)
        return (text, try object(ofJSON: text))
    }
}

func object(ofJSON text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
}
