import Crypto
import Doors
import Foundation
import Store

/// When each object's description changed last, over restarts: what `If-Modified-Since` on descriptions is about.
///
/// A description counts as changed when its text differs from the one that was noted, whatever the reason: a field that was added,
/// a reference of another object to this one, or a newer program that knows more of a standard object.
struct SchemaTimes: Codable, Sendable {
    static let stateKey = "sandbox.schema-times"
    /// The version of the API whose addresses stand in the text: any will do.
    private static let apiVersion = "66.0"

    private struct Entry: Codable, Sendable {
        var digest: String
        /// Milliseconds since 1970.
        var changedAt: Int64
    }

    private var objects: [String: Entry] = [:]
    /// The last change of any of them, also of one that is no more.
    private(set) var changedAt: Int64 = 0
    /// Counts the changes.
    private(set) var version = 0

    static func read(_ reader: any StoreReader) throws -> SchemaTimes {
        guard let bytes = try reader.state(stateKey) else { return SchemaTimes() }
        do {
            return try JSONDecoder().decode(SchemaTimes.self, from: Data(bytes))
        } catch {
            throw SandboxError(
                code: .stateDamaged, message: "when the org's objects changed cannot be read from the store",
                cause: error)
        }
    }

    /// Looks at every object; what is new or different has changed now. Nothing is written where nothing has.
    mutating func note(_ catalogue: Catalogue, now: Int64, _ writer: any StoreWriter) throws {
        let describe = Describe(catalogue: catalogue, apiVersion: Self.apiVersion)
        var noted: [String: Entry] = [:]
        for object in catalogue.objects + catalogue.events {
            let digest = Self.digest(describe.object(object))
            let known = objects[object.name]
            noted[object.name] = known?.digest == digest ? known : Entry(digest: digest, changedAt: now)
        }
        guard noted.mapValues(\.digest) != objects.mapValues(\.digest) else { return }
        objects = noted
        changedAt = now
        version += 1
        try writer.setState(Self.stateKey, to: [UInt8](JSONEncoder().encode(self)))
    }

    /// Of an object, a platform event or the change event of an object; others have been there from the beginning.
    func changedAt(_ name: String) -> Int64 {
        if let entry = objects[name] ?? Self.captured(by: name).flatMap({ objects[$0] }) { return entry.changedAt }
        return objects.values.map(\.changedAt).min() ?? changedAt
    }

    /// `Account` of `AccountChangeEvent`, `X__c` of `X__ChangeEvent`.
    private static func captured(by event: String) -> String? {
        let suffix = "ChangeEvent"
        guard event.hasSuffix(suffix) else { return nil }
        let name = event.dropLast(suffix.count)
        return name.hasSuffix("__") ? name + "c" : String(name)
    }

    private static func digest(_ document: JSONValue) -> String {
        Data(SHA256.hash(data: Data(document.jsonText.utf8))).base64EncodedString()
    }
}
