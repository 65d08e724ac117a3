/// A SOQL condition (what stands behind `WHERE`), parsed: for subscription filters, channel filter expressions and REST
/// queries alike.
///
/// INTERFACE SKETCH: bodies are to be written; other modules build on these signatures.
public struct Condition: Hashable, Sendable {
    /// Parses, or throws an error with the position (in characters, from 1) and what was expected.
    public init(_ text: String) throws(SOQLError) { fatalError("sketch") }

    /// Canonical text: equal conditions written differently (spaces, keyword case, redundant parentheses) print the same.
    public var description: String { fatalError("sketch") }

    /// Field names as written (`ContactId`, `BillingAddress.City`, `ChangeEventHeader.changeType`), each once.
    public var fields: Set<String> { fatalError("sketch") }

    /// Both must hold.
    public static func and(_ left: Condition, _ right: Condition) -> Condition { fatalError("sketch") }

    /// Judges the condition on a record.
    public func evaluate(on record: some FieldSource) -> Truth { fatalError("sketch") }
}

/// What a condition says of a record.
public enum Truth: Hashable, Sendable {
    case yes
    case no
    /// A field that decides it is not known. (`A = 1 OR Unknown = 2` is `yes` where A is 1.)
    case unknown
}

/// A record as conditions see it.
public protocol FieldSource {
    /// The value of a field (names compare without case), nil when it is not known, `.null` when it is empty.
    func value(of field: String) -> Value?
}

/// A value in a condition or a record, typed as SOQL compares it.
public enum Value: Hashable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case double(Double)
    /// Compared without case, as SOQL does; record ids bytewise after completion to 18 characters.
    case string(String)
    /// Milliseconds since 1970 at 00:00 UTC of the day.
    case date(milliseconds: Int64)
    case dateTime(milliseconds: Int64)
    case time(milliseconds: Int64)
}

/// A syntax or type error in SOQL text.
public struct SOQLError: Error, Hashable, Sendable {
    public var message: String
    /// In characters from 1.
    public var position: Int
}
