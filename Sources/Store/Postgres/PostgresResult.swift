import ChangeEvents
import CPostgres

/// What a statement answered; freed with its last reference. Used on one thread.
final class PostgresResult {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { PQclear(pointer) }

    var rowCount: Int { Int(PQntuples(pointer)) }

    func row(_ index: Int) -> PostgresRow { PostgresRow(result: self, index: Int32(index)) }

    var rows: some Sequence<PostgresRow> { (0..<rowCount).lazy.map { self.row($0) } }

    var first: PostgresRow? { rowCount == 0 ? nil : row(0) }

    /// Rows that a command has written.
    var affectedCount: Int { Int(String(cString: PQcmdTuples(pointer))) ?? 0 }

    /// `COMMIT`, `ROLLBACK`, `UPDATE 3`.
    var command: String { String(cString: PQcmdStatus(pointer)) }
}

/// One row of a result in binary form.
struct PostgresRow {
    let result: PostgresResult
    let index: Int32

    func isNull(_ column: Int) -> Bool { PQgetisnull(result.pointer, index, Int32(column)) == 1 }

    /// The bytes are the result's: valid inside the body.
    func withBytes<T, Failure: Error>(
        _ column: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> T
    ) throws(Failure) -> T {
        let count = Int(PQgetlength(result.pointer, index, Int32(column)))
        let start = UnsafeRawPointer(PQgetvalue(result.pointer, index, Int32(column)))
        defer { withExtendedLifetime(result) {} }
        return try body(UnsafeRawBufferPointer(start: start, count: count))
    }

    func bytes(_ column: Int) -> [UInt8] { withBytes(column) { Array($0) } }

    func count(_ column: Int) -> Int { Int(PQgetlength(result.pointer, index, Int32(column))) }

    /// Of a column of a whole or logical type; 0 for null and for other types.
    func integer(_ column: Int) -> Int64 {
        withBytes(column) { bytes in
            switch bytes.count {
            case 1: Int64(bytes[0])
            case 2: Int64(Int16(bigEndian: bytes.loadUnaligned(as: Int16.self)))
            case 4: Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
            case 8: Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
            default: 0
            }
        }
    }

    func boolean(_ column: Int) -> Bool { integer(column) != 0 }

    /// A text of our own tables; nil where it is not as it was written.
    func text(_ column: Int) -> String? { withBytes(column) { PostgresText.unescaped($0) } }

    /// The same of one that is likely to come again in this read.
    func name(_ column: Int, _ names: NameCache) -> String? {
        withBytes(column) { $0.contains(0x10) ? PostgresText.unescaped($0) : names.name($0) }
    }

    /// A text as an application's column has it.
    func plainText(_ column: Int) -> String? { withBytes(column) { String(checking: $0) } }

    private func type(_ column: Int) -> PostgresType? {
        PostgresType(rawValue: PQftype(result.pointer, Int32(column)))
    }

    /// As a field of this type; nil where the column holds something else.
    func value(_ column: Int, as wanted: ObjectTable.ColumnType) -> FieldValue? {
        if isNull(column) { return .null }
        guard let type = type(column) else { return nil }
        switch (wanted, type) {
        case (.text, .text), (.text, .varchar), (.text, .bpchar), (.identifier, .text), (.identifier, .varchar),
            (.identifier, .bpchar):
            return plainText(column).map { .string($0) }
        case (.boolean, .bool): return .boolean(boolean(column))
        case (.integer, .int2), (.integer, .int4), (.integer, .int8): return .integer(integer(column))
        case (.double, .int2), (.double, .int4), (.double, .int8): return .double(Double(integer(column)))
        case (.double, .numeric): return withBytes(column) { PostgresNumeric.decode($0) }.map { .double($0) }
        case (.double, .float4):
            return .double(Double(Float(bitPattern: UInt32(truncatingIfNeeded: integer(column)))))
        case (.double, .float8): return .double(Double(bitPattern: UInt64(bitPattern: integer(column))))
        case (.date, .date): return PostgresTime.milliseconds(days: integer(column)).map { .date(milliseconds: $0) }
        case (.dateTime, .timestamptz), (.dateTime, .timestamp):
            return PostgresTime.milliseconds(stamp: integer(column)).map { .dateTime(milliseconds: $0) }
        case (.time, .time): return .time(milliseconds: integer(column) / 1_000)
        default: return nil
        }
    }
}

/// PostgreSQL counts dates and times from 2000-01-01, in days and in microseconds.
enum PostgresTime {
    static let millisecondsPerDay: Int64 = 86_400_000
    /// Of 2000-01-01.
    private static let epochDays: Int64 = 10_957
    private static var epochMilliseconds: Int64 { epochDays * millisecondsPerDay }
    /// From 0001-01-01 to 9999-12-31: what every client of the database can show, and far more than Salesforce allows.
    private static let range: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999

    static func holds(date milliseconds: Int64) -> Bool {
        range.contains(milliseconds) && milliseconds % millisecondsPerDay == 0
    }

    static func holds(dateTime milliseconds: Int64) -> Bool { range.contains(milliseconds) }

    static func holds(time milliseconds: Int64) -> Bool { (0..<millisecondsPerDay).contains(milliseconds) }

    static func days(_ milliseconds: Int64) -> Int32 { Int32(milliseconds / millisecondsPerDay - epochDays) }

    static func stamp(_ milliseconds: Int64) -> Int64 { (milliseconds - epochMilliseconds) * 1_000 }

    /// Nil for what an application may have written and no field can be (`infinity`).
    static func milliseconds(days: Int64) -> Int64? {
        let value = (days + epochDays) * millisecondsPerDay
        return range.contains(value) ? value : nil
    }

    /// Parts of a millisecond are cut off.
    static func milliseconds(stamp: Int64) -> Int64? {
        let whole = stamp / 1_000 - (stamp % 1_000 < 0 ? 1 : 0)
        let value = whole.addingReportingOverflow(epochMilliseconds)
        return !value.overflow && range.contains(value.partialValue) ? value.partialValue : nil
    }
}
