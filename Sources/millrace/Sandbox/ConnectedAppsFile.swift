import Foundation
import Sandbox
import Yams

/// The file of connected apps (`millrace sandbox --apps FILE`): a list of mappings, read whole, with every mistake and its
/// line.
enum ConnectedAppsFile {
    static func load(_ path: String) throws -> [ConnectedApp] {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent()
        let mistakes = Mistakes()
        let apps = read(text, directory: directory, mistakes: mistakes)
        guard mistakes.sorted.isEmpty else { throw ConfigurationError(file: path, mistakes: mistakes.sorted) }
        return apps
    }

    static func read(_ text: String, directory: URL, mistakes: Mistakes) -> [ConnectedApp] {
        guard let root = YAMLDocument.root(of: text, mistakes: mistakes) else { return [] }
        guard case .sequence(let entries) = root else {
            mistakes.add("the file must be a list of connected apps", line: 1)
            return []
        }
        var apps: [ConnectedApp] = []
        for entry in entries {
            let line = entry.mark?.line ?? 1
            guard let app = AppReader(entry, directory: directory, mistakes: mistakes)?.app else { continue }
            if apps.contains(where: { $0.clientID == app.clientID }) {
                mistakes.add("client_id \(app.clientID) stands twice", line: line)
            }
            apps.append(app)
        }
        return apps
    }
}

/// One entry of the file.
private struct AppReader {
    private static let keys: Set<String> = [
        "name", "client_id", "client_secret", "callback_urls", "run_as", "public_key_file", "scopes", "requires_secret",
        "requires_code_challenge", "rotates_refresh_tokens", "admin_approved_only", "approved_users",
        "api_calls_max",
    ]

    private(set) var app: ConnectedApp
    private let values: [String: Node]
    private let line: Int
    private let mistakes: Mistakes

    init?(_ node: Node, directory: URL, mistakes: Mistakes) {
        line = node.mark?.line ?? 1
        self.mistakes = mistakes
        guard case .mapping(let mapping) = node else {
            mistakes.add("a connected app must be keys with values", line: line)
            return nil
        }
        var values: [String: Node] = [:]
        for (key, value) in mapping {
            let name = key.scalarText ?? ""
            if let repeated = YAMLDocument.nameOfRepeated(name) {
                mistakes.add("\(repeated) stands twice", line: key.mark?.line ?? line)
            } else if !Self.keys.contains(name) {
                let near = Spelling.nearest(to: name, among: Self.keys.sorted())
                mistakes.add(
                    "unknown key \(name)" + (near.map { ": did you mean \($0)?" } ?? ""), line: key.mark?.line ?? line)
            }
            values[name] = value
        }
        self.values = values
        app = ConnectedApp(name: "", clientID: "", clientSecret: "")
        guard let name = text("name"), let clientID = text("client_id"), let secret = text("client_secret") else {
            for name in ["name", "client_id", "client_secret"] where values[name] == nil {
                mistakes.add("\(name) is missing", line: line)
            }
            return nil
        }
        app = ConnectedApp(name: name, clientID: clientID, clientSecret: secret)
        app.callbackURLs = texts("callback_urls") ?? []
        app.runAsUsername = text("run_as")
        app.defaultScopes = texts("scopes") ?? app.defaultScopes
        app.requiresSecret = flag("requires_secret") ?? app.requiresSecret
        app.requiresCodeChallenge = flag("requires_code_challenge") ?? app.requiresCodeChallenge
        app.rotatesRefreshTokens = flag("rotates_refresh_tokens") ?? app.rotatesRefreshTokens
        app.admitsApprovedUsersOnly = flag("admin_approved_only") ?? app.admitsApprovedUsersOnly
        app.approvedUsernames = Set(texts("approved_users") ?? [])
        app.apiCallsMax = count("api_calls_max")
        if let file = text("public_key_file") {
            let url =
                file.hasPrefix("/") ? URL(fileURLWithPath: file) : directory.appendingPathComponent(file)
            do {
                app.publicKeyPEM = try String(contentsOf: url, encoding: .utf8)
            } catch {
                complain("public_key_file", "cannot be read: \(url.path)")
            }
        }
    }

    private func text(_ name: String) -> String? {
        guard let node = values[name] else { return nil }
        guard let text = node.scalarText, !text.isEmpty else {
            complain(name, "must be a text")
            return nil
        }
        return text
    }

    private func texts(_ name: String) -> [String]? {
        guard let node = values[name] else { return nil }
        guard case .sequence(let entries) = node else {
            complain(name, "must be a list of texts")
            return nil
        }
        let texts = entries.compactMap(\.scalarText)
        if texts.count != entries.count { complain(name, "must be a list of texts") }
        return texts
    }

    private func flag(_ name: String) -> Bool? {
        guard let node = values[name] else { return nil }
        switch node.scalarText {
        case "true": return true
        case "false": return false
        default:
            complain(name, "must be true or false")
            return nil
        }
    }

    private func count(_ name: String) -> Int? {
        guard let node = values[name] else { return nil }
        guard let count = node.scalarText.flatMap({ Int($0) }), count > 0 else {
            complain(name, "must be a whole number above 0")
            return nil
        }
        return count
    }

    private func complain(_ name: String, _ message: String) {
        mistakes.add("\(name) \(message)", line: values[name]?.mark?.line ?? line)
    }
}
