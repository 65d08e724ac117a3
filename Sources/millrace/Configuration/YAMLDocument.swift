import Yams

/// A YAML file as a tree with line numbers, keys that stand twice included.
///
/// Yams refuses a mapping with a repeated key as a whole, which would hide every other mistake of the file. So a
/// repeated key is renamed in the text (its line stays) and the text read again; the reader finds the renamed key
/// beside the later one.
enum YAMLDocument {
    /// Begins the name of a renamed key; cannot be part of a key that anyone means.
    private static let renamedPrefix = "\u{1}repeated:"
    /// Passes over the text, each of which renames one key.
    private static let passesMax = 100

    /// The root, or nil for an empty document and for one that is not YAML (a mistake then).
    static func root(of text: String, mistakes: Mistakes) -> Node? {
        var text = text
        for pass in 0..<passesMax {
            do {
                return try Yams.compose(yaml: text)
            } catch let error as YamlError {
                guard case .duplicatedKeysInMapping(let keys, let context) = error,
                    let renamed = renaming(keys, at: context.mark, in: text, pass: pass)
                else {
                    report(error, to: mistakes)
                    return nil
                }
                text = renamed
            } catch {
                mistakes.add("the file is not YAML: \(error)", line: 1)
                return nil
            }
        }
        mistakes.add("more than \(passesMax) keys stand twice", line: 1)
        return nil
    }

    /// What a renamed key was called; nil for any other.
    static func nameOfRepeated(_ key: String) -> String? {
        guard key.hasPrefix(renamedPrefix), let colon = key.dropFirst(renamedPrefix.count).firstIndex(of: ":") else {
            return nil
        }
        return String(key[key.index(after: colon)...])
    }

    /// Yams gives the place of the first of the keys in its order. Nil where the text at that place is not one of the
    /// keys (an escaped spelling).
    private static func renaming(_ keys: [String], at mark: Mark, in text: String, pass: Int) -> String? {
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        guard lines.indices.contains(mark.line - 1) else { return nil }
        let scalars = lines[mark.line - 1].unicodeScalars
        guard let start = scalars.index(scalars.startIndex, offsetBy: mark.column - 1, limitedBy: scalars.endIndex)
        else {
            return nil
        }
        let rest = lines[mark.line - 1][start...]
        for key in keys {
            for spelling in [key, "\"\(key)\"", "'\(key)'"] where rest.hasPrefix(spelling) {
                let after = rest.dropFirst(spelling.count)
                guard after.first == ":" || after.first?.isWhitespace == true else { continue }
                let name = "\"\\u0001repeated:\(pass):\(key)\""
                lines[mark.line - 1] = Substring(lines[mark.line - 1][..<start] + name + after)
                return lines.joined(separator: "\n")
            }
        }
        return nil
    }

    private static func report(_ error: YamlError, to mistakes: Mistakes) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            mistakes.add("the file is not YAML: \(problem)", line: mark.line)
        case .duplicatedKeysInMapping(let keys, let context):
            mistakes.add("key stands twice: \(keys.joined(separator: ", "))", line: context.mark.line)
        case .reader(let problem, _, _, _):
            mistakes.add("the file is not YAML: \(problem)", line: 1)
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            mistakes.add("the file is not YAML", line: 1)
        }
    }
}
