/// A key or password. It prints as `(secret)` however it is printed, so that it cannot reach a log by way of the value
/// that holds it; `reveal()` is the one way to the content and easy to search for.
struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let content: String

    init(_ content: String) {
        self.content = content
    }

    func reveal() -> String { content }

    var description: String { "(secret)" }
    var debugDescription: String { "(secret)" }
    /// Without children: `dump` and string interpolation of an enclosing struct go by the mirror.
    var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
