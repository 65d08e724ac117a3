import CSV

/// CSV: the rows of the whole are those of its pieces, and those of a reader that goes on where another has stopped; rows
/// that are written are read the same.
enum CSVTexts {
    fileprivate struct Row: Equatable {
        var values: [String]
        var number: Int
        var fault: CSVError?
        /// Where the next one begins.
        var end: Int
    }

    static func run(_ input: inout FuzzInput) {
        let choice = input.byte()
        let seed = input.byte()
        let dialect = CSVDialect(
            delimiter: CSVDialect.Delimiter.allCases[Int(choice >> 2) % CSVDialect.Delimiter.allCases.count],
            lineEnding: CSVDialect.LineEnding.allCases[Int(choice & 3) % CSVDialect.LineEnding.allCases.count])
        let text = input.remaining()
        let (rows, error) = rows(of: [text], CSVReader(dialect))
        let (pieced, piecedError) = Self.rows(of: text.pieces(seed: seed), CSVReader(dialect))
        property("rows in pieces are those of the whole", holds: rows == pieced)
        property("pieces of a text fail as the whole does", holds: error == piecedError)
        property("no more is read than there is", holds: rows.allSatisfy { $0.end <= text.count })
        for (index, row) in rows.enumerated().prefix(8) where row.end > 0 {
            let rest = Array(text[row.end...])
            let reader = CSVReader(dialect, at: row.end, rowNumber: row.number, columnCount: row.values.count)
            let (following, followingError) = Self.rows(of: [rest], reader)
            property(
                "another reader goes on where one has stopped",
                holds: following.map(\.values) == rows[(index + 1)...].map(\.values)
                    && following.map(\.end) == rows[(index + 1)...].map(\.end) && followingError?.code == error?.code)
        }
        write(rows, dialect)
        header(text, dialect)
        bounded(text, seed)
    }

    private static func rows(of pieces: [[UInt8]], _ reader: CSVReader) -> (rows: [Row], error: CSVError?) {
        var reader = reader
        var rows: [Row] = []
        var row = CSVRow()
        do throws(CSVError) {
            for piece in pieces {
                reader.append(piece)
                while try reader.next(into: &row) { rows.append(Row(row, reader)) }
            }
            reader.finish()
            while try reader.next(into: &row) { rows.append(Row(row, reader)) }
            return (rows, nil)
        } catch {
            return (rows, error)
        }
    }

    private static func write(_ rows: [Row], _ dialect: CSVDialect) {
        let sound = rows.filter { $0.fault == nil }
        var writer = CSVWriter(dialect)
        for row in sound { writer.write(row: row.values) }
        let (again, error) = Self.rows(of: [writer.take()], CSVReader(dialect))
        property(
            "rows that are written are read the same", holds: error == nil && again.map(\.values) == sound.map(\.values)
        )
    }

    private static func header(_ text: [UInt8], _ dialect: CSVDialect) {
        var reader = CSVReader(dialect)
        reader.append(text)
        reader.finish()
        var row = CSVRow()
        guard let headings = attempt({ try reader.header(into: &row) }), let headings else { return }
        property("headings are names", holds: !headings.isEmpty && headings.allSatisfy { !$0.isEmpty })
        property("no heading stands twice", holds: Set(headings.map { $0.lowercased() }).count == headings.count)
        while attempt({ try reader.next(into: &row) }) == true {
            property(
                "a row without fault has a value for each heading",
                holds: row.fault != nil || row.count == headings.count)
        }
    }

    /// With bounds that inputs can reach.
    private static func bounded(_ text: [UInt8], _ seed: UInt8) {
        var limits = CSVLimits()
        limits.rowBytesMax = 20
        limits.headerBytesMax = 20
        limits.columnsMax = 3
        for pieces in [[text], text.pieces(seed: seed)] {
            let (rows, _) = Self.rows(of: pieces, CSVReader(CSVDialect(lineEnding: .either), limits: limits))
            property(
                "rows are not longer than their bound",
                holds: rows.allSatisfy { $0.values.count <= 3 && $0.values.reduce(0) { $0 + $1.utf8.count } <= 20 })
        }
    }
}

extension CSVTexts.Row {
    fileprivate init(_ row: CSVRow, _ reader: CSVReader) {
        self.init(values: row.values, number: row.number, fault: row.fault, end: reader.offset)
    }
}
