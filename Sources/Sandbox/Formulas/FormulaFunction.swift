/// The functions that work on their arguments' values alone. `IF`, `CASE`, `AND`, `OR`, `BLANKVALUE`, `NULLVALUE` and
/// `ISPICKVAL` decide what is evaluated at all; the compiler turns them into jumps.
enum FormulaFunction: String, Sendable, Hashable, CaseIterable {
    case isBlank = "ISBLANK"
    case isNull = "ISNULL"
    case isNumber = "ISNUMBER"
    case text = "TEXT"
    case value = "VALUE"
    case left = "LEFT"
    case right = "RIGHT"
    case middle = "MID"
    case length = "LEN"
    case upper = "UPPER"
    case lower = "LOWER"
    case initialCapitals = "INITCAP"
    case trim = "TRIM"
    case substitute = "SUBSTITUTE"
    case contains = "CONTAINS"
    case begins = "BEGINS"
    case find = "FIND"
    case padLeft = "LPAD"
    case padRight = "RPAD"
    case reverse = "REVERSE"
    case safeID = "CASESAFEID"
    case lineBreak = "BR"
    case hyperlink = "HYPERLINK"
    case image = "IMAGE"
    case includes = "INCLUDES"
    case round = "ROUND"
    case truncate = "TRUNC"
    case floor = "FLOOR"
    case ceiling = "CEILING"
    case mathematicalFloor = "MFLOOR"
    case mathematicalCeiling = "MCEILING"
    case absolute = "ABS"
    case remainder = "MOD"
    case minimum = "MIN"
    case maximum = "MAX"
    case squareRoot = "SQRT"
    case exponential = "EXP"
    case naturalLogarithm = "LN"
    case logarithm = "LOG"
    case pi = "PI"
    case today = "TODAY"
    case now = "NOW"
    case date = "DATE"
    case dateValue = "DATEVALUE"
    case dateTimeValue = "DATETIMEVALUE"
    case year = "YEAR"
    case month = "MONTH"
    case day = "DAY"
    case weekday = "WEEKDAY"
    case addMonths = "ADDMONTHS"
    case timeNow = "TIMENOW"
    case timeValue = "TIMEVALUE"
    case hour = "HOUR"
    case minute = "MINUTE"
    case second = "SECOND"
    case millisecond = "MILLISECOND"

    /// What a function takes and gives.
    struct Signature {
        enum Parameter {
            case of(FormulaType)
            /// Date or date-time.
            case moment
            /// Date, date-time or text.
            case momentOrText
            /// Date-time, time or text.
            case timeOrText
            /// Anything, picklists included.
            case any

            var label: String {
                switch self {
                case .of(let type): type.label
                case .moment: "Date, DateTime"
                case .momentOrText: "Date, DateTime, Text"
                case .timeOrText: "DateTime, Time, Text"
                case .any: "Any"
                }
            }

            func accepts(_ type: FormulaType) -> Bool {
                switch self {
                case .of(let wanted): wanted.fits(type)
                case .moment: type == .date || type == .dateTime || type == .null
                case .momentOrText: type == .date || type == .dateTime || type == .text || type == .null
                case .timeOrText: type == .dateTime || type == .time || type == .text || type == .null
                case .any: true
                }
            }

            /// True where a picklist field may stand.
            var takesPicklists: Bool {
                switch self {
                case .any, .of(.multiPicklist): true
                case .of, .moment, .momentOrText, .timeOrText: false
                }
            }
        }

        var parameters: [Parameter]
        /// How many of the parameters can be left out, from the end.
        var optional = 0
        /// True where the last parameter may come again and again.
        var repeatsLast = false
        /// Nil: the type of the first argument.
        var result: FormulaType?

        var countLabel: String {
            let least = parameters.count - optional
            if repeatsLast { return "\(least) or more" }
            return optional == 0 ? "\(least)" : "\(least)-\(parameters.count)"
        }

        func accepts(count: Int) -> Bool {
            count >= parameters.count - optional && (repeatsLast || count <= parameters.count)
        }
    }

    var signature: Signature {
        switch self {
        case .isBlank, .isNull: Signature(parameters: [.any], result: .boolean)
        case .isNumber: Signature(parameters: [.of(.text)], result: .boolean)
        case .text: Signature(parameters: [.any], result: .text)
        case .value: Signature(parameters: [.of(.text)], result: .number)
        case .left, .right: Signature(parameters: [.of(.text), .of(.number)], result: .text)
        case .middle: Signature(parameters: [.of(.text), .of(.number), .of(.number)], result: .text)
        case .length: Signature(parameters: [.of(.text)], result: .number)
        // The locale of the second argument changes nothing here.
        case .upper, .lower: Signature(parameters: [.of(.text), .of(.text)], optional: 1, result: .text)
        case .initialCapitals, .trim, .reverse, .safeID: Signature(parameters: [.of(.text)], result: .text)
        case .substitute: Signature(parameters: [.of(.text), .of(.text), .of(.text)], result: .text)
        case .contains, .begins: Signature(parameters: [.of(.text), .of(.text)], result: .boolean)
        case .find: Signature(parameters: [.of(.text), .of(.text), .of(.number)], optional: 1, result: .number)
        case .padLeft, .padRight:
            Signature(parameters: [.of(.text), .of(.number), .of(.text)], optional: 1, result: .text)
        case .lineBreak: Signature(parameters: [], result: .text)
        case .hyperlink: Signature(parameters: [.of(.text), .of(.text), .of(.text)], optional: 1, result: .text)
        case .image:
            Signature(parameters: [.of(.text), .of(.text), .of(.number), .of(.number)], optional: 2, result: .text)
        case .includes: Signature(parameters: [.of(.multiPicklist), .of(.text)], result: .boolean)
        case .round, .truncate:
            Signature(parameters: [.of(.number), .of(.number)], optional: self == .truncate ? 1 : 0, result: .number)
        case .floor, .ceiling, .mathematicalFloor, .mathematicalCeiling, .absolute, .squareRoot, .exponential,
            .naturalLogarithm, .logarithm:
            Signature(parameters: [.of(.number)], result: .number)
        case .remainder: Signature(parameters: [.of(.number), .of(.number)], result: .number)
        case .minimum, .maximum: Signature(parameters: [.of(.number)], repeatsLast: true, result: .number)
        case .pi: Signature(parameters: [], result: .number)
        case .today: Signature(parameters: [], result: .date)
        case .now: Signature(parameters: [], result: .dateTime)
        case .date: Signature(parameters: [.of(.number), .of(.number), .of(.number)], result: .date)
        case .dateValue: Signature(parameters: [.momentOrText], result: .date)
        case .dateTimeValue: Signature(parameters: [.momentOrText], result: .dateTime)
        case .year, .month, .day, .weekday: Signature(parameters: [.of(.date)], result: .number)
        case .addMonths: Signature(parameters: [.moment, .of(.number)], result: nil)
        case .timeNow: Signature(parameters: [], result: .time)
        case .timeValue: Signature(parameters: [.timeOrText], result: .time)
        case .hour, .minute, .second, .millisecond: Signature(parameters: [.of(.time)], result: .number)
        }
    }
}
