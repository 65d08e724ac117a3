import CSV
import NIOCore

/// An answer that broke: the page may be read again. A type of its own, because receivers of rows throw `OrgAPIError` too.
struct BrokenPage: Error {
    var error: OrgAPIError
}

/// Reads a page of a job's results row by row, over as many attempts as it takes: a page that broke off is read again from
/// its beginning, and the rows that were handed on before are passed over. Pure.
///
/// The org says how many rows the page has; fewer are a page that broke off without anybody noticing.
struct BulkPageReader {
    /// Objects with 800 fields of 40 characters have longer headers than Salesforce takes in uploads.
    private static let limits: CSVLimits = {
        var limits = CSVLimits()
        limits.headerBytesMax = 1 << 20
        return limits
    }()

    private(set) var header: [String]?
    /// Rows that were handed on, over all attempts.
    private(set) var delivered = 0
    private var expected: Int?
    private var reader = CSVReader(CSVDialect(lineEnding: .either), limits: limits)
    private var row = CSVRow()
    /// Rows of this attempt.
    private var seen = 0
    private var hasHeader = false

    /// A new attempt. Throws where the page is not the one of before.
    mutating func begin(rows: Int?) throws(OrgAPIError) {
        if let rows, let expected, rows != expected { throw Self.changed }
        expected = rows ?? expected
        reader = CSVReader(CSVDialect(lineEnding: .either), limits: Self.limits)
        seen = 0
        hasHeader = false
    }

    /// What the CSV is wrong in. A type of its own, because receivers of rows throw `OrgAPIError` too.
    private struct Fault: Error {
        var error: CSVError
    }

    /// Hands on the rows that are whole. Throws `OrgAPIError(.answerUnreadable)`, or what the closures throw.
    mutating func take(
        _ bytes: ByteBuffer, onHeader: ([String]) throws -> Void, onRow: (CSVRow) throws -> Void
    ) throws {
        reader.append(bytes.readableBytesView)
        do {
            try drain(onHeader, onRow)
        } catch let fault as Fault {
            throw Self.unreadable(fault)
        }
    }

    /// No more bytes come. Throws `BrokenPage` where rows are missing, or else like `take`.
    mutating func finish(onHeader: ([String]) throws -> Void, onRow: (CSVRow) throws -> Void) throws {
        reader.finish()
        do {
            try drain(onHeader, onRow)
        } catch let fault as Fault {
            // Half a row at the end is no mistake of the writer's.
            guard let expected, seen < expected else { throw Self.unreadable(fault) }
            throw Self.cut(seen, expected)
        }
        if let expected, seen != expected { throw Self.cut(seen, expected) }
    }

    private mutating func drain(_ onHeader: ([String]) throws -> Void, _ onRow: (CSVRow) throws -> Void) throws {
        if !hasHeader {
            guard let names = try headings() else { return }
            hasHeader = true
            if let header {
                guard names == header else { throw Self.changed }
            } else {
                header = names
                try onHeader(names)
            }
        }
        while try nextRow() {
            if let fault = row.fault { throw Fault(error: fault) }
            seen += 1
            if seen <= delivered { continue }
            try onRow(row)
            delivered = seen
        }
    }

    private mutating func headings() throws(Fault) -> [String]? {
        do throws(CSVError) {
            return try reader.header(into: &row)
        } catch {
            throw Fault(error: error)
        }
    }

    private mutating func nextRow() throws(Fault) -> Bool {
        do throws(CSVError) {
            return try reader.next(into: &row)
        } catch {
            throw Fault(error: error)
        }
    }

    private static func unreadable(_ fault: Fault) -> OrgAPIError {
        OrgAPIError(
            .answerUnreadable, "The results are not the CSV that was expected: \(fault.error)", cause: fault.error)
    }

    private static func cut(_ seen: Int, _ expected: Int) -> BrokenPage {
        BrokenPage(error: OrgAPIError(.unavailable, "The results broke off after \(seen) of \(expected) rows."))
    }

    private static let changed = OrgAPIError(
        .answerUnreadable, "The results have changed between two readings of the same page.")
}
