@testable import Doors
@testable import SOQL
@testable import Sandbox

/// Dates, times and numbers as strangers write them: what is read, written and read again is the same.
enum Times {
    static func run(_ input: inout FuzzInput) {
        let text = input.remainingText()
        if let day = OrgTime.date(text) {
            property("a date is written as it was", holds: OrgTime.dateText(day) == text)
        }
        if let instant = OrgTime.dateTime(text) {
            let printed = OrgTime.dateTimeText(instant)
            property(
                "a date-time that is written is read the same",
                holds: OrgTime.dateTime(printed) == instant || instant < firstInstant)
        }
        if let time = OrgTime.time(text) {
            property("a time that is written is read the same", holds: OrgTime.time(OrgTime.timeText(time)) == time)
        }
        if let time = ODataTime.time(text) {
            property("OData's time is written as it was", holds: ODataTime.time(time) == text)
        }
        if let value = attempt({ try LiteralReader.value(of: Array(text.utf8)[...]) }) {
            let printed = Array(value.soqlText.utf8)
            property(
                "a literal that is written is read the same",
                holds: attempt { try LiteralReader.value(of: printed[...]) } == value)
        }
        if let number = FormulaNumber.parse(text) {
            let printed = FormulaNumber.text(number)
            property("a number that is written is a number", holds: FormulaNumber.parse(printed) != nil)
            for scale in [-400, -3, 0, 2, 400] {
                let rounded = FormulaNumber.rounded(number, scale: scale)
                property("a number that is rounded is one", holds: rounded.isFinite || abs(number) > 1e307)
                property(
                    "a number that is cut is not larger",
                    holds: abs(FormulaNumber.truncated(number, scale: scale)) <= abs(number) * 1.000_001)
            }
            _ = FormulaNumber.remainder(number, 0.1)
        }
    }

    /// Year 1: an offset can lead before it, where no date is written.
    private static let firstInstant: Int64 = -62_135_596_800_000
}
