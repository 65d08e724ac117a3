/// What the parts of a composite request have answered, for `@{part.field}` in the parts behind them.
///
/// A reference is `@{name.path}`: members by name (as written: names differ in case), elements by `[0]`. Of one request;
/// no I/O.
struct CompositeReferences {
    private var answers: [String: JSONValue] = [:]
    /// What values may still add to the texts of the parts: a body of references to one long text would be larger than any
    /// memory.
    private var bytesLeft = RESTDispatcher.bodyBytesMax

    mutating func add(_ reference: String, _ document: JSONValue) {
        answers[reference] = document
    }

    /// A body with the values in the places of their references. A text that is one reference becomes the value itself, so
    /// that a number stays a number.
    mutating func resolved(_ value: JSONValue) throws(OrgError) -> JSONValue {
        switch value {
        case .string(let text):
            guard text.contains("@{") else { return value }
            if text.hasPrefix("@{"), text.hasSuffix("}"), text.dropFirst(2).firstIndex(of: "}") == text.indices.last {
                return try self.value(text.dropFirst(2).dropLast())
            }
            return .string(try resolvedText(text) { $0 })
        case .array(let values):
            return .array(try values.map { value throws(OrgError) in try resolved(value) })
        case .object(let members):
            return .object(
                try members.map { member throws(OrgError) in
                    JSONValue.Member(name: member.name, value: try resolved(member.value))
                })
        case .null, .boolean, .number:
            return value
        }
    }

    /// A url with the values in the places of their references, escaped.
    mutating func resolvedURL(_ url: String) throws(OrgError) -> String {
        try resolvedText(url, FormEncoding.encoded)
    }

    private mutating func resolvedText(_ text: String, _ form: (String) -> String) throws(OrgError) -> String {
        var result = ""
        var rest = text[...]
        while let start = Self.opening(in: rest) {
            guard let end = rest[start...].firstIndex(of: "}") else { break }
            result += rest[..<start]
            let added = form(try Self.text(value(rest[rest.index(start, offsetBy: 2)..<end])))
            bytesLeft -= added.utf8.count
            guard bytesLeft >= 0 else {
                throw .badRequest(
                    "LIMIT_EXCEEDED",
                    "The references of the request stand for more than \(RESTDispatcher.bodyBytesMax) bytes.")
            }
            result += added
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    private static func opening(in text: Substring) -> String.Index? {
        var index = text.startIndex
        while let at = text[index...].firstIndex(of: "@") {
            let next = text.index(after: at)
            if next < text.endIndex, text[next] == "{" { return at }
            index = next
        }
        return nil
    }

    /// The names of the parts that a value refers to.
    static func names(in value: JSONValue?, url: String) -> Set<String> {
        var names: Set<String> = []
        func look(_ text: String) {
            var rest = text[...]
            while let start = opening(in: rest), let end = rest[start...].firstIndex(of: "}") {
                let path = rest[rest.index(start, offsetBy: 2)..<end]
                names.insert(String(path.prefix { $0 != "." && $0 != "[" }))
                rest = rest[rest.index(after: end)...]
            }
        }
        func look(_ value: JSONValue) {
            switch value {
            case .string(let text): look(text)
            case .array(let values): values.forEach(look)
            case .object(let members): members.forEach { look($0.value) }
            case .null, .boolean, .number: break
            }
        }
        look(url)
        if let value { look(value) }
        return names
    }

    private func value(_ path: Substring) throws(OrgError) -> JSONValue {
        let name = path.prefix { $0 != "." && $0 != "[" }
        var value = answers[String(name)]
        var rest = path[name.endIndex...]
        while !rest.isEmpty, let current = value {
            if rest.first == "[" {
                let number = rest.dropFirst().prefix { $0 != "]" }
                rest = rest[number.endIndex...].dropFirst()
                guard case .array(let elements) = current, let index = Int(number), elements.indices.contains(index)
                else {
                    value = nil
                    continue
                }
                value = elements[index]
            } else {
                let member = rest.dropFirst().prefix { $0 != "." && $0 != "[" }
                rest = rest[member.endIndex...]
                value = JSONObject(current)?[String(member)]
            }
        }
        guard let value else {
            throw .badRequest(
                "PROCESSING_HALTED",
                "Invalid reference specified. No value for \(path) found in \(name)")
        }
        return value
    }

    private static func text(_ value: JSONValue) throws(OrgError) -> String {
        switch value {
        case .string(let text), .number(let text): return text
        case .boolean(let flag): return String(flag)
        case .null: return ""
        case .array, .object:
            throw .badRequest("PROCESSING_HALTED", "Invalid reference specified. The value is not a simple one.")
        }
    }
}
