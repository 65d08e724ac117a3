/// Reads CSV from bytes that come in pieces: RFC 4180 with Salesforce's strictness. Nothing is trimmed, and a space beside a
/// quote is an error.
///
/// A pure value: `append` bytes, then ask for rows until it wants more; `finish` says that there are no more. Memory is bounded
/// by the pieces and the longest row. Errors of the text as a whole are thrown and end the reading; what is wrong with one row
/// alone (a stray quote, too many or too few values) is the row's `fault`, and the next row can be read. Empty lines are no
/// rows.
public struct CSVReader: Sendable {
    public let dialect: CSVDialect
    public let limits: CSVLimits
    /// Values of every row; nil before the header is read.
    public private(set) var columnCount: Int?
    /// Place in the text of the first byte behind the last row: where another reader may go on.
    public private(set) var offset: Int
    /// Number of the last row.
    public private(set) var rowNumber: Int

    private var buffer: [UInt8] = []
    /// Bytes of the buffer that are read.
    private var consumed = 0
    private var isFinal = false

    public init(_ dialect: CSVDialect, limits: CSVLimits = CSVLimits()) {
        self.dialect = dialect
        self.limits = limits
        offset = 0
        rowNumber = 0
    }

    /// Goes on where another reader has stopped.
    public init(
        _ dialect: CSVDialect, limits: CSVLimits = CSVLimits(), at offset: Int, rowNumber: Int, columnCount: Int
    ) {
        self.dialect = dialect
        self.limits = limits
        self.offset = offset
        self.rowNumber = rowNumber
        self.columnCount = columnCount
    }

    public mutating func append(_ bytes: some Collection<UInt8>) {
        if consumed > 0 {
            buffer.removeSubrange(..<consumed)
            consumed = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// No more bytes come: what is there is the last row.
    public mutating func finish() { isFinal = true }

    /// Fills in the next row. False: more bytes are needed or, after `finish`, there are no more rows.
    public mutating func next(into row: inout CSVRow) throws(CSVError) -> Bool {
        if offset == 0 { skipByteOrderMark() }
        while true {
            row.ranges.removeAll(keepingCapacity: true)
            row.escaped.removeAll(keepingCapacity: true)
            row.fault = nil
            let start = consumed
            let scan = buffer.withUnsafeBufferPointer { bytes in
                CSVScan.line(bytes, from: start, dialect: dialect, isFinal: isFinal, row: rowNumber + 1, into: &row)
            }
            switch scan {
            case .incomplete:
                let pending = buffer.count - start
                if columnCount == nil, pending > limits.headerBytesMax { throw headerTooLong }
                if pending > limits.rowBytesMax { throw rowTooLong }
                return false
            case .end:
                return false
            case .failure(let error):
                throw error
            case .blank(let next):
                advance(to: next)
            case .line(let end, let next):
                rowNumber += 1
                try take(start..<end, into: &row)
                advance(to: next)
                return true
            }
        }
    }

    private mutating func advance(to next: Int) {
        offset += next - consumed
        consumed = next
    }

    private mutating func skipByteOrderMark() {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        guard consumed == 0, buffer.count >= mark.count, buffer.starts(with: mark) else { return }
        advance(to: mark.count)
    }

    /// Copies the line out of the buffer and judges it.
    private func take(_ line: Range<Int>, into row: inout CSVRow) throws(CSVError) {
        let length = line.count
        if columnCount == nil, length > limits.headerBytesMax { throw headerTooLong }
        if length > limits.rowBytesMax { throw rowTooLong }
        row.number = rowNumber
        row.bytes.removeAll(keepingCapacity: true)
        row.bytes.append(contentsOf: buffer[line])
        for column in row.escaped { row.unescape(column) }
        if row.count > limits.columnsMax {
            throw CSVError(
                .tooManyColumns, row: rowNumber, column: limits.columnsMax + 1,
                "There are more than \(limits.columnsMax) columns.")
        }
        if let column = row.firstInvalidColumn() {
            throw CSVError(.invalidUTF8, row: rowNumber, column: column + 1, "The value is not valid UTF-8.")
        }
        if let columnCount, row.count != columnCount, row.fault == nil {
            row.fault = CSVError(
                .ragged, row: rowNumber, column: min(row.count, columnCount) + 1,
                "The row has \(row.count) values, the header has \(columnCount).")
        }
    }

    private var headerTooLong: CSVError {
        CSVError(.headerTooLong, row: 1, column: 1, "The header is longer than \(limits.headerBytesMax) characters.")
    }

    private var rowTooLong: CSVError {
        CSVError(.rowTooLong, row: rowNumber + 1, column: 1, "The row is longer than \(limits.rowBytesMax) bytes.")
    }
}

extension CSVReader {
    /// Reads the first row as headings: each has a name, and none stands twice. Nil: more bytes are needed.
    public mutating func header(into row: inout CSVRow) throws(CSVError) -> [String]? {
        guard try next(into: &row) else {
            if isFinal { throw CSVError(.noHeader, row: 1, column: 1, "There is no header row.") }
            return nil
        }
        if let fault = row.fault { throw fault }
        let headings = row.values
        var seen: Set<String> = []
        for (index, heading) in headings.enumerated() {
            if heading.isEmpty {
                throw CSVError(.badHeading, row: 1, column: index + 1, "The header has an empty column name.")
            }
            guard seen.insert(heading.lowercased()).inserted else {
                throw CSVError(
                    .badHeading, row: 1, column: index + 1, "The column \(heading) stands twice in the header.")
            }
        }
        columnCount = headings.count
        return headings
    }
}

extension CSVRow {
    /// Writes a value with its doubled quotes halved behind the line.
    mutating func unescape(_ column: Int) {
        let quote = UInt8(ascii: "\"")
        let start = bytes.count
        var isSecond = false
        for index in ranges[column] {
            let byte = bytes[index]
            if byte == quote, !isSecond {
                isSecond = true
                continue
            }
            isSecond = false
            bytes.append(byte)
        }
        ranges[column] = start..<bytes.count
    }

    /// Most rows are ASCII, which a look at their bytes tells.
    func firstInvalidColumn() -> Int? {
        var high: UInt8 = 0
        for byte in bytes { high |= byte }
        if high < 0x80 { return nil }
        return ranges.firstIndex { String(validating: bytes[$0], as: UTF8.self) == nil }
    }
}
