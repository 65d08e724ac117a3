/// One key of the configuration file: what the reader enforces, and a row of the table in `docs/configuration.md` (a
/// test compares them).
struct ConfigurationKey: Sendable {
    enum Kind: Sendable {
        case text
        /// `https://…`; `http://` only to this machine.
        case url
        /// `host:port`.
        case address
        case path
        /// A file that must be readable at start.
        case file
        /// The name of an environment variable that must be set.
        case environmentVariable
        case boolean
        case integer(ClosedRange<Int>)
        case duration(ClosedRange<Duration>)
        case size(ClosedRange<Int>)
        case choice([String])
        /// A list of what the word says.
        case list(of: String)
        /// `all` or a list of object names.
        case objects
        /// Channels by name, each a list of members.
        case channels
        /// Replicated objects by name, each with its fields.
        case replicas
    }

    enum Presence: Sendable, Equatable {
        case required
        case optional
        /// The text that stands in the file where the key is left out.
        case defaults(to: String)
        /// The value of the key named.
        case follows(String)
        /// One of a group, of which exactly one must be there; in the words of the table.
        case oneOf(String)
    }

    var path: String
    var kind: Kind
    var presence: Presence
    var isSecret = false
    var effect: String

    var section: Substring {
        path.lastIndex(of: ".").map { path[..<$0] } ?? ""
    }
    var name: Substring {
        path.lastIndex(of: ".").map { path[path.index(after: $0)...] } ?? path[...]
    }

    static func named(_ path: String) -> ConfigurationKey {
        guard let key = byPath[path] else { preconditionFailure("\(path) is not in the list of keys") }
        return key
    }

    private static let byPath = Dictionary(uniqueKeysWithValues: all.map { ($0.path, $0) })
}

extension ConfigurationKey {
    /// The row of the documentation's table.
    var tableRow: String {
        let standard =
            switch presence {
            case .required: "required"
            case .optional: "none"
            case .defaults(let text): "`\(text)`"
            case .follows(let key): "`\(key)`"
            case .oneOf(let group): group
            }
        return "| `\(path)` | \(typeText) | \(standard) | \(rangeText) | \(isSecret ? "yes" : "no") | \(effect) |"
    }

    private var typeText: String {
        switch kind {
        case .text: "text"
        case .url: "URL"
        case .address: "host:port"
        case .path: "path"
        case .file: "readable file"
        case .environmentVariable: "environment variable"
        case .boolean: "true or false"
        case .integer: "whole number"
        case .duration: "duration"
        case .size: "size"
        case .choice(let words): words.map { "`\($0)`" }.joined(separator: ", ")
        case .list(let of): "list of \(of)"
        case .objects: "`all` or list of objects"
        case .channels: "channels with their members"
        case .replicas: "objects with their fields"
        }
    }

    private var rangeText: String {
        switch kind {
        case .integer(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .duration(let range): "\(DurationText.text(range.lowerBound)) to \(DurationText.text(range.upperBound))"
        case .size(let range): "\(SizeText.text(range.lowerBound)) to \(SizeText.text(range.upperBound))"
        case .text, .url, .address, .path, .file, .environmentVariable, .boolean, .choice, .list, .objects, .channels,
            .replicas:
            ""
        }
    }
}
