public import ChangeEvents

/// What the doors need of an org that answers SOQL: REST and composite as pages of JSON, Bulk as batches of typed rows.
///
/// Every error is Salesforce's: `MALFORMED_QUERY`, `INVALID_FIELD`, `INVALID_TYPE`, `INVALID_QUERY_FILTER_OPERATOR`,
/// `INVALID_QUERY_LOCATOR`, with the text pointing at the place.
public protocol QueryService: Sendable {
    /// Runs a query and answers its first page.
    ///
    /// `batchSize` is what the caller wishes (`Sforce-Query-Options: batchSize=500`): it is brought between 200 and 2,000,
    /// nil means 2,000.
    func query(
        _ soql: String, scope: QueryScope, batchSize: Int?, context: CallContext
    ) async throws(OrgError) -> QueryPage

    /// The page that a locator (`01g…-2000`, the last element of `nextRecordsUrl`) stands for. The same page can be had
    /// again as long as the locator lives.
    func nextPage(locator: String, context: CallContext) async throws(OrgError) -> QueryPage

    /// Prepares a query for reading as rows: parses and plans it, reads nothing. Refuses what Bulk refuses (aggregates,
    /// `GROUP BY`, `OFFSET`, subqueries, compound fields).
    func rowQuery(_ soql: String, scope: QueryScope, context: CallContext) async throws(OrgError) -> RowQuery

    /// The next rows after a place, at most `limit`. `after` nil: from the beginning.
    ///
    /// Places stay valid over restarts and may be used again. Each call reads one snapshot; rows that change between two
    /// calls appear in either version.
    func rows(
        of query: RowQuery, after place: RowPlace?, limit: Int, context: CallContext
    ) async throws(OrgError) -> RowBatch
}

public enum QueryScope: String, Sendable, Hashable, Codable {
    /// `query`: what is not in the recycle bin.
    case live
    /// `queryAll`: deleted rows too.
    case all
}

/// One page of an answer.
public struct QueryPage: Sendable, Hashable {
    /// Rows of the whole result, not of this page.
    public var totalSize: Int
    /// `01g5g00000000aB-2000`; nil for the last page.
    public var nextLocator: String?
    /// Ready to be written: with `attributes`, parents and children nested.
    public var records: [JSONValue]
    public var isDone: Bool { nextLocator == nil }

    public init(totalSize: Int, nextLocator: String?, records: [JSONValue]) {
        self.totalSize = totalSize
        self.nextLocator = nextLocator
        self.records = records
    }

    /// `{"totalSize":…,"done":…,"nextRecordsUrl":…,"records":[…]}`, as `/query` answers it.
    public func json(apiVersion: String) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init(name: "totalSize", value: .number(String(totalSize))), .init(name: "done", value: .boolean(isDone)),
        ]
        if let nextLocator {
            members.append(
                .init(name: "nextRecordsUrl", value: .string("/services/data/v\(apiVersion)/query/\(nextLocator)")))
        }
        members.append(.init(name: "records", value: .array(records)))
        return .object(members)
    }
}

/// A query that is read as rows.
public struct RowQuery: Sendable, Hashable {
    public var soql: String
    public var scope: QueryScope
    /// API name of the object in `FROM`.
    public var object: String
    /// Headings in the order of the query: `Id`, `Name`, `Owner.Name`.
    public var columns: [String]

    public init(soql: String, scope: QueryScope, object: String, columns: [String]) {
        self.soql = soql
        self.scope = scope
        self.object = object
        self.columns = columns
    }
}

/// Where reading rows goes on. An opaque text without spaces.
public struct RowPlace: RawRepresentable, Sendable, Hashable, Codable {
    public var rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// Rows one after the other in one array, because an array per row would cost more than the row.
public struct RowBatch: Sendable {
    public var columnCount: Int
    public var rowCount: Int
    /// `rowCount × columnCount` values.
    public var values: [FieldValue]
    /// Nil when there are no further rows.
    public var next: RowPlace?

    public init(columnCount: Int, rowCount: Int, values: [FieldValue], next: RowPlace?) {
        self.columnCount = columnCount
        self.rowCount = rowCount
        self.values = values
        self.next = next
    }

    public func row(_ index: Int) -> ArraySlice<FieldValue> {
        values[index * columnCount..<(index + 1) * columnCount]
    }
}
