/// One mapping of a schema document while it is read: each key once; `finish` names what was not read.
final class SchemaSection {
    let path: String
    let line: Int
    private let place: SchemaKey.Place
    private let reader: SchemaReader
    private var values: [String: SchemaNode] = [:]
    private var lines: [String: Int] = [:]
    private var names: [String] = []
    private var read: Set<String> = []

    init(node: SchemaNode, path: String, place: SchemaKey.Place, line: Int, reader: SchemaReader) {
        self.path = path
        self.line = line
        self.place = place
        self.reader = reader
        reader.stands(path, at: line)
        switch node.content {
        case .nothing:
            break
        case .keys(let keys):
            for key in keys {
                guard values[key.name] == nil else {
                    reader.note("\(full(key.name)) stands twice", line: key.line)
                    continue
                }
                values[key.name] = key.value
                lines[key.name] = key.line
                names.append(key.name)
                reader.stands(full(key.name), at: key.line)
            }
        case .scalar, .list:
            reader.note("\(path.isEmpty ? "the document" : path) must be keys with values", line: line)
        }
    }

    func has(_ name: String) -> Bool { values[name] != nil }

    /// A mistake of the whole section.
    func note(_ message: String) { reader.note(message, line: line) }

    /// A mistake at a key.
    func note(_ message: String, at name: String) {
        reader.note("\(full(name)) \(message)", line: lines[name] ?? line)
    }

    func node(_ name: String) -> SchemaNode? {
        read.insert(name)
        guard let node = values[name] else { return nil }
        guard node.content != .nothing else {
            note("has no value", at: name)
            return nil
        }
        return node
    }

    /// The members of a mapping of names.
    func keys(_ name: String) -> [SchemaNode.Key] {
        guard let node = node(name) else { return [] }
        guard case .keys(let keys) = node.content else {
            note("must be names with what they are", at: name)
            return []
        }
        return keys
    }

    func text(_ name: String) -> String? {
        guard let node = node(name) else { return nil }
        guard case .scalar(let text) = node.content, !text.isEmpty else {
            note("must be a text", at: name)
            return nil
        }
        return text
    }

    func boolean(_ name: String) -> Bool? {
        guard let node = node(name) else { return nil }
        switch node.content {
        case .scalar("true"): return true
        case .scalar("false"): return false
        default:
            note("must be true or false", at: name)
            return nil
        }
    }

    func whole(_ name: String, _ range: ClosedRange<Int>) -> Int? {
        guard let node = node(name) else { return nil }
        guard case .scalar(let text) = node.content, let number = Int(text) else {
            note("must be a whole number", at: name)
            return nil
        }
        guard range.contains(number) else {
            note("must be \(range.lowerBound) to \(range.upperBound)", at: name)
            return nil
        }
        return number
    }

    func choice(_ name: String, _ words: [String]) -> String? {
        guard let node = node(name) else { return nil }
        guard case .scalar(let word) = node.content, words.contains(word) else {
            note("must be one of \(words.joined(separator: ", "))", at: name)
            return nil
        }
        return word
    }

    /// A name, or a list of names.
    func nameList(_ name: String) -> [String]? {
        guard let node = node(name) else { return nil }
        switch node.content {
        case .scalar(let text) where !text.isEmpty:
            return [text]
        case .list(let items) where !items.isEmpty:
            let texts = items.compactMap { item in if case .scalar(let text) = item.content { text } else { nil } }
            if texts.count == items.count { return texts }
        default:
            break
        }
        note("must be a name or a list of names", at: name)
        return nil
    }

    func list(_ name: String) -> [SchemaNode]? {
        guard let node = node(name) else { return nil }
        switch node.content {
        case .list(let items): return items
        // The Metadata API writes a single element without its list.
        case .keys: return [node]
        default:
            note("must be a list", at: name)
            return nil
        }
    }

    /// Notes keys that nothing has asked for.
    func finish() {
        let known = SchemaKey.names(in: place)
        for name in names where !read.contains(name) && !SchemaKey.ignored.contains(name) {
            if known.contains(name) {
                note("does not belong here", at: name)
            } else {
                reader.note(
                    "unknown key \(full(name)): the keys here are \(known.joined(separator: ", "))",
                    line: lines[name] ?? line)
            }
        }
    }

    private func full(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}
