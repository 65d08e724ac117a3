import ArgumentParser
import ChangeEvents
import Doors
import Foundation
import NIOHTTP1

/// `millrace sync history`: what a record was.
struct SyncHistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "What a record was, and who has changed it, of objects with a history.")

    @Argument(help: "The object's API name: one with history among the configuration's objects.")
    var object: String
    @Argument(help: "The record's id.")
    var id: String
    @OptionGroup var gateway: GatewayOptions
    @Option(help: "So many changes, the newest.")
    var limit = HistoryDoor.limit
    @Flag(help: "The whole versions as JSON.")
    var json = false

    func validate() throws {
        guard RecordID(id) != nil else { throw ValidationError("\(id) is no record id: 15 or 18 letters and digits.") }
    }

    func run() async throws {
        let name = object.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? object
        let body = try await gateway.call(.GET, "/admin/sync/history/\(name)/\(id)?limit=\(limit)")
        Console.print(json ? String(decoding: body, as: UTF8.self) : try HistoryText.text(JSONParser.parse(body)))
    }
}

/// The answer of `GET /admin/sync/history`, for people.
enum HistoryText {
    static func text(_ report: JSONValue) -> String {
        guard case .array(let versions)? = report["versions"], !versions.isEmpty else {
            return "nothing is known of what the record was before"
        }
        return versions.map(line).joined(separator: "\n")
    }

    /// `2026-11-22T03:01:12.000Z UPDATE by 005…: Priority "Low" → "High", Status "New" → "Closed"`
    private static func line(_ version: JSONValue) -> String {
        var text = "\(word(version["validTo"])) \(word(version["change"]))"
        if case .string(let user)? = version["commitUser"] { text += " by \(user)" }
        guard case .object(let changes)? = version["changes"], !changes.isEmpty else { return text }
        let parts = changes.map { "\($0.name) \(value($0.value["old"])) → \(value($0.value["new"]))" }
        return text + ": " + parts.joined(separator: ", ")
    }

    private static func word(_ value: JSONValue?) -> String {
        if case .string(let text)? = value { text } else { "?" }
    }

    /// A long text is cut.
    private static func value(_ value: JSONValue?) -> String {
        switch value {
        case nil: "?"
        case .string(let text) where text.count > charactersMax: "\"\(text.prefix(charactersMax))…\""
        case .string(let text): "\"\(text)\""
        case .number(let text): text
        case .boolean(let flag): "\(flag)"
        case .null: "null"
        case .array(let items): "[" + items.map { self.value($0) }.joined(separator: ", ") + "]"
        case .object: "{…}"
        }
    }

    private static let charactersMax = 60
}

extension JSONValue {
    fileprivate subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }
}
