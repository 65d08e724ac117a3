import ChangeEvents
import Matching
import SOQL
import Testing

@Suite struct FieldValueTests {
    @Test(arguments: [
        (FieldValue.null, Value.null), (.boolean(true), .boolean(true)), (.integer(-7), .integer(-7)),
        (.double(0.1), .double(0.1)), (.string("Zürich"), .string("Zürich")), (.string(""), .string("")),
        (.date(milliseconds: 86_400_000), .date(milliseconds: 86_400_000)),
        (.dateTime(milliseconds: 1), .dateTime(milliseconds: 1)), (.time(milliseconds: 2), .time(milliseconds: 2)),
    ])
    func everyTypeHasItsCounterpart(_ field: FieldValue, _ value: Value) {
        #expect(Value(field) == value)
        #expect(FieldValue(value) == field)
    }

    @Test func aListIsWhatAMultiSelectFieldHolds() {
        #expect(Value(FieldValue.list(["a", "b"])) == .string("a;b"))
        #expect(Value(FieldValue.list([])) == .null)
    }
}
