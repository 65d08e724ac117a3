import ChangeEvents
import Twin
import Upstream

/// What a reconciliation asks of an org: counts, and rows in some ranges (`docs/twin.md`, "Reconciliation").
extension UpstreamSource {
    /// Rows that a query's pages bring, 2,000 to a call; more come by a Bulk query, which takes five calls at least.
    private static let queriedRowsMax = 10_000
    /// Of a page of a Bulk query: one call each. Its rows are handed on piece by piece, never all in memory.
    private static let bulkPageRows = 100_000
    /// Between two looks at a job, each of which is a call: nobody waits for it at a screen.
    private static let pollMax: Duration = .seconds(60)

    func changes(_ object: String, since: Int64?) async throws(SourceError) -> SourceChanges {
        let condition = since.map { " WHERE SystemModstamp >= \(Self.time(milliseconds: $0))" } ?? ""
        return try await asking(notFound: .refused) {
            let soql = "SELECT COUNT(Id) n, MAX(SystemModstamp) m FROM \(object)\(condition)"
            for try await page in api.query(soql, includingDeleted: true) {
                guard let row = page.records.first, let count = row["n"]?.integer else { continue }
                let newest = row["m"]?.string.flatMap { OrgTime.dateTime($0.utf8) }
                guard newest != nil || count == 0 else { continue }
                return SourceChanges(count: Int(clamping: count), newest: newest)
            }
            throw SourceError(.refused, "The org's answer to a count cannot be read.")
        }
    }

    func count(_ object: String, in range: SourceRange?) async throws(SourceError) -> Int {
        let condition = range.map { " WHERE \(Self.condition($0))" } ?? ""
        return try await asking(notFound: .refused) {
            try await api.count("SELECT COUNT() FROM \(object)\(condition)")
        }
    }

    func counts(
        _ object: String, of field: String, by unit: SourceSpan.Unit, in spans: [SourceSpan]
    ) async throws(SourceError) -> [Int64: Int] {
        var columns = ["DAY_ONLY(\(field)) d"]
        var groups = ["DAY_ONLY(\(field))"]
        if unit == .hour {
            columns.append("HOUR_IN_DAY(\(field)) h")
            groups.append("HOUR_IN_DAY(\(field))")
        }
        let conditions = spans.map { span in
            let bounds = [
                span.from.map { "\(field) >= \(Self.time($0))" }, span.to.map { "\(field) < \(Self.time($0))" },
            ].compactMap { $0 }
            return bounds.isEmpty ? "(\(field) != null)" : "(\(bounds.joined(separator: " AND ")))"
        }
        let soql =
            "SELECT \(columns.joined(separator: ", ")), COUNT(Id) n FROM \(object) "
            + "WHERE \(conditions.joined(separator: " OR ")) GROUP BY \(groups.joined(separator: ", "))"
        return try await counts(soql) { group in
            guard let day = group["d"]?.string.flatMap(Self.dayNumber) else { return nil }
            if unit == .day { return day }
            guard let hour = group["h"]?.integer, (0..<24).contains(hour) else { return nil }
            return day * 24 + hour
        }
    }

    func read(
        _ query: SourceQuery, in ranges: [SourceRange]?, expected: Int, _ take: ([SourceRow]) async throws -> Void
    ) async throws {
        let description = try await description(query.object)
        let columns = Self.columns(query, description)
        var soql = "SELECT \(columns.joined(separator: ", ")) FROM \(query.object)"
        var conditions = Self.conditions(query)
        if let ranges { conditions.append(ranges.map { "(\(Self.condition($0)))" }.joined(separator: " OR ")) }
        if !conditions.isEmpty {
            soql +=
                " WHERE "
                + (conditions.count == 1 ? conditions[0] : conditions.map { "(\($0))" }.joined(separator: " AND "))
        }
        if expected <= Self.queriedRowsMax {
            try await readByQuery(soql, query, RowDecoder(description, columns: columns), take)
        } else {
            try await readByJob(soql, query, description, take)
        }
    }

    // MARK: Reading

    private func readByQuery(
        _ soql: String, _ query: SourceQuery, _ decoder: RowDecoder, _ take: ([SourceRow]) async throws -> Void
    ) async throws {
        let reader = RowReader(decoder.shape, query)
        var pages = api.query(soql, includingDeleted: query.includesDeleted).makeAsyncIterator()
        while true {
            let rows: [SourceRow]? = try await asking(notFound: .readGone) {
                guard let page = try await pages.next() else { return nil }
                return try page.records.map { try reader.row(try decoder.decode($0)) }
            }
            guard let rows else { return }
            try await take(rows)
        }
    }

    private func readByJob(
        _ soql: String, _ query: SourceQuery, _ description: ObjectDescription,
        _ take: ([SourceRow]) async throws -> Void
    ) async throws {
        let job: QueryJob = try await asking(notFound: .refused) {
            try await api.createQueryJob(soql, includingDeleted: query.includesDeleted)
        }
        do {
            let done = try await asking(notFound: .readGone) {
                try await api.complete(job, pollMax: Self.pollMax)
            }
            var page: ResultPage? = done.firstPage(maxRecords: Self.bulkPageRows)
            while let current = page { page = try await read(current, query, description, take) }
            try await asking(notFound: .readGone) { try await api.delete(done) }
        } catch {
            // Who has failed does not need it any more; the org forgets it by itself after 7 days.
            await endRead(job.id)
            throw error
        }
    }

    // MARK: Counting

    /// The groups of an aggregate query. Throws where one is not what was asked for.
    private func counts<Key: Hashable & Sendable>(
        _ soql: String, _ key: (RESTValue) -> Key?
    ) async throws(SourceError) -> [Key: Int] {
        try await asking(notFound: .refused) {
            var counts: [Key: Int] = [:]
            for try await page in api.query(soql) {
                for group in page.records {
                    guard let key = key(group), let count = group["n"]?.integer else {
                        throw SourceError(.refused, "The org's answer to a count cannot be read.")
                    }
                    counts[key, default: 0] += Int(clamping: count)
                }
            }
            return counts
        }
    }

    private static func condition(_ range: SourceRange) -> String {
        var parts = [
            "\(range.field) >= \(time(milliseconds: range.times.lowerBound))",
            "\(range.field) < \(time(milliseconds: range.times.upperBound))",
        ]
        if let from = range.from { parts.append("Id >= '\(from.string)'") }
        if let to = range.to { parts.append("Id < '\(to.string)'") }
        return parts.joined(separator: " AND ")
    }

    private static func time(_ hour: Int64) -> String { OrgTime.text(seconds: hour * 3_600) }

    private static func time(milliseconds: Int64) -> String { OrgTime.text(seconds: milliseconds / 1_000) }

    /// Days since 1970 of `2026-02-17`.
    private static func dayNumber(_ text: String) -> Int64? {
        OrgTime.date(text.utf8).map { $0 / 86_400_000 }
    }
}
