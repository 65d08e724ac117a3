/// A syntax or type error in SOQL text. The message quotes at most a short piece of the text.
public struct SOQLError: Error, Hashable, Sendable {
    public var message: String
    /// In characters from 1; one past the last for an unexpected end.
    public var position: Int

    public init(message: String, position: Int) {
        self.message = message
        self.position = position
    }
}

extension SOQLError: CustomStringConvertible {
    /// `expected a value after '=' but found end of text (at character 9)`.
    public var description: String { "\(message) (at character \(position))" }
}
