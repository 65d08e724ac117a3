import Yams

/// Typed values. Each reader checks the type and range that the key's entry in the list states and falls back to its
/// default.
extension Section {
    func text(_ name: String) -> String? {
        let key = ConfigurationKey.named(fullPath(name))
        guard let node = node(name) else { return key.defaultText }
        guard let text = node.scalarText else {
            mistake(name, "must be a text")
            return nil
        }
        guard !text.isEmpty else {
            mistake(name, "is empty")
            return nil
        }
        guard !text.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
            mistake(name, "must not hold control characters")
            return nil
        }
        return text
    }

    func boolean(_ name: String) -> Bool? {
        scalar(name, "must be true or false") { $0 == "true" ? true : $0 == "false" ? false : nil }
    }

    func integer(_ name: String) -> Int? {
        guard case .integer(let range) = ConfigurationKey.named(fullPath(name)).kind else {
            preconditionFailure("\(fullPath(name)) is not a whole number")
        }
        guard let integer = scalar(name, "must be a whole number", { Int($0) }) else { return nil }
        return inRange(name, integer, range, text: String.init)
    }

    func duration(_ name: String) -> Duration? {
        guard case .duration(let range) = ConfigurationKey.named(fullPath(name)).kind else {
            preconditionFailure("\(fullPath(name)) is not a duration")
        }
        let wrong = "must be a duration: a whole number and ms, s, m, h or d, such as 25s or 72h"
        guard let duration = scalar(name, wrong, DurationText.duration) else { return nil }
        return inRange(name, duration, range, text: DurationText.text)
    }

    func size(_ name: String) -> Int? {
        guard case .size(let range) = ConfigurationKey.named(fullPath(name)).kind else {
            preconditionFailure("\(fullPath(name)) is not a size")
        }
        let wrong = "must be a size: a whole number and B, KiB, MiB, GiB or TiB, such as 64KiB"
        guard let bytes = scalar(name, wrong, SizeText.bytes) else { return nil }
        return inRange(name, bytes, range, text: SizeText.text)
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, as: Choice.Type) -> Choice?
    where Choice.RawValue == String {
        let words = Choice.allCases.map(\.rawValue)
        guard let word = text(name) else { return nil }
        if let choice = Choice(rawValue: word) { return choice }
        let hint = Spelling.nearest(to: word, among: words).map { ": did you mean \($0)?" } ?? ""
        mistake(name, "must be one of \(words.joined(separator: ", "))\(hint)")
        return nil
    }

    /// The texts of a list, each with its line.
    func list(_ name: String, of what: String) -> [(text: String, line: Int)]? {
        guard let node = node(name) else { return nil }
        guard case .sequence(let sequence) = node else {
            mistake(name, "must be a list of \(what): [a, b] or one per line after a dash")
            return nil
        }
        var items: [(text: String, line: Int)] = []
        for item in sequence {
            let line = item.mark?.line ?? line(of: name)
            if let text = item.scalarText, !item.isNothing, !text.isEmpty {
                if items.contains(where: { $0.text == text }) {
                    mistakes.add("\(fullPath(name)) holds \(text) twice", line: line)
                } else {
                    items.append((text, line))
                }
            } else {
                mistakes.add("\(fullPath(name)) must hold only \(what)", line: line)
            }
        }
        return items
    }

    /// A URL of this program's own needs: a scheme, a host, no user, no query. Without a slash at the end.
    func url(_ name: String) -> String? {
        guard let text = text(name) else { return nil }
        if let complaint = WebAddress.complaint(about: text) {
            mistake(name, complaint)
            return nil
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    func address(_ name: String) -> Configuration.Address? {
        guard let text = text(name) else { return nil }
        guard let address = WebAddress.hostAndPort(text) else {
            mistake(name, "must be host:port, such as api.pubsub.salesforce.com:7443")
            return nil
        }
        return address
    }

    private func scalar<Value>(_ name: String, _ wrong: String, _ read: (String) -> Value?) -> Value? {
        let key = ConfigurationKey.named(fullPath(name))
        let text: String
        if let node = node(name) {
            guard let scalar = node.scalarText else {
                mistake(name, wrong)
                return nil
            }
            text = scalar
        } else if let standard = key.defaultText {
            text = standard
        } else {
            return nil
        }
        guard let value = read(text) else {
            mistake(name, wrong)
            return nil
        }
        return value
    }

    private func inRange<Value: Comparable>(
        _ name: String, _ value: Value, _ range: ClosedRange<Value>, text: (Value) -> String
    ) -> Value? {
        guard range.contains(value) else {
            mistake(name, "must be \(text(range.lowerBound)) to \(text(range.upperBound))")
            return nil
        }
        return value
    }
}

extension ConfigurationKey {
    fileprivate var defaultText: String? {
        if case .defaults(let text) = presence { text } else { nil }
    }
}
