/// Runs what requests do to the org's records, each in a transaction of its own; the sandbox is one.
public protocol RecordService: Sendable {
    /// Runs `body` on one consistent state of the org, beside whoever writes. Its writing calls are refused as the door's
    /// mistake.
    func reading<T: Sendable>(
        _ context: CallContext, _ body: @escaping @Sendable (any OrgWork) throws -> T
    ) async throws -> T
    /// Runs `body` in one transaction of the org: when it throws, nothing has happened and its error is thrown; otherwise
    /// everything is durable when this returns, and the change events are out.
    func writing<T: Sendable>(
        _ context: CallContext, _ body: @escaping @Sendable (any OrgWork) throws -> T
    ) async throws -> T
}

/// The org as the body of one transaction sees it, its own changes included.
///
/// Synchronous: it lives on the store's thread and must not leave the body. A call that throws has changed nothing, so the
/// body may catch the error and go on.
public protocol OrgWork {
    /// A new record, or a published event.
    func create(_ object: String, _ fields: [JSONValue.Member]) throws(OrgError) -> SavedRecord
    func update(_ object: String, _ id: String, _ fields: [JSONValue.Member]) throws(OrgError)
    /// Updates the record whose external id has this value, or creates it. Throws status 300 with `choices` where several
    /// have it.
    func upsert(
        _ object: String, _ key: ExternalKey, _ fields: [JSONValue.Member]
    ) throws(OrgError) -> SavedRecord
    func delete(_ object: String, _ id: String) throws(OrgError)
    /// Brings a record back from the recycle bin, with what went with it.
    func undelete(_ id: String) throws(OrgError)
    /// Takes a record out of the recycle bin for good, with what went with it.
    func purge(_ id: String) throws(OrgError)
    func merge(_ merge: RecordMerge) throws(OrgError) -> MergedRecord
    func convert(_ lead: LeadConvert) throws(OrgError) -> LeadConvertResult
    /// `fields` nil: all.
    func retrieve(_ object: String, _ id: String, fields: [String]?) throws(OrgError) -> FoundRecord
    /// The id of the record that an external id names; status 300 with `choices` where there are several.
    func id(of object: String, _ key: ExternalKey) throws(OrgError) -> String
    /// Whether a field of an object can stand in a path as an external id (`Id` can).
    func isKey(_ field: String, of object: String) throws(OrgError) -> Bool
    /// The object whose records have ids like this one; nil: none.
    func object(ofID id: String) -> String?
    /// Where `/sobjects/X/{id}/{relationship}` leads; nil: the object has no such relationship.
    func relationship(_ name: String, of object: String, _ id: String) throws(OrgError) -> Relationship?
    /// The object behind a child relationship's name, and its field that points at the parent.
    func childReference(_ name: String, of object: String) throws(OrgError) -> (object: String, field: String)?
    /// The content of a field that is bytes; nil: the object has no such field.
    func blob(_ field: String, of object: String, _ id: String) throws(OrgError) -> Blob?

    func describeGlobal() throws(OrgError) -> Description
    func describe(_ object: String) throws(OrgError) -> Description

    /// What changed, and what was deleted, from `start` to before `end`: date-times as the caller wrote them. Throws for
    /// windows that an org does not look at, and for objects that it does not replicate.
    func updated(_ object: String, _ start: String, _ end: String) throws(OrgError) -> JSONValue
    func deleted(_ object: String, _ start: String, _ end: String) throws(OrgError) -> JSONValue

    /// The document of a query's first page. `batchSize` nil: the org's default.
    func query(_ text: String, includingDeleted: Bool, batchSize: Int?) throws(OrgError) -> JSONValue
    func queryMore(_ locator: String, batchSize: Int?) throws(OrgError) -> JSONValue
    /// What a search finds: one list of records per object, in the order in which they are asked for.
    func search(_ search: RecordSearch) throws(OrgError) -> [JSONValue]
    /// Live records by object; an empty list: of all objects.
    func recordCounts(of objects: [String]) throws(OrgError) -> [(object: String, count: Int)]
    /// The caller looks at a record, and says so (`Sforce-Mru`, `MruHeader`): it is the newest of his recent ones from now on.
    func viewed(_ id: String)
    /// The records that the caller has viewed lately, of one object or (nil) of all, newest first: `attributes`, `Id` and the
    /// field that names the record.
    func recent(of object: String?, limit: Int) throws(OrgError) -> [JSONValue]

    /// Runs `body` as a part that can fail by itself: where it answers false or throws, everything it did is undone.
    func part(_ body: () throws -> Bool) throws
}

/// An external id and its value.
public struct ExternalKey: Sendable, Hashable {
    public var field: String
    public var value: JSONValue
    public init(field: String, value: JSONValue) {
        self.field = field
        self.value = value
    }
}

/// The answer to a save.
public struct SavedRecord: Sendable, Hashable {
    public var id: String
    public var isCreated: Bool
    /// What Salesforce says in `errors` of a success: `OPERATION_ENQUEUED` with the event's UUID.
    public var remarks: [OrgError]
    public init(id: String, isCreated: Bool, remarks: [OrgError] = []) {
        self.id = id
        self.isCreated = isCreated
        self.remarks = remarks
    }
}

public struct FoundRecord: Sendable {
    /// With `attributes`.
    public var document: JSONValue
    /// Milliseconds since 1970; nil for what has no such date.
    public var lastModified: Int64?
    /// For objects whose rows have one; without quotes.
    public var entityTag: String?
    public init(document: JSONValue, lastModified: Int64?, entityTag: String?) {
        self.document = document
        self.lastModified = lastModified
        self.entityTag = entityTag
    }
}

public struct Description: Sendable {
    public var document: JSONValue
    /// When what it describes changed last, in milliseconds since 1970.
    public var lastModified: Int64
    public init(document: JSONValue, lastModified: Int64) {
        self.document = document
        self.lastModified = lastModified
    }
}

public enum Relationship: Sendable, Hashable {
    /// Nil: the reference is empty.
    case parent(object: String, id: String?)
    case children(object: String, field: String)
}

public struct Blob: Sendable {
    public var bytes: [UInt8]
    public var contentType: String
    public init(bytes: [UInt8], contentType: String) {
        self.bytes = bytes
        self.contentType = contentType
    }
}

/// A search over objects' text: what SOSL's `FIND` and the parameterized search ask.
public struct RecordSearch: Sendable, Hashable {
    public enum Scope: String, Sendable {
        case all = "ALL"
        case name = "NAME"
        case email = "EMAIL"
        case phone = "PHONE"
    }
    public struct Target: Sendable, Hashable {
        public var object: String
        /// Empty: the id alone.
        public var fields: [String]
        /// SOQL conditions, without `WHERE`.
        public var condition: String?
        public var orderBy: String?
        public var limit: Int?
        public init(
            object: String, fields: [String] = [], condition: String? = nil, orderBy: String? = nil, limit: Int? = nil
        ) {
            self.object = object
            self.fields = fields
            self.condition = condition
            self.orderBy = orderBy
            self.limit = limit
        }
    }
    /// The words and phrases that must all occur, `*` and `?` as wildcards.
    public var terms: [String]
    public var scope: Scope
    /// Empty: all objects that can be searched.
    public var targets: [Target]
    public var limit: Int
    public init(terms: [String], scope: Scope, targets: [Target], limit: Int) {
        self.terms = terms
        self.scope = scope
        self.targets = targets
        self.limit = limit
    }
}
