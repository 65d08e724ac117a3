import CSV
import ChangeEvents
import Doors
import NIOCore

/// Writes rows of typed values in the form of a job's results.
struct BulkRowWriter: Sendable {
    let contentType: BulkContentType
    let object: String
    let columns: [String]
    let apiVersion: String
    private var csv: CSVWriter
    private var text: [UInt8] = []
    /// Of the last date-time: most rows of a page were changed on the same days.
    private var day: (number: Int64, text: [UInt8]) = (.min, [])
    private let idColumn: Int?
    /// Places of the columns as CSV shows them; nil: as they are.
    private let order: [Int]?

    /// - Parameter sortsColumns: by name, in CSV, whatever the order of the query.
    init(
        contentType: BulkContentType, object: String, columns: [String], apiVersion: String, dialect: CSVDialect,
        sortsColumns: Bool = false
    ) {
        self.contentType = contentType
        self.object = object
        self.columns = columns
        self.apiVersion = apiVersion
        csv = CSVWriter(dialect)
        idColumn = columns.firstIndex { $0.lowercased() == "id" }
        order = sortsColumns ? columns.indices.sorted { columns[$0] < columns[$1] } : nil
    }

    /// What stands before the first row.
    var head: [UInt8] {
        switch contentType {
        case .csv:
            var header = csv
            header.bytes = []
            header.write(row: order.map { $0.map { columns[$0] } } ?? columns)
            return header.bytes
        case .json:
            return Array("[".utf8)
        case .xml:
            return Array(
                ("<?xml version=\"1.0\" encoding=\"UTF-8\"?><queryResult xmlns=\"\(BulkXML.namespace)\" "
                    + "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">").utf8)
        }
    }

    /// What stands behind the last.
    var tail: [UInt8] {
        switch contentType {
        case .csv: []
        case .json: Array("]".utf8)
        case .xml: Array("</queryResult>".utf8)
        }
    }

    mutating func write(_ row: ArraySlice<FieldValue>, isFirst: Bool) {
        switch contentType {
        case .csv:
            if let order {
                for place in order { write(row[row.startIndex + place]) }
            } else {
                for value in row { write(value) }
            }
            csv.endRow()
        case .json:
            if !isFirst { text.append(UInt8(ascii: ",")) }
            var buffer = ByteBuffer()
            BulkTree(row, columns, object: object, idColumn: idColumn, apiVersion: apiVersion).writeJSON(into: &buffer)
            text.append(contentsOf: buffer.readableBytesView)
        case .xml:
            let tree = BulkTree(row, columns, object: object, idColumn: idColumn, apiVersion: apiVersion)
            text.append(contentsOf: tree.xml().utf8)
        }
    }

    /// Bytes written since the last call.
    mutating func take() -> [UInt8] {
        if contentType == .csv { return csv.take() }
        var taken: [UInt8] = []
        swap(&taken, &text)
        return taken
    }

    /// Length of what `take` would answer.
    var pendingBytes: Int { contentType == .csv ? csv.bytes.count : text.count }

    private mutating func write(_ value: FieldValue) {
        switch value {
        case .null: csv.writeEmpty()
        case .boolean(let flag): csv.write(plain: (flag ? "true" : "false").utf8)
        case .integer(let number): csv.write(plain: String(number).utf8)
        case .double(let number): csv.write(plain: String(number).utf8)
        case .string(let text): csv.write(text)
        case .date(let milliseconds): csv.write(plain: dayText(milliseconds))
        case .dateTime(let milliseconds): csv.write(plain: dateTimeText(milliseconds))
        case .time(let milliseconds): csv.write(plain: OrgTime.timeText(milliseconds).utf8)
        case .list(let names): csv.write(names.joined(separator: ";"))
        }
    }

    private mutating func dayText(_ milliseconds: Int64) -> [UInt8] {
        var number = milliseconds / OrgTime.millisecondsPerDay
        if milliseconds % OrgTime.millisecondsPerDay < 0 { number -= 1 }
        if day.number != number { day = (number, Array(OrgTime.dateText(milliseconds).utf8)) }
        return day.text
    }

    /// `2026-02-17T04:03:15.000Z`
    private mutating func dateTimeText(_ milliseconds: Int64) -> [UInt8] {
        var text = dayText(milliseconds)
        let rest = Int(milliseconds - day.number * OrgTime.millisecondsPerDay)
        func append(_ number: Int, digits: Int) {
            var divisor = digits == 3 ? 100 : 10
            while divisor > 0 {
                text.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
                divisor /= 10
            }
        }
        text.append(UInt8(ascii: "T"))
        append(rest / 3_600_000, digits: 2)
        text.append(UInt8(ascii: ":"))
        append(rest / 60_000 % 60, digits: 2)
        text.append(UInt8(ascii: ":"))
        append(rest / 1_000 % 60, digits: 2)
        text.append(UInt8(ascii: "."))
        append(rest % 1_000, digits: 3)
        text.append(UInt8(ascii: "Z"))
        return text
    }
}
