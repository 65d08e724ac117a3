import Yams

/// Reads one mapping of the file: each key once, by its entry in the list of keys; `finish` then names what was not
/// read.
///
/// A reader answers nil where a value is missing or wrong, after noting the mistake, and reading goes on: so one pass
/// finds all. Lives for the time of one load, on one thread.
final class Section {
    /// `push.tokens`; empty for the whole file.
    let path: String
    let line: Int
    let mistakes: Mistakes
    private var values: [String: Node] = [:]
    private var lines: [String: Int] = [:]
    private var read: Set<String> = []

    /// - Parameter node: nil where the section is not in the file; its keys then have their defaults or are missing.
    init(path: String, node: Node?, line: Int, mistakes: Mistakes) {
        self.path = path
        self.mistakes = mistakes
        self.line = line
        guard let node, !node.isNothing else { return }
        guard case .mapping(let mapping) = node else {
            mistakes.add(
                path.isEmpty ? "the file must be keys with values" : "\(path) must be keys with values", line: self.line
            )
            return
        }
        for (keyNode, value) in mapping {
            let keyLine = keyNode.mark?.line ?? self.line
            guard case .scalar(let scalar) = keyNode else {
                mistakes.add("a key must be a word", line: keyLine)
                continue
            }
            values[scalar.string] = value
            lines[scalar.string] = keyLine
        }
        reportRepeated()
    }

    func section(_ name: String) -> Section {
        read.insert(name)
        return Section(path: fullPath(name), node: values[name], line: lines[name] ?? line, mistakes: mistakes)
    }

    /// True where the key is in the file, be its value right or wrong.
    func has(_ name: String) -> Bool { values[name] != nil }

    /// The line of a key, or the section's where it is not there.
    func line(of name: String) -> Int { lines[name] ?? line }

    /// Notes a mistake at a key.
    func mistake(_ name: String, _ message: String) {
        mistakes.add("\(fullPath(name)) \(message)", line: line(of: name))
    }

    /// The value's node, or nil where it is left out or left empty; notes a missing required key.
    func node(_ name: String) -> Node? {
        let key = ConfigurationKey.named(fullPath(name))
        read.insert(name)
        guard let node = values[name] else {
            if key.presence == .required { mistakes.add("\(key.path) is missing", line: line) }
            return nil
        }
        if node.isNothing {
            mistake(name, "has no value")
            return nil
        }
        return node
    }

    /// Notes keys that nothing has asked for.
    func finish() {
        for name in values.keys.sorted() where !read.contains(name) && YAMLDocument.nameOfRepeated(name) == nil {
            mistakes.add(complaint(about: name), line: line(of: name))
        }
    }

    func fullPath(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    private func complaint(about name: String) -> String {
        let fullPath = fullPath(name)
        if Self.secretNames.contains(name.lowercased()) {
            let keys = ConfigurationKey.all.filter { $0.isSecret && $0.section == path }.map { "\($0.path)" }
            let hint = keys.isEmpty ? "" : ": use \(keys.joined(separator: " or "))"
            return "\(fullPath): secrets do not stand in this file\(hint)"
        }
        let neighbours = ConfigurationKey.namesInSection(path)
        if let near = Spelling.nearest(to: name, among: neighbours) {
            return "unknown key \(fullPath): did you mean \(self.fullPath(near))?"
        }
        if let elsewhere = ConfigurationKey.all.first(where: { $0.name == name }) {
            return "unknown key \(fullPath): did you mean \(elsewhere.path)?"
        }
        return "unknown key \(fullPath): the keys here are \(neighbours.joined(separator: ", "))"
    }

    private func reportRepeated() {
        for (key, firstLine) in lines.sorted(by: { $0.value < $1.value }) {
            guard let name = YAMLDocument.nameOfRepeated(key) else { continue }
            let others = lines.filter { YAMLDocument.nameOfRepeated($0.key) == name || $0.key == name }.values
            let next = others.filter { $0 > firstLine }.min() ?? firstLine
            mistakes.add("\(fullPath(name)) stands twice (first on line \(firstLine))", line: next)
        }
    }

    /// What people call a secret that they write into the file.
    private static let secretNames: Set<String> = [
        "secret", "private_key", "key", "password", "client_secret", "token", "access_token", "passphrase",
    ]
}

extension ConfigurationKey {
    /// Names of keys and sections directly under a section.
    static func namesInSection(_ section: String) -> [String] {
        let prefix = section.isEmpty ? "" : section + "."
        var names: [String] = []
        for key in all where key.path.hasPrefix(prefix) {
            let name = String(key.path.dropFirst(prefix.count).prefix { $0 != "." })
            if names.last != name, !names.contains(name) { names.append(name) }
        }
        return names
    }
}

extension Node {
    /// `key:` with nothing behind it, `~` or `null`.
    var isNothing: Bool {
        guard case .scalar(let scalar) = self, scalar.style == .plain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    /// The text of a scalar; nil for lists and mappings.
    var scalarText: String? {
        if case .scalar(let scalar) = self { scalar.string } else { nil }
    }
}
