public import ChangeEvents
public import Store

/// What a replica asks of an org. Called from several tasks at a time; what waits, waits in here (an org's job, a budget).
public protocol OrgSource: Sendable {
    /// What the org says of an object now.
    func object(_ name: String) async throws(SourceError) -> SourceObject
    /// Has the org read rows; answers by which name it will be asked for them. That outlives this process.
    func beginRead(_ query: SourceQuery) async throws(SourceError) -> String
    /// Where the pages of a read begin, as soon as the org has read its rows.
    func pages(ofRead read: String) async throws(SourceError) -> SourcePages
    /// Hands on the page of a read that begins at a place, some thousand rows at a time. They come in no order. Several pages may be asked for
    /// at a time. Answers where the page behind it begins; nil: this was the last. Throws `SourceError`, and what `take` throws.
    func page(
        ofRead read: String, at place: String, _ query: SourceQuery, _ take: ([SourceRow]) async throws -> Void
    ) async throws -> String?
    /// Ids that cut an object into ranges of about so many rows, each the first of the next; none: it has no more, or the org does not
    /// tell.
    func chunkBounds(_ object: String, rows: Int) async throws(SourceError) -> SourceChunks
    /// The read is done with. What the org says of it is of no interest.
    func endRead(_ read: String) async
    /// Rows by their ids, those in the recycle bin among them; a record that is not there has none.
    /// - Parameter ids: at most `SourceQuery.idsMax`.
    func rows(_ query: SourceQuery, ids: [RecordID]) async throws(SourceError) -> [SourceRow]

    /// What has changed since a second, those in the recycle bin included; nil: ever. As of an instant before it answers.
    func changes(_ object: String, since: Int64?) async throws(SourceError) -> SourceChanges

    // For reconciliations. Every count is of live rows.

    /// API calls that were made by now, by whoever shares the account.
    var calls: Int { get }
    /// How many rows are in a range; nil: in all.
    func count(_ object: String, in range: SourceRange?) async throws(SourceError) -> Int
    /// How many rows each hour or day (since 1970, UTC) has, by a Date/Time field, in spans that do not overlap.
    func counts(
        _ object: String, of field: String, by unit: SourceSpan.Unit, in spans: [SourceSpan]
    ) async throws(SourceError) -> [Int64: Int]
    /// Reads rows of a query that are in one of the ranges (nil: all) to their end, some thousands at a time; they come in no order. Where it
    /// breaks off, what was handed on may come again: there is no place to go on from.
    /// - Parameter expected: how many they may be: few are read in another way than many.
    func read(
        _ query: SourceQuery, in ranges: [SourceRange]?, expected: Int, _ take: ([SourceRow]) async throws -> Void
    ) async throws
}

/// How much has changed.
public struct SourceChanges: Sendable, Hashable {
    /// Rows.
    public var count: Int
    /// The newest `SystemModstamp`: milliseconds since 1970; nil: there is no row.
    public var newest: Int64?

    public init(count: Int, newest: Int64?) {
        self.count = count
        self.newest = newest
    }
}

/// Hours since 1970, in UTC.
public struct SourceSpan: Sendable, Hashable {
    public enum Unit: Sendable, Hashable {
        case hour
        case day

        public var hours: Int64 { self == .hour ? 1 : 24 }

        /// Which one an hour since 1970 is in, since 1970.
        public func of(_ hour: Int64) -> Int64 { hour >= 0 ? hour / hours : -((hours - 1 - hour) / hours) }
    }

    /// Nil: from the first on.
    public var from: Int64?
    /// Excluded; nil: to the last.
    public var to: Int64?

    public init(from: Int64?, to: Int64?) {
        self.from = from
        self.to = to
    }

    public func contains(_ hour: Int64) -> Bool { from.map { $0 <= hour } ?? true && to.map { hour < $0 } ?? true }
}

/// Rows by a Date/Time field and by their ids.
public struct SourceRange: Sendable, Hashable {
    public var field: String
    /// Milliseconds since 1970, the end excluded.
    public var times: Range<Int64>
    /// Nil: from the first on.
    public var from: RecordID?
    /// Excluded; nil: to the last.
    public var to: RecordID?

    public init(field: String, times: Range<Int64>, from: RecordID? = nil, to: RecordID? = nil) {
        self.field = field
        self.times = times
        self.from = from
        self.to = to
    }
}

/// An object of the org, as far as a table of it needs to know.
public struct SourceObject: Sendable, Hashable {
    public struct Field: Sendable, Hashable {
        public var name: String
        public var type: ObjectTable.ColumnType
        /// A formula: its changes make no events.
        public var isCalculated: Bool
        public init(_ name: String, _ type: ObjectTable.ColumnType, isCalculated: Bool = false) {
            self.name = name
            self.type = type
            self.isCalculated = isCalculated
        }
    }

    /// API name.
    public var name: String
    /// Those that a table can have: no compound ones, whose components stand alone, and no contents of files. Without `Id`.
    public var fields: [Field]

    public init(name: String, fields: [Field]) {
        self.name = name
        self.fields = fields
    }
}

/// Which rows and which of their fields.
public struct SourceQuery: Sendable, Hashable, Codable {
    /// Of `OrgSource.rows`.
    public static let idsMax = 200

    public var object: String
    /// API names; `Id` and `SystemModstamp` come besides. The values of a row stand in this order.
    public var fields: [String]
    /// A SOQL condition; nil: all rows.
    public var condition: String?
    /// Rows in the recycle bin as well.
    public var includesDeleted: Bool
    /// Only rows whose `SystemModstamp` is not before this second: milliseconds since 1970; nil: whenever they changed.
    public var since: Int64?
    /// Only rows with these ids; nil: with any.
    public var ids: SourceIDRange?

    public init(
        object: String, fields: [String], condition: String? = nil, includesDeleted: Bool = false, since: Int64? = nil
    ) {
        self.object = object
        self.fields = fields
        self.condition = condition
        self.includesDeleted = includesDeleted
        self.since = since
    }
}

/// From an id on, and before another.
public struct SourceIDRange: Sendable, Hashable, Codable {
    /// Nil: from the first on.
    public var from: RecordID?
    /// Excluded; nil: to the last.
    public var to: RecordID?

    public init(from: RecordID?, to: RecordID?) {
        self.from = from
        self.to = to
    }

    public func contains(_ id: RecordID) -> Bool { from.map { $0 <= id } ?? true && to.map { id < $0 } ?? true }
}

/// How an object's rows are read in parts.
public struct SourceChunks: Sendable, Hashable {
    public var bounds: [RecordID]
    /// Rows in all; nil: the org does not tell.
    public var total: Int?

    public init(bounds: [RecordID], total: Int?) {
        self.bounds = bounds
        self.total = total
    }
}

/// A record as the org had it at some instant after it was asked.
public struct SourceRow: Sendable {
    public var id: RecordID
    public var isDeleted: Bool
    /// Milliseconds since 1970, in whole seconds.
    public var systemModstamp: Int64
    /// A value for each field of the query. Rows of a page share a shape.
    public var fields: RecordFields
    public init(id: RecordID, isDeleted: Bool, systemModstamp: Int64, fields: RecordFields) {
        self.id = id
        self.isDeleted = isDeleted
        self.systemModstamp = systemModstamp
        self.fields = fields
    }
}

/// The pages of a read.
public struct SourcePages: Sendable {
    /// Where they begin, the first one first.
    public var places: [String]
    /// Whether these are all; otherwise each page tells of the one behind it.
    public var areAll: Bool
    /// Rows of the whole read, where the org says so.
    public var total: Int?
    public init(places: [String], areAll: Bool, total: Int?) {
        self.places = places
        self.areAll = areAll
        self.total = total
    }
}

/// Why the org gave no rows.
public struct SourceError: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        /// Later it may: the network, the org's limits, our budget.
        case notNow
        /// The org does not know the read any more.
        case readGone
        /// It will not: no such object, no right, a condition that is wrong.
        case refused
    }
    public var code: Code
    public var message: String
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
    public var description: String { message }
}
