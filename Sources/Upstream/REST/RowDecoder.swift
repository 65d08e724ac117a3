public import CSV
public import ChangeEvents

/// A record as an answer of the org told it. A field that was not asked for is absent; one that is empty is null.
public struct OrgRow: Sendable, Hashable {
    /// Nil: the answer has no column `Id`.
    public var id: RecordID?
    /// By API name, without `Id`. A field of a related record has its path: `Owner.Name`.
    public var fields: RecordFields
}

/// Reads rows of answers, JSON and CSV, into typed values by what `describe` tells of their fields.
///
/// | type | value |
/// |---|---|
/// | boolean | `boolean` |
/// | int, long | `integer` |
/// | double, currency, percent | `double`: the nearest to the decimal that came |
/// | date, datetime, time | `date`, `dateTime`, `time` in milliseconds |
/// | id, reference | `string` of 18 characters |
/// | all others, and fields that are not described | `string` |
///
/// An empty text is null. Made once for the columns of an answer; the rows it makes share one shape. Any thread.
public struct RowDecoder: Sendable {
    private struct Column: Sendable {
        /// As `describe` spells it, where it is described.
        var name: String
        /// Its way through nested objects.
        var path: [String]
        var kind: ValueKind
        /// In the shape; nil: the record's own id.
        var place: Int?
    }

    /// API name of the object.
    public let entity: String
    /// What the rows' fields are, in the order of the columns.
    public let shape: RecordShape
    private let columns: [Column]

    /// - Parameter columns: names of the answer's columns: the header of a CSV, or the fields that a query has asked for.
    public init(_ description: ObjectDescription, columns names: [String]) {
        let fields = Dictionary(
            description.fields.map { ($0.name.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
        var columns = names.map { name in
            let field = fields[name.lowercased()]
            let name = field?.name ?? name
            let kind = field.map { ValueKind($0.type) } ?? (name.lowercased() == "id" ? .id : .text)
            return Column(name: name, path: name.split(separator: ".").map(String.init), kind: kind)
        }
        let shape = RecordShape(columns.map(\.name).filter { $0.lowercased() != "id" })
        for index in columns.indices { columns[index].place = shape.index(of: columns[index].name) }
        entity = description.name
        self.shape = shape
        self.columns = columns
    }

    /// A row of a Bulk API result. Throws `OrgAPIError(.answerUnreadable)` naming the field; never its value.
    public func decode(_ row: CSVRow) throws(OrgAPIError) -> OrgRow {
        guard row.count == columns.count else {
            throw OrgAPIError(
                .answerUnreadable, "Row \(row.number) of \(entity) has \(row.count) values, not \(columns.count).")
        }
        var id: RecordID?
        var fields = RecordFields(shape: shape)
        for (index, column) in columns.enumerated() {
            guard let value = Self.value(row, index, column.kind) else { throw unreadable(column, "row \(row.number)") }
            if let place = column.place {
                fields[place] = value
            } else {
                id = try recordID(value, "row \(row.number)")
            }
        }
        return OrgRow(id: id, fields: fields)
    }

    /// A record of a REST answer. A column that it does not have is absent, as is one that is itself an object (a compound
    /// field). Throws like `decode(_: CSVRow)`.
    public func decode(_ record: RESTValue) throws(OrgAPIError) -> OrgRow {
        guard case .object = record else {
            throw OrgAPIError(.answerUnreadable, "A record of \(entity) is not an object.")
        }
        var id: RecordID?
        var fields = RecordFields(shape: shape)
        for column in columns {
            var found: RESTValue? = record
            // A relation that is empty makes all of its fields null.
            for step in column.path where found != .null { found = found?[step] }
            guard let found else { continue }
            switch found {
            case .object, .array: continue
            default: break
            }
            guard let value = Self.value(found, column.kind) else { throw unreadable(column, "a record") }
            if let place = column.place {
                fields[place] = value
            } else {
                id = try recordID(value, "a record")
            }
        }
        return OrgRow(id: id, fields: fields)
    }

    private func recordID(_ value: FieldValue, _ place: String) throws(OrgAPIError) -> RecordID? {
        if value == .null { return nil }
        guard case .string(let text) = value, let id = RecordID(text) else {
            throw OrgAPIError(.answerUnreadable, "The Id of \(place) of \(entity) is no record id.", fields: ["Id"])
        }
        return id
    }

    private func unreadable(_ column: Column, _ place: String) -> OrgAPIError {
        OrgAPIError(
            .answerUnreadable, "The value of \(column.name) in \(place) of \(entity) is not of its type.",
            fields: [column.name])
    }

    /// Nil: it is not of the type.
    private static func value(_ row: CSVRow, _ index: Int, _ kind: ValueKind) -> FieldValue? {
        if row.isEmpty(index) { return .null }
        switch kind {
        case .boolean: return boolean(row.bytes(index))
        case .integer: return integer(row[index])
        case .double: return double(row[index])
        case .date: return OrgTime.date(row.bytes(index)).map { .date(milliseconds: $0) }
        case .dateTime: return OrgTime.dateTime(row.bytes(index)).map { .dateTime(milliseconds: $0) }
        case .time: return OrgTime.time(row.bytes(index)).map { .time(milliseconds: $0) }
        case .id: return .string(long(row[index]))
        case .text: return .string(row[index])
        }
    }

    private static func value(_ value: RESTValue, _ kind: ValueKind) -> FieldValue? {
        switch value {
        case .null: return .null
        case .boolean(let flag): return kind == .boolean ? .boolean(flag) : kind == .text ? .string("\(flag)") : nil
        case .integer(let number):
            switch kind {
            case .integer: return .integer(number)
            case .double: return .double(Double(number))
            case .text: return .string("\(number)")
            default: return nil
            }
        case .double(let number):
            switch kind {
            case .integer: return Int64(exactly: number).map { .integer($0) }
            case .double: return .double(number)
            case .text: return .string("\(number)")
            default: return nil
            }
        case .string(let text):
            if text.isEmpty { return .null }
            switch kind {
            case .boolean: return boolean(text.utf8)
            case .integer: return integer(text)
            case .double: return double(text)
            case .date: return OrgTime.date(text.utf8).map { .date(milliseconds: $0) }
            case .dateTime: return OrgTime.dateTime(text.utf8).map { .dateTime(milliseconds: $0) }
            case .time: return OrgTime.time(text.utf8).map { .time(milliseconds: $0) }
            case .id: return .string(long(text))
            case .text: return .string(text)
            }
        case .array, .object: return nil
        }
    }

    private static func boolean(_ text: some Collection<UInt8>) -> FieldValue? {
        if text.elementsEqual("true".utf8) { return .boolean(true) }
        return text.elementsEqual("false".utf8) ? .boolean(false) : nil
    }

    /// Bulk results may write whole numbers with a point: `5.0`.
    private static func integer(_ text: String) -> FieldValue? {
        if let number = Int64(text) { return .integer(number) }
        return Double(text).flatMap { Int64(exactly: $0) }.map { .integer($0) }
    }

    private static func double(_ text: String) -> FieldValue? {
        guard let number = Double(text), number.isFinite else { return nil }
        return .double(number)
    }

    private static func long(_ id: String) -> String {
        id.utf8.count == 18 ? id : RecordID(id)?.string ?? id
    }
}
