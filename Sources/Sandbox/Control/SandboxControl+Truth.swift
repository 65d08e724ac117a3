import ChangeEvents
import Crypto
package import Doors
import Store
import Twin
import NIOCore

/// What the org really holds, so that a test can compare a replica with it.
extension SandboxControl {
    /// Every object with its counts and digest, and the log's head, all of one instant.
    ///
    /// The digest is SHA-256 over the live records in the order of their ids, each as the line that `truth(object:)` answers for
    /// it, in UTF-8, with a newline behind it.
    package func truthDocument(fields: String?) async throws -> JSONValue {
        let names = try Self.names(fields)
        if names != nil {
            throw ControlError(field: "fields", reason: "fields is for one object: /sandbox/truth/OBJECT?fields=…")
        }
        return try await reading { [sandbox] reader in
            let head = try reader.head()
            let replayID = try BusHead.read(reader)
            var documents: [JSONValue] = []
            for object in try sandbox.catalogue(in: reader).objects {
                let lines = TruthLines(object: object, fields: nil)
                documents.append(try Self.summary(object, lines, reader))
            }
            return Self.object([
                "objects": .array(documents),
                "log": Self.object([
                    "head": Self.number(head.rawValue),
                    "oldest": try reader.oldest().map { Self.number($0.rawValue) } ?? .null,
                    "replay_id": .string(Self.hexadecimal(replayID.bytes)),
                ]),
            ])
        }
    }

    /// One object: counts, digest and a page of its live records in the order of their ids. `fields`: only these, so that the
    /// digest is that of a replica which holds no others; `after`: the id that ended the page before.
    package func truthDocument(
        object name: String, fields: String?, after: String?, limit: String?
    ) async throws -> JSONValue {
        guard let object = sandbox.catalogue.object(name) else {
            throw ControlError(status: 404, field: "object", reason: "The org has no object \(name.prefix(80)).")
        }
        let limit = try Self.integer("limit", limit, in: 0...Self.recordsPerPageMax, default: 200)
        let afterID = try after.map { text throws(ControlError) in
            guard let id = RecordID(text) else {
                throw ControlError(field: "after", reason: "\(text.prefix(40)) is no record id.")
            }
            return id
        }
        let lines = TruthLines(object: object, fields: try Self.fields(fields, of: object))
        return try await reading { reader in
            var page: [JSONValue] = []
            var last = afterID
            var isComplete = limit == 0
            while page.count < limit, !isComplete {
                let found = try reader.records(entity: object.name, after: last, limit: Self.batchSize)
                isComplete = found.count < Self.batchSize
                for record in found where page.count < limit {
                    last = record.image.id
                    if !record.isDeleted { page.append(lines.document(record.image)) }
                }
                if page.count == limit { isComplete = false }
            }
            guard case .object(var members) = try Self.summary(object, lines, reader) else { return .null }
            members.append(.init(name: "records", value: .array(page)))
            let next = isComplete || limit == 0 ? nil : last?.string
            members.append(.init(name: "next", value: next.map(JSONValue.string) ?? .null))
            return .object(members)
        }
    }

    private static let batchSize = 500
    private static let recordsPerPageMax = 2_000

    private static func names(_ fields: String?) throws(ControlError) -> [String]? {
        guard let fields else { return nil }
        return fields.split(separator: ",").map { $0.trimmingPrefix(" ").description }
    }

    private static func fields(
        _ text: String?, of object: ObjectDefinition
    ) throws(ControlError) -> [FieldDefinition]? {
        guard let names = try names(text) else { return nil }
        return try names.map { name throws(ControlError) in
            guard let field = object.field(name) else {
                throw ControlError(field: "fields", reason: "\(object.name) has no field \(name.prefix(80)).")
            }
            guard !field.isDerived, !field.kind.isCompound else {
                throw ControlError(field: "fields", reason: "\(field.name) is made of other fields: name those.")
            }
            return field
        }
    }

    private static func summary(
        _ object: ObjectDefinition, _ lines: TruthLines, _ reader: any StoreReader
    ) throws -> JSONValue {
        var (live, deleted) = (0, 0)
        var hash = SHA256()
        var last: RecordID?
        while true {
            let page = try reader.records(entity: object.name, after: last, limit: batchSize)
            for record in page {
                if record.isDeleted {
                    deleted += 1
                } else {
                    live += 1
                    hash.update(data: lines.line(record.image).readableBytesView)
                }
            }
            guard let final = page.last, page.count == batchSize else { break }
            last = final.image.id
        }
        return self.object([
            "object": .string(object.name), "count": number(live), "deleted": number(deleted),
            "digest": .string(hexadecimal(Array(hash.finalize()))),
        ])
    }

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    func reading<T: Sendable>(_ body: @escaping @Sendable (any StoreReader) throws -> T) async throws -> T {
        try await sandbox.twin.store.read(body)
    }
}

/// Records as the truth tells them: stored fields, sorted by name, as REST writes their values, in one line without spaces.
private struct TruthLines: Sendable {
    private let fields: [FieldDefinition]

    init(object: ObjectDefinition, fields: [FieldDefinition]?) {
        let chosen = fields ?? object.fields.filter { !$0.isDerived && !$0.kind.isCompound }
        self.fields = chosen.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    func document(_ image: RecordImage) -> JSONValue {
        .object(
            fields.map { field in
                let value: JSONValue =
                    field.kind == .id ? .string(image.id.string) : RecordAnswer.json(image.fields[field.name] ?? .null)
                return .init(name: field.name, value: value)
            })
    }

    func line(_ image: RecordImage) -> ByteBuffer {
        var buffer = ByteBuffer()
        JSONWriter.write(document(image), into: &buffer)
        buffer.writeInteger(UInt8(ascii: "\n"))
        return buffer
    }
}
