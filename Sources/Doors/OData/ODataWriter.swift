internal import ChangeEvents

/// Rows as OData's JSON.
struct ODataWriter {
    /// `http://127.0.0.1:8180/odata/v4/`
    let root: String
    let type: ODataEntityType
    /// Nil: all properties.
    let select: [ODataProperty]?
    let columns: ODataColumns
    let format: ODataFormat

    init(
        root: String, type: ODataEntityType, select: [ODataProperty]?, order: [ODataOrder] = [], format: ODataFormat
    ) {
        self.root = root
        self.type = type
        self.select = select
        self.format = format
        columns = ODataColumns(type, shown: select ?? type.properties, order: order)
    }

    /// Of a row without values: 2,000 rows of a hundred properties are megabytes of names, and `root` is as long as the client says.
    var rowBytes: Int {
        var row = [FieldValue](repeating: .null, count: columns.properties.count)
        row[columns.key] = .string(String(repeating: "0", count: ODataType.recordIDLength))
        return JSONValue.object(entity(row)).jsonText.utf8.count
    }

    func page(_ rows: [[FieldValue]], count: Int?, nextLink: String?) -> JSONValue {
        var members = context("")
        if let count {
            let digits = String(count)
            let value: JSONValue = format.hasDecimalsAsTexts ? .string(digits) : .number(digits)
            members.append(.init(name: "@odata.count", value: value))
        }
        members.append(.init(name: "value", value: .array(rows.map { .object(entity($0)) })))
        if let nextLink { members.append(.init(name: "@odata.nextLink", value: .string(nextLink))) }
        return .object(members)
    }

    func single(_ row: [FieldValue]) -> JSONValue { .object(context("/$entity") + entity(row)) }

    private func context(_ suffix: String) -> [JSONValue.Member] {
        guard format.isMinimal else { return [] }
        let list = select.map { "(\($0.map(\.name).joined(separator: ",")))" } ?? ""
        return [.init(name: "@odata.context", value: .string("\(root)$metadata#\(type.name)\(list)\(suffix)"))]
    }

    private func entity(_ row: [FieldValue]) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = []
        members.reserveCapacity(columns.shownCount + 1)
        if format.isMinimal, !columns.isKeyShown, case .string(let id) = row[columns.key] {
            // A client could not tell which entity this is.
            members.append(.init(name: "@odata.id", value: .string("\(root)\(type.name)('\(id)')")))
        }
        for (property, value) in zip(columns.properties.prefix(columns.shownCount), row) {
            members.append(.init(name: property.name, value: json(value, property.type)))
        }
        return members
    }

    func json(_ value: FieldValue, _ type: ODataType) -> JSONValue {
        switch value {
        // A checkbox is never empty; a text that is, is a null.
        case .null: type == .boolean ? .boolean(false) : .null
        case .string(""): .null
        case .boolean(let flag): .boolean(flag)
        case .integer(let number): .number(String(number))
        case .double(let number): decimal(number, type)
        case .string(let text): .string(text)
        case .date(let milliseconds): .string(ODataTime.date(milliseconds))
        case .dateTime(let milliseconds): .string(ODataTime.dateTime(milliseconds))
        case .time(let milliseconds): .string(ODataTime.time(milliseconds))
        case .list(let names): .string(names.joined(separator: ";"))
        }
    }

    private func decimal(_ number: Double, _ type: ODataType) -> JSONValue {
        guard number.isFinite else { return .null }
        let digits = Self.digits(number)
        if format.hasDecimalsAsTexts, case .decimal = type { return .string(digits) }
        return .number(digits)
    }

    /// Every digit that tells this number from its neighbours, and no exponent: an `Edm.Decimal` has none.
    private static func digits(_ number: Double) -> String {
        let text = String(number)
        guard let mark = text.firstIndex(of: "e"), let exponent = Int(text[text.index(after: mark)...]) else {
            return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
        }
        let digits = String(text[..<mark].filter(\.isNumber))
        let point = text[..<mark].drop { $0 == "-" }.prefix { $0 != "." }.count + exponent
        let plain: String
        if point <= 0 {
            plain = "0." + String(repeating: "0", count: -point) + digits
        } else if point >= digits.count {
            plain = digits + String(repeating: "0", count: point - digits.count)
        } else {
            plain = String(digits.prefix(point)) + "." + String(digits.dropFirst(point))
        }
        return text.hasPrefix("-") ? "-" + plain : plain
    }
}
