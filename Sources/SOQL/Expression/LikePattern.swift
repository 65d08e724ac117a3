/// The pattern of a `LIKE`: texts, `_` (one character) and `%` (any number of characters), escapes undone.
package struct LikePattern: Hashable, Sendable {
    package enum Element: Hashable, Sendable {
        case text(ExactText)
        case anyCharacter
        case anyText
    }

    /// No two texts and no two `anyText` stand side by side.
    package private(set) var elements: [Element] = []

    package init() {}

    package mutating func append(_ scalar: Unicode.Scalar) {
        if case .text(var text)? = elements.last {
            text.string.unicodeScalars.append(scalar)
            elements[elements.count - 1] = .text(text)
        } else {
            elements.append(.text(ExactText(String(scalar))))
        }
    }

    package mutating func appendAnyCharacter() {
        elements.append(.anyCharacter)
    }

    /// `%%` means what `%` means.
    package mutating func appendAnyText() {
        if elements.last != .anyText { elements.append(.anyText) }
    }
}
