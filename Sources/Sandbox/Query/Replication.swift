import ChangeEvents
import Doors
import Store

/// What replicators ask for: the ids of what changed, or was deleted, within a window of time.
struct Replication {
    /// How far back an org looks.
    static let daysMax: Int64 = 30
    static let identifiersMax = 600_000
    private static let minute: Int64 = 60_000

    let object: ObjectDefinition
    /// Whole minutes: seconds are not looked at.
    let start: Int64
    let end: Int64
    let now: Int64

    /// `start` and `end` as the caller wrote them.
    init(_ object: ObjectDefinition, from start: String, to end: String, now: Int64) throws(OrgError) {
        guard let from = OrgTime.dateTime(start), let to = OrgTime.dateTime(end) else {
            throw Self.refusal("startDate and endDate must be date-times: \(start), \(end)")
        }
        self.object = object
        self.start = from - (from % Self.minute + Self.minute) % Self.minute
        self.end = to - (to % Self.minute + Self.minute) % Self.minute
        self.now = now
        guard self.start < self.end else {
            throw Self.refusal("startDate before org replication enabled date or after endDate")
        }
        guard self.start >= now - Self.daysMax * OrgTime.millisecondsPerDay else {
            throw Self.refusal("startDate cannot be more than \(Self.daysMax) days ago")
        }
    }

    func updated(_ reader: any StoreReader) throws -> JSONValue {
        var ids: [JSONValue] = []
        try each(isDeleted: false, reader) { id, _ in ids.append(.string(id)) }
        return .object([.init(name: "ids", value: .array(ids)), .init(name: "latestDateCovered", value: covered)])
    }

    func deleted(_ reader: any StoreReader) throws -> JSONValue {
        var records: [JSONValue] = []
        try each(isDeleted: true, reader) { id, date in
            records.append(
                .object([
                    .init(name: "id", value: .string(id)),
                    .init(name: "deletedDate", value: .string(OrgTime.dateTimeText(date))),
                ]))
        }
        let earliest = now - Self.daysMax * OrgTime.millisecondsPerDay
        return .object([
            .init(name: "deletedRecords", value: .array(records)),
            .init(name: "earliestDateAvailable", value: .string(OrgTime.dateTimeText(earliest))),
            .init(name: "latestDateCovered", value: covered),
        ])
    }

    private var covered: JSONValue {
        .string(OrgTime.dateTimeText(min(end, now - now % Self.minute)))
    }

    private func each(isDeleted: Bool, _ reader: any StoreReader, _ body: (String, Int64) -> Void) throws {
        let table = ObjectTable.sqlName(of: object.name)
        let select = RowSelect(
            sql: """
                SELECT sfid, systemmodstamp FROM "\(table)" WHERE systemmodstamp >= ?1 AND systemmodstamp < ?2 \
                AND isdeleted = ?3 ORDER BY systemmodstamp, id
                """,
            parameters: [.dateTime(milliseconds: start), .dateTime(milliseconds: end), .boolean(isDeleted)])
        var count = 0
        try reader.select(select) { row throws(StoreError) in
            count += 1
            guard count <= Self.identifiersMax else { return false }
            body(try row.text(0), row.integer(1))
            return true
        }
        guard count <= Self.identifiersMax else {
            throw OrgError(
                status: OrgError.statusBadRequest, errorCode: "EXCEEDED_ID_LIMIT",
                message: "more than \(Self.identifiersMax) records in the window: make it shorter")
        }
    }

    private static func refusal(_ message: String) -> OrgError {
        OrgError(status: OrgError.statusBadRequest, errorCode: "INVALID_REPLICATION_DATE", message: message)
    }
}
