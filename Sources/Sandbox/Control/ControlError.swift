package import Doors

/// A refusal of the control door: which field, and why.
package struct ControlError: Error, Sendable, Hashable {
    package var status: Int
    /// The member of the document, the parameter or the header; nil: the request as a whole.
    package var field: String?
    package var reason: String

    package init(status: Int = 400, field: String? = nil, reason: String) {
        self.status = status
        self.field = field
        self.reason = reason
    }

    /// `{"error": {"field": "kind", "reason": "…"}}`
    package var json: JSONValue {
        .object([
            .init(
                name: "error",
                value: .object([
                    .init(name: "field", value: field.map(JSONValue.string) ?? .null),
                    .init(name: "reason", value: .string(reason)),
                ]))
        ])
    }
}

/// Reads the members of a document, and refuses those that nobody asked for: a misspelt `probabilty` must not make a fault that
/// strikes always.
struct ControlDocument {
    private var members: [String: JSONValue] = [:]
    private let names: [String]
    private var known: Set<String> = []

    init(_ value: JSONValue) throws(ControlError) {
        guard case .object(let given) = value else {
            throw ControlError(reason: "The body is not a JSON object.")
        }
        names = given.map(\.name)
        for member in given where member.value != .null { members[member.name] = member.value }
    }

    mutating func text(_ name: String) throws(ControlError) -> String? {
        known.insert(name)
        guard let value = members[name] else { return nil }
        guard case .string(let text) = value, !text.isEmpty else {
            throw ControlError(field: name, reason: "\(name) is a text, and not an empty one.")
        }
        return text
    }

    mutating func texts(_ name: String) throws(ControlError) -> [String]? {
        known.insert(name)
        guard let value = members[name] else { return nil }
        let refusal = ControlError(field: name, reason: "\(name) is a list of texts.")
        guard case .array(let elements) = value else { throw refusal }
        return try elements.map { element throws(ControlError) in
            guard case .string(let text) = element else { throw refusal }
            return text
        }
    }

    mutating func truth(_ name: String) throws(ControlError) -> Bool? {
        known.insert(name)
        guard let value = members[name] else { return nil }
        guard case .boolean(let truth) = value else {
            throw ControlError(field: name, reason: "\(name) is true or false.")
        }
        return truth
    }

    mutating func number(_ name: String, in range: ClosedRange<Double>) throws(ControlError) -> Double? {
        known.insert(name)
        guard let value = members[name] else { return nil }
        guard case .number(let text) = value, let number = Double(text), range.contains(number) else {
            throw ControlError(
                field: name,
                reason: "\(name) is a number from \(Self.shown(range.lowerBound)) to \(Self.shown(range.upperBound)).")
        }
        return number
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(ControlError) -> Int? {
        known.insert(name)
        guard let value = members[name] else { return nil }
        guard case .number(let text) = value, let number = Int(text), range.contains(number) else {
            throw ControlError(
                field: name, reason: "\(name) is a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _ type: Choice.Type
    ) throws(ControlError) -> Choice? where Choice.RawValue == String {
        guard let text = try text(name) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw ControlError(field: name, reason: "\(text) is none of \(choices).")
        }
        return choice
    }

    /// After the last member was asked for.
    func finish() throws(ControlError) {
        guard let unknown = names.first(where: { !known.contains($0) }) else { return }
        throw ControlError(
            field: unknown, reason: "There is no \(unknown) here. Known are \(known.sorted().joined(separator: ", ")).")
    }

    private static func shown(_ number: Double) -> String {
        Int(exactly: number).map(String.init) ?? String(number)
    }
}
