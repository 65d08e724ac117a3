#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Finds the next line of a text and the values in it. Looks at each byte once and copies none.
enum CSVScan {
    enum Result {
        /// The end of the line is not among the bytes.
        case incomplete
        /// There is nothing more.
        case end
        /// An empty line; the next begins there.
        case blank(next: Int)
        case line(end: Int, next: Int)
        case failure(CSVError)
    }

    private static let quote = UInt8(ascii: "\"")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    static func line(
        _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, dialect: CSVDialect, isFinal: Bool, row: Int,
        into target: inout CSVRow
    ) -> Result {
        let count = bytes.count
        guard start < count else { return isFinal ? .end : .incomplete }
        let delimiter = dialect.delimiter.byte
        var index = start
        while true {
            let valueStart = index
            var isQuoted = false
            if index < count, bytes[index] == quote {
                isQuoted = true
                guard let close = closingQuote(bytes, after: index, isFinal: isFinal, target.count, &target.escaped)
                else {
                    if !isFinal { return .incomplete }
                    return .failure(
                        CSVError(.unterminatedQuote, row: row, column: target.count + 1, "The quotes are not closed."))
                }
                target.ranges.append(index + 1 - start..<close - start)
                index = close + 1
            }
            // Behind a closed quote only a delimiter or the line's end may stand; elsewhere, what is there is the value.
            let tail = index
            while index < count {
                let byte = bytes[index]
                if byte == delimiter || byte == lineFeed { break }
                if byte == quote, target.fault == nil {
                    target.fault = strayQuote(row, target.count + (isQuoted ? 0 : 1))
                }
                index += 1
            }
            let atEnd = index == count
            if atEnd, !isFinal { return .incomplete }
            let endsLine = atEnd || bytes[index] == lineFeed
            var valueEnd = index
            if endsLine, !atEnd {
                let hasReturn = index > tail && bytes[index - 1] == carriageReturn
                if hasReturn { valueEnd = index - 1 }
                let expectsReturn = dialect.lineEnding == .crlf
                if dialect.lineEnding != .either, hasReturn != expectsReturn {
                    return .failure(
                        CSVError(
                            .wrongLineEnding, row: row, column: target.count + (isQuoted ? 0 : 1),
                            "LineEnding is invalid on user data. Current LineEnding setting is "
                                + dialect.lineEnding.rawValue))
                }
            }
            if isQuoted {
                if valueEnd > tail, target.fault == nil { target.fault = strayQuote(row, target.count) }
            } else {
                target.ranges.append(valueStart - start..<valueEnd - start)
            }
            guard endsLine else {
                index += 1
                continue
            }
            let next = atEnd ? index : index + 1
            if target.count == 1, !isQuoted, valueEnd == start { return .blank(next: next) }
            return .line(end: valueEnd, next: next)
        }
    }

    /// Nil where it is not among the bytes.
    private static func closingQuote(
        _ bytes: UnsafeBufferPointer<UInt8>, after open: Int, isFinal: Bool, _ column: Int, _ escaped: inout [Int]
    ) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        var index = open + 1
        var isEscaped = false
        while index < bytes.count, let found = memchr(base + index, Int32(quote), bytes.count - index) {
            let place = UnsafeRawPointer(found) - UnsafeRawPointer(base)
            if place + 1 < bytes.count {
                if bytes[place + 1] == quote {
                    isEscaped = true
                    index = place + 2
                    continue
                }
            } else if !isFinal {
                return nil
            }
            if isEscaped { escaped.append(column) }
            return place
        }
        return nil
    }

    private static func strayQuote(_ row: Int, _ column: Int) -> CSVError {
        CSVError(
            .strayQuote, row: row, column: column,
            "A quote stands beside something that is neither a delimiter nor the end of the line; spaces are not trimmed."
        )
    }
}
