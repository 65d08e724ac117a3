import ChangeEvents

/// A field that a formula refers to.
struct FormulaField: Sendable, Hashable {
    /// With the names as they are declared; `source.value(at:)` is asked with these.
    var path: [String]
    var type: FormulaType
    /// Of the formula that the field has itself; 0 for all others.
    var compiledSize = 0
}

/// What a formula can refer to, asked when it is defined.
protocol FormulaScope {
    /// The field at the end of a path such as `["Account", "Owner", "Name"]`, in any case of letters; nil where there is
    /// none. `["$User", "Id"]` and the form `["Owner:User", "Email"]` come as they were written.
    func field(_ path: [String]) -> FormulaField?
}

/// The record that a formula is evaluated for.
protocol FormulaSource {
    /// The value of a field, with the path of `FormulaField`. Null where a parent on the way is missing.
    func value(at path: [String]) throws -> FieldValue
    /// Milliseconds since 1970: what `NOW()` and `TODAY()` mean.
    var now: Int64 { get }
}
