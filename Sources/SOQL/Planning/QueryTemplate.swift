/// A query's text with its quoted texts taken out. Queries with one template differ in nothing but those, and most of them
/// can share a plan (`QueryPlan.bound(to:)`).
package struct QueryTemplate: Sendable {
    /// The text with a single quote in place of each quoted text: no other quote can stand in it.
    package let skeleton: [UInt8]
    private let bytes: [UInt8]
    /// The quoted texts, quotes included, in their order.
    fileprivate let texts: [Range<Int>]

    /// Nil where a quoted text has no end.
    package init?(_ text: String) {
        let quote = UInt8(ascii: "'")
        bytes = Array(text.utf8)
        var skeleton: [UInt8] = []
        skeleton.reserveCapacity(bytes.count)
        var texts: [Range<Int>] = []
        var offset = 0
        while offset < bytes.count {
            let start = offset
            skeleton.append(bytes[offset])
            offset += 1
            guard bytes[start] == quote else { continue }
            while offset < bytes.count, bytes[offset] != quote {
                offset += bytes[offset] == UInt8(ascii: "\\") ? 2 : 1
            }
            guard offset < bytes.count else { return nil }
            offset += 1
            texts.append(start..<offset)
        }
        self.skeleton = skeleton
        self.texts = texts
    }

    /// What a quoted text means as a parameter; nil where only a new plan can tell (an empty text is a null, a record id may
    /// be none).
    fileprivate func value(_ index: Int, isIdentifier: Bool) -> Value? {
        let quoted = bytes[texts[index]]
        let text: String
        do {
            text = try StringReader(bytes: quoted).plain()
        } catch {
            // Whoever parses the query says what is wrong with it.
            return nil
        }
        guard !text.isEmpty else { return nil }
        guard isIdentifier else { return .string(text) }
        return RecordIdentifier(text).map { .string(String(decoding: $0.bytes, as: UTF8.self)) }
    }

    fileprivate func index(of parameter: QuotedParameter) -> Int? {
        guard let listIndex = parameter.listIndex else {
            return texts.firstIndex { $0.lowerBound == parameter.place }
        }
        return texts.firstIndex { $0.lowerBound > parameter.place }.map { $0 + listIndex }
    }
}

extension QueryPlan {
    /// Makes the quoted texts exchangeable (`bound(to:)`). The plan was made of a text with this template; false, and
    /// nothing has changed, where a text is more than a parameter that stands for it.
    package mutating func open(to template: QueryTemplate) -> Bool {
        guard children.allSatisfy(\.children.isEmpty) else { return false }
        var opened = self
        var seen: Set<Int> = []
        guard opened.find(template, &seen) else { return false }
        for index in opened.children.indices {
            guard opened.children[index].find(template, &seen) else { return false }
        }
        guard seen.count == template.texts.count else { return false }
        self = opened
        return true
    }

    private mutating func find(_ template: QueryTemplate, _ seen: inout Set<Int>) -> Bool {
        for index in quoted.indices {
            guard let text = template.index(of: quoted[index]), template.texts.indices.contains(text),
                seen.insert(text).inserted
            else { return false }
            quoted[index].text = text
        }
        return true
    }

    /// An opened plan for the texts of another query with the same skeleton; nil where they need a plan of their own.
    package func bound(to template: QueryTemplate) -> QueryPlan? {
        var plan = self
        guard plan.bind(template) else { return nil }
        for index in plan.children.indices {
            guard plan.children[index].bind(template) else { return nil }
        }
        return plan
    }

    private mutating func bind(_ template: QueryTemplate) -> Bool {
        for parameter in quoted {
            guard let text = parameter.text,
                let value = template.value(text, isIdentifier: parameter.isIdentifier)
            else { return false }
            parameters[parameter.index] = value
        }
        return true
    }
}
