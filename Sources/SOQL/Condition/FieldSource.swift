/// A record as conditions see it.
public protocol FieldSource {
    /// The value of a field (names compare without case), nil when it is not known, `.null` when it is empty.
    func value(of field: String) -> Value?
}
