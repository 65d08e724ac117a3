import Doors
import Foundation

@testable import Sandbox

/// A small schema notation for tests: JSON text whose keys stand one per line.
enum SchemaNodes {
    static func definitions(_ json: String, personAccounts: Bool = false) throws -> SchemaDefinitions {
        try SchemaDefinitions(node(json), personAccounts: personAccounts)
    }

    static func node(_ json: String) throws -> SchemaNode {
        SchemaNode(try value(JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)))
    }

    /// Numbers and flags as texts: the reader takes both.
    private static func value(_ any: Any) throws -> JSONValue {
        switch any {
        case let members as [String: Any]:
            .object(try members.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: try value($0.value)) })
        case let elements as [Any]: .array(try elements.map(value))
        case let text as String: .string(text)
        case let number as NSNumber: .string(number.stringValue)
        default: .null
        }
    }
}
