import ChangeEvents
import Doors
import Store

/// What an org demands of a PushTopic or a StreamingChannel when it is saved.
enum StreamingRules {
    static let channelPrefix = "/u/"

    static func check(
        _ object: ObjectDefinition, _ fields: RecordFields, id: RecordID?, catalogue: Catalogue,
        reader: any StoreReader
    ) throws {
        guard object.name == ObjectDefinition.pushTopic.name || object.name == ObjectDefinition.streamingChannel.name
        else { return }
        guard case .string(let name) = fields["Name"] ?? .null else { return }
        if object.name == ObjectDefinition.streamingChannel.name {
            let rest = name.dropFirst(channelPrefix.count)
            guard name.hasPrefix(channelPrefix), !rest.isEmpty, !rest.hasPrefix("/"), !rest.hasSuffix("/"),
                rest.utf8.allSatisfy(isNameByte)
            else {
                throw invalid(
                    "Streaming Channel Name: the name must begin with \(channelPrefix) and hold letters, digits, "
                        + "hyphens, underscores and slashes only")
            }
        } else {
            guard name.utf8.allSatisfy({ $0 != UInt8(ascii: "/") && isNameByte($0) }) else {
                throw invalid("Topic Name: only letters, digits, hyphens and underscores are allowed")
            }
            if case .string(let text) = fields["Query"] ?? .null {
                _ = try PushTopicQuery(text, catalogue: catalogue)
            }
        }
        if try other(named: name, object, than: id, reader) {
            throw OrgError(
                status: OrgError.statusBadRequest, errorCode: "DUPLICATE_VALUE",
                message: "duplicate value found: Name duplicates value on record with the same name", fields: ["Name"])
        }
    }

    /// The records of such an object are few.
    static func all(_ object: ObjectDefinition, _ reader: any StoreReader) throws -> [StoredRecord] {
        var found: [StoredRecord] = []
        var last: RecordID?
        while true {
            let page = try reader.records(entity: object.name, after: last, limit: pageSize)
            found += page.filter { !$0.isDeleted }
            guard let final = page.last, page.count == pageSize else { return found }
            last = final.image.id
        }
    }

    private static let pageSize = 500

    private static func other(
        named name: String, _ object: ObjectDefinition, than id: RecordID?, _ reader: any StoreReader
    ) throws -> Bool {
        try all(object, reader).contains { record in
            guard record.image.id != id, case .string(let text) = record.image.fields["Name"] ?? .null else {
                return false
            }
            return text.lowercased() == name.lowercased()
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "/"):
            true
        default: false
        }
    }

    private static func invalid(_ message: String) -> OrgError {
        OrgError(
            status: OrgError.statusBadRequest, errorCode: "INVALID_FIELD", message: message, fields: ["Name"])
    }
}
