/// A key or password. It prints as `(secret)` however it is printed, so that it cannot reach a log by way of the value
/// that holds it; `reveal()` is the one way to the content and easy to search for.
struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let content: String

    init(_ content: String) {
        self.content = content
    }

    /// What a file or a variable holds: editors and `echo` end it with a line break that is not part of the secret.
    init(heldIn text: String) {
        var content = text[...]
        while let last = content.last, last.isNewline { content.removeLast() }
        self.content = String(content)
    }

    var isEmpty: Bool { content.isEmpty }

    func reveal() -> String { content }

    var description: String { "(secret)" }
    var debugDescription: String { "(secret)" }
    /// Without children: `dump` and string interpolation of an enclosing struct go by the mirror.
    var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
