import Testing
import TestSupport

@testable import CSV

/// Everything of a text, read in pieces of a given size.
private func rows(
    _ bytes: [UInt8], _ dialect: CSVDialect = CSVDialect(), piece: Int = 3, limits: CSVLimits = CSVLimits()
) throws(CSVError) -> [[String]] {
    var reader = CSVReader(dialect, limits: limits)
    var row = CSVRow()
    var rows: [[String]] = []
    var rest = bytes[...]
    var headings: [String]?
    while true {
        if headings == nil {
            headings = try reader.header(into: &row)
            if let headings {
                rows.append(headings)
                continue
            }
        } else if try reader.next(into: &row) {
            if let fault = row.fault { throw fault }
            rows.append(row.values)
            continue
        }
        if rest.isEmpty {
            if headings != nil, try !reader.next(into: &row) {
                reader.finish()
                while try reader.next(into: &row) {
                    if let fault = row.fault { throw fault }
                    rows.append(row.values)
                }
                return rows
            }
            reader.finish()
        } else {
            reader.append(rest.prefix(piece))
            rest = rest.dropFirst(piece)
        }
    }
}

private func rows(_ text: String, _ dialect: CSVDialect = CSVDialect(), piece: Int = 3) throws(CSVError) -> [[String]] {
    try rows(Array(text.utf8), dialect, piece: piece)
}

private func failure(_ text: String, _ dialect: CSVDialect = CSVDialect()) -> CSVError? {
    do {
        _ = try rows(text, dialect)
        return nil
    } catch {
        return error
    }
}

struct CSVReaderTests {
    @Test(arguments: [1, 2, 3, 7, 1_000])
    func valuesComeWholeHoweverTheBytesArrive(piece: Int) throws {
        let text = "Id,Name,Note\n1,\"Smith, \"\"Joe\"\"\",\"two\nlines\"\n2,Ж 漢字 🚗,\n3,\"\",x\n"
        #expect(
            try rows(text, piece: piece) == [
                ["Id", "Name", "Note"], ["1", "Smith, \"Joe\"", "two\nlines"], ["2", "Ж 漢字 🚗", ""], ["3", "", "x"],
            ])
    }

    @Test(arguments: CSVDialect.Delimiter.allCases, [CSVDialect.LineEnding.lf, .crlf])
    func everyDelimiterAndLineEnding(delimiter: CSVDialect.Delimiter, lineEnding: CSVDialect.LineEnding) throws {
        let dialect = CSVDialect(delimiter: delimiter, lineEnding: lineEnding)
        var writer = CSVWriter(dialect)
        let all = CSVDialect.Delimiter.allCases.map { String(Unicode.Scalar($0.byte)) }.joined()
        let expected = [["A", "B"], [all, "\"\r\n\""], ["", "plain"]]
        for row in expected { writer.write(row: row) }
        #expect(try rows(writer.take(), dialect) == expected)
    }

    @Test func spacesAreKeptAndNotTrimmed() throws {
        #expect(try rows("A,B\n x , y \n") == [["A", "B"], [" x ", " y "]])
    }

    @Test(arguments: ["A,B\n\"x\" ,y\n", "A,B\n \"x\",y\n", "A,B\nx,\"y\" \n", "A,B\nx,y\"\n", "A,B\n\"x\"y,z\n"])
    func whatStandsBesideAQuoteIsAnError(text: String) {
        #expect(failure(text)?.code == .strayQuote)
        #expect(failure(text)?.row == 2)
    }

    @Test func aStrayQuoteNamesItsColumnAndOnlyItsRowIsLost() throws {
        var reader = CSVReader(CSVDialect())
        reader.append(Array("A,B,C\n1, \"2\",3\n4,5,6\n".utf8))
        var row = CSVRow()
        _ = try reader.header(into: &row)
        #expect(try reader.next(into: &row))
        #expect(row.fault?.column == 2)
        #expect(try reader.next(into: &row))
        #expect(row.fault == nil && row.values == ["4", "5", "6"])
    }

    @Test func aRowWithMoreOrFewerValuesIsTold() {
        #expect(failure("A,B\n1\n")?.code == .ragged)
        #expect(failure("A,B\n1,2,3\n")?.code == .ragged)
        #expect(failure("A,B\n1,2\n1,2,3\n")?.row == 3)
    }

    @Test func theLastLineNeedsNoEnd() throws {
        #expect(try rows("A,B\n1,2") == [["A", "B"], ["1", "2"]])
        #expect(try rows("A,B\n1,\"2\"") == [["A", "B"], ["1", "2"]])
        #expect(try rows("A,B\n1,") == [["A", "B"], ["1", ""]])
    }

    @Test func emptyLinesAreNoRows() throws {
        #expect(try rows("\nA\n\n1\n\n\n") == [["A"], ["1"]])
        #expect(try rows("A\n\"\"\n") == [["A"], [""]])
    }

    @Test func aByteOrderMarkIsNoPartOfTheFirstName() throws {
        #expect(try rows([0xEF, 0xBB, 0xBF] + Array("A\n1\n".utf8), piece: 100) == [["A"], ["1"]])
        #expect(try rows([0xEF, 0xBB, 0xBF] + Array("A\n1\n".utf8), piece: 4) == [["A"], ["1"]])
    }

    @Test func theOtherLineEndingIsRefusedInSalesforcesWords() {
        let wrong = failure("A,B\r\n1,2\r\n")
        #expect(wrong?.code == .wrongLineEnding)
        #expect(wrong?.message == "LineEnding is invalid on user data. Current LineEnding setting is LF")
        #expect(failure("A,B\n1,2\n", CSVDialect(lineEnding: .crlf))?.code == .wrongLineEnding)
    }

    @Test func eitherLineEndingIsTakenWhereTheDialectSaysSo() throws {
        #expect(
            try rows("A,B\r\n1,2\n3,4\r\n", CSVDialect(lineEnding: .either)) == [["A", "B"], ["1", "2"], ["3", "4"]])
    }

    @Test func bytesThatAreNotUTF8AreToldWithTheirPlace() {
        do {
            _ = try rows(Array("A,B\n1,".utf8) + [0xC3, 0x28] + Array("\n".utf8))
            Issue.record("it was read")
        } catch {
            #expect(error.code == .invalidUTF8 && error.row == 2 && error.column == 2)
        }
    }

    @Test func utf16IsRefused() {
        let text = "A,B\n1,2\n"
        var bytes: [UInt8] = [0xFF, 0xFE]
        for unit in text.utf16 { bytes += [UInt8(unit & 0xFF), UInt8(unit >> 8)] }
        do {
            _ = try rows(bytes)
            Issue.record("it was read")
        } catch {
            #expect(error.code == .invalidUTF8 && error.row == 1)
        }
    }

    @Test func quotesThatNeverCloseAreAnError() {
        let open = failure("A,B\n1,\"2\n3,4\n")
        #expect(open?.code == .unterminatedQuote && open?.row == 2 && open?.column == 2)
    }

    @Test func noHeaderOrABadOne() {
        #expect(failure("")?.code == .noHeader)
        #expect(failure("\n\n")?.code == .noHeader)
        #expect(failure("A,,C\n")?.code == .badHeading)
        #expect(failure("A,B,a\n")?.code == .badHeading)
        #expect(failure("A,B,a\n")?.column == 3)
    }

    @Test func theHeaderIsBounded() throws {
        let name = String(repeating: "x", count: 31_998)
        #expect(try rows("\(name),B\n1,2\n", piece: 1_000).count == 2)
        #expect(failure("\(name),BC\n1,2\n")?.code == .headerTooLong)
        #expect(failure(String(repeating: "y", count: 40_000))?.code == .headerTooLong)
    }

    @Test func rowsAndColumnsAreBounded() {
        var limits = CSVLimits()
        limits.rowBytesMax = 100
        limits.columnsMax = 3
        func code(_ text: String) -> CSVError.Code? {
            do {
                _ = try rows(Array(text.utf8), piece: 64, limits: limits)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code("A\n\(String(repeating: "x", count: 100))\n") == nil)
        #expect(code("A\n\(String(repeating: "x", count: 101))\n") == .rowTooLong)
        #expect(code("A\n\"\(String(repeating: "\n", count: 500))") == .rowTooLong)
        #expect(code("A,B,C\n") == nil)
        #expect(code("A,B,C,D\n") == .tooManyColumns)
    }

    @Test func readingGoesOnAtAPlace() throws {
        let text = Array("A,B\n1,\"x\ny\"\n2,z\n3,\"\"\"\"\n".utf8)
        var first = CSVReader(CSVDialect())
        first.append(text)
        var row = CSVRow()
        let headings = try first.header(into: &row)
        #expect(try first.next(into: &row))
        var second = CSVReader(
            CSVDialect(), at: first.offset, rowNumber: first.rowNumber, columnCount: try #require(headings).count)
        second.append(text[first.offset...])
        second.finish()
        #expect(try second.next(into: &row))
        #expect(row.values == ["2", "z"] && row.number == 3)
        #expect(try second.next(into: &row))
        #expect(row.values == ["3", "\""])
        #expect(try !second.next(into: &row))
        #expect(second.offset == text.count)
    }

    @Test func randomTablesComeBackAsTheyWere() throws {
        var random = SeededRandom(seed: 27)
        let alphabet = Array("ab \"\",|;\t^`\n\r #Ж漢🚗é")
        for _ in 0..<300 {
            let dialect = CSVDialect(
                delimiter: CSVDialect.Delimiter.allCases.randomElement(using: &random) ?? .comma,
                lineEnding: Bool.random(using: &random) ? .lf : .crlf)
            let columns = Int.random(in: 1...5, using: &random)
            var table = [(0..<columns).map { "c\($0)" }]
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                table.append(
                    (0..<columns).map { _ in
                        String(
                            (0..<Int.random(in: 0...6, using: &random)).map { _ in
                                alphabet.randomElement(using: &random) ?? "a"
                            })
                    })
            }
            var writer = CSVWriter(dialect)
            for row in table { writer.write(row: row) }
            #expect(try rows(writer.take(), dialect, piece: Int.random(in: 1...9, using: &random)) == table)
        }
    }

    @Test func randomBytesNeverCrashIt() {
        var random = SeededRandom(seed: 28)
        let alphabet: [UInt8] = Array("a,\"\n\r ".utf8) + [0xC3, 0xA9, 0xFF, 0x00]
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            do {
                _ = try rows(bytes, piece: Int.random(in: 1...9, using: &random))
            } catch {
                #expect(error.row >= 1 && error.column >= 1)
            }
        }
    }
}
