import CSV
import ChangeEvents
import Foundation
import Store
import Synchronization
import Twin
import Upstream

/// An org, asked through its REST and Bulk APIs, as the twin's replica asks.
final class UpstreamSource: OrgSource {
    /// Rows of a page where the org does not tell of its own pages; a reading that was broken off goes on at its page.
    private static let pageRows = 20_000
    /// Ranges that an object is cut into at most.
    private static let chunksMax = 1_000
    /// Handed on together.
    private static let rowsAtOnce = 1_000

    private let snapshots: OrgAPI
    private let refetches: OrgAPI
    let descriptions: KnownDescriptions

    init(api: OrgAPI) {
        snapshots = api.charged(to: .snapshot)
        refetches = api.charged(to: .refetch)
        descriptions = KnownDescriptions()
    }

    /// The same org, everything charged to one purpose; what it has described is known to both.
    init(_ other: UpstreamSource, chargedTo purpose: CallPurpose) {
        snapshots = other.snapshots.charged(to: purpose)
        refetches = snapshots
        descriptions = other.descriptions
    }

    /// Of the account that reads are charged to, since it was begun.
    var calls: Int {
        snapshots.budget.report.purposes.first { $0.purpose == snapshots.purpose }?.admitted ?? 0
    }

    /// What rows by their number are asked of: a reconciliation's questions.
    var api: OrgAPI { snapshots }

    func object(_ name: String) async throws(SourceError) -> SourceObject {
        let description = try await asking(notFound: .refused) { try await refetches.describe(name) }
        descriptions.set(description, for: name)
        return SourceObject(name: description.name, fields: description.fields.compactMap(Self.field))
    }

    /// Nil: no table has it.
    private static func field(_ field: FieldDescription) -> SourceObject.Field? {
        guard field.name != "Id", !field.type.isCompound, field.type != .base64 else { return nil }
        let type: ObjectTable.ColumnType =
            switch ValueKind(field.type) {
            case .boolean: .boolean
            case .integer: .integer
            case .double: .double
            case .date: .date
            case .dateTime: .dateTime
            case .time: .time
            case .id: .identifier
            case .text: .text
            }
        return SourceObject.Field(field.name, type, isCalculated: field.isCalculated)
    }

    func description(_ name: String) async throws(SourceError) -> ObjectDescription {
        if let known = descriptions[name] { return known }
        let description = try await asking(notFound: .refused) { try await refetches.describe(name) }
        descriptions.set(description, for: name)
        return description
    }

    // MARK: Reading

    func beginRead(_ query: SourceQuery) async throws(SourceError) -> String {
        let description = try await description(query.object)
        var soql = "SELECT \(Self.columns(query, description).joined(separator: ", ")) FROM \(query.object)"
        let conditions = Self.conditions(query)
        if !conditions.isEmpty { soql += " WHERE " + conditions.joined(separator: " AND ") }
        let text = soql
        return try await asking(notFound: .refused) {
            try await snapshots.createQueryJob(text, includingDeleted: query.includesDeleted).id
        }
    }

    /// To be joined by AND.
    static func conditions(_ query: SourceQuery) -> [String] {
        [
            query.condition.map { query.since == nil && query.ids == nil ? $0 : "(\($0))" },
            query.since.map { "SystemModstamp >= \(OrgTime.text(seconds: $0 / 1_000))" },
            query.ids?.from.map { "Id >= '\($0.string)'" },
            query.ids?.to.map { "Id < '\($0.string)'" },
        ].compactMap(\.self)
    }

    func chunkBounds(_ object: String, rows: Int) async throws(SourceError) -> SourceChunks {
        let total: Int
        do throws(SourceError) {
            total = try await count(object, in: nil)
        } catch {
            // An org that cannot count them in time can still be read whole.
            guard error.code == .refused else { throw error }
            return SourceChunks(bounds: [], total: nil)
        }
        guard total > rows, let first = try await edge(of: object, "ASC"),
            let last = try await edge(of: object, "DESC")
        else { return SourceChunks(bounds: [], total: total) }
        let count = min((total + rows - 1) / rows, Self.chunksMax)
        return SourceChunks(bounds: IDChunks.bounds(from: first, to: last, count: count), total: total)
    }

    private func edge(of object: String, _ order: String) async throws(SourceError) -> RecordID? {
        try await asking(notFound: .refused) {
            for try await page in api.query("SELECT Id FROM \(object) ORDER BY Id \(order) LIMIT 1") {
                guard let row = page.records.first else { continue }
                return row["Id"]?.string.flatMap { RecordID($0) }
            }
            return nil
        }
    }

    func pages(ofRead read: String) async throws(SourceError) -> SourcePages {
        try await asking(notFound: .readGone) {
            let job = try await snapshots.complete(try await snapshots.queryJob(read))
            let rows = job.recordsProcessed
            // Of a page or two it is not worth a call.
            let pages = rows > Self.pageRows ? try await snapshots.resultPages(of: job) : nil
            let first = [job.firstPage(maxRecords: Self.pageRows)]
            return SourcePages(places: (pages ?? first).map(Self.place), areAll: pages != nil, total: rows)
        }
    }

    func page(
        ofRead read: String, at place: String, _ query: SourceQuery, _ take: ([SourceRow]) async throws -> Void
    ) async throws -> String? {
        let description = try await description(query.object)
        return try await self.read(Self.page(read, place), query, description, take).map(Self.place)
    }

    /// `20000 MTAwMDA`: the rows that are asked for, and the org's name for the place, each where there is one.
    private static func place(_ page: ResultPage) -> String {
        "\(page.maxRecords.map { "\($0)" } ?? "") \(page.locator ?? "")"
    }

    private static func page(_ read: String, _ place: String) -> ResultPage {
        let parts = place.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        let locator = parts.count > 1 ? String(parts[1]) : ""
        return ResultPage(
            jobID: read, locator: locator.isEmpty ? nil : locator, maxRecords: parts.first.flatMap { Int($0) })
    }

    /// Hands on the rows of a page while they come; answers the page behind it.
    func read(
        _ page: ResultPage, _ query: SourceQuery, _ description: ObjectDescription,
        _ take: ([SourceRow]) async throws -> Void
    ) async throws -> ResultPage? {
        var rows: [SourceRow] = []
        var decoding: (decoder: RowDecoder, reader: RowReader)?
        // What the taker throws is not the org's: it goes through as it is.
        var refusal: (any Error)?
        do {
            return try await asking(notFound: .readGone) {
                let outcome = try await api.results(page) { header in
                    let decoder = RowDecoder(description, columns: header)
                    decoding = (decoder, RowReader(decoder.shape, query))
                } onRow: { row in
                    guard let (decoder, reader) = decoding else { return }
                    rows.append(try reader.row(try decoder.decode(row)))
                } afterChunk: {
                    guard rows.count >= Self.rowsAtOnce else { return }
                    let taken = rows
                    rows = []
                    do {
                        try await take(taken)
                    } catch {
                        refusal = error
                        throw error
                    }
                }
                if !rows.isEmpty {
                    do {
                        try await take(rows)
                    } catch {
                        refusal = error
                        throw error
                    }
                }
                return outcome.next
            }
        } catch {
            throw refusal ?? error
        }
    }

    func endRead(_ read: String) async {
        // It goes by itself after 7 days.
        guard let job = try? await snapshots.queryJob(read) else { return }
        if !job.state.isFinal { _ = try? await snapshots.abort(job) }
        try? await snapshots.delete(job)
    }

    func rows(_ query: SourceQuery, ids: [RecordID]) async throws(SourceError) -> [SourceRow] {
        let description = try await description(query.object)
        let columns = Self.columns(query, description)
        return try await asking(notFound: .refused) {
            let rows = try await refetches.recordsByID(
                description, fields: columns, ids: ids, includingDeleted: query.includesDeleted)
            guard let first = rows.first else { return [] }
            let reader = RowReader(first.fields.shape, query)
            return try rows.map(reader.row)
        }
    }

    /// Those of the query, and what every row is judged by.
    static func columns(_ query: SourceQuery, _ description: ObjectDescription) -> [String] {
        let marks = ["SystemModstamp", "IsDeleted"].filter {
            description.field($0) != nil && !query.fields.contains($0)
        }
        return ["Id"] + query.fields + marks
    }

    // MARK: Failures

    func asking<T>(
        notFound: SourceError.Code, _ body: () async throws -> T
    ) async throws(SourceError) -> T {
        do {
            return try await body()
        } catch let error as SourceError {
            throw error
        } catch let error as BudgetRefusal {
            throw SourceError(.notNow, "\(error)")
        } catch let error as OrgAPIError {
            let code: SourceError.Code =
                switch error.code {
                case .notFound: notFound
                // The org may do it the next time; a query that it cannot do is refused when the job is made.
                case .jobFailed: .readGone
                case .refused, .requestInvalid, .answerTooLarge: .refused
                default: .notNow
                }
            throw SourceError(code, "\(error)")
        } catch {
            throw SourceError(.notNow, "\(error)")
        }
    }
}

/// What the org has described, as of the last time. Any thread.
final class KnownDescriptions: Sendable {
    private let known = Mutex<[String: ObjectDescription]>([:])

    subscript(name: String) -> ObjectDescription? { known.withLock { $0[name] } }

    func set(_ description: ObjectDescription, for name: String) { known.withLock { $0[name] = description } }
}

/// Rows of one answer, in the shape of the query.
struct RowReader {
    private let shape: RecordShape
    /// By field of the query, its place in the answer's rows.
    private let places: [Int?]
    private let modstamp: Int?
    private let isDeleted: Int?

    /// - Parameter answer: the shape of the answer's rows.
    init(_ answer: RecordShape, _ query: SourceQuery) {
        shape = RecordShape(query.fields)
        places = query.fields.map { answer.index(of: $0) }
        modstamp = answer.index(of: "SystemModstamp")
        isDeleted = answer.index(of: "IsDeleted")
    }

    func row(_ row: OrgRow) throws(SourceError) -> SourceRow {
        guard let id = row.id else { throw SourceError(.refused, "The org has sent a row without an Id.") }
        let values = places.map { place in place.flatMap { row.fields[$0] } ?? .null }
        var time: Int64 = 0
        if let modstamp, case .dateTime(let milliseconds)? = row.fields[modstamp] { time = milliseconds }
        return SourceRow(
            id: id, isDeleted: isDeleted.flatMap { row.fields[$0] } == .boolean(true), systemModstamp: time,
            fields: RecordFields(shape: shape, values: values))
    }
}
