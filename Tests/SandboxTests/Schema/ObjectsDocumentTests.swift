import Foundation
import Testing

@testable import Sandbox

/// `docs/sandbox/objects.md` has the keys that the reader knows, and no others.
struct ObjectsDocumentTests {
    private func document() throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent("docs/sandbox/objects.md"), encoding: .utf8)
    }

    @Test func theTableOfKeysIsTheReadersOwn() throws {
        let places: [SchemaKey.Place: String] = [.root: "file", .filter: "summaryFilterItems"]
        let expected = SchemaKey.all.map { key in
            "| \(places[key.place] ?? key.place.rawValue) | `\(key.name)` | \(key.effect) |"
        }
        let lines = try document().split(separator: "\n").map(String.init)
        let start = try #require(lines.firstIndex(of: "| where | key | effect |"))
        let table = lines[(start + 2)...].prefix { $0.hasPrefix("|") }
        #expect(Array(table) == expected)
    }

    @Test func theTypesAreNamed() throws {
        let types = FieldMetadata.FieldType.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
        #expect(try document().contains("Field types: \(types)."))
    }

    @Test func theStandardObjectsAreNamed() throws {
        let text = try document()
        for object in Catalogue.standard.objects {
            #expect(text.contains(object.name) && text.contains("`\(object.keyPrefix)`"), "\(object.name)")
        }
    }
}
