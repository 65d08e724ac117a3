import AsyncHTTPClient
public import CSV
import NIOCore
import NIOHTTP1

/// What reading a page has brought.
public struct ResultOutcome: Sendable, Hashable {
    /// Rows handed on.
    public var rows: Int
    /// Nil: that was the last.
    public var next: ResultPage?
}

extension OrgAPI {
    /// Reads one page of a complete job, row by row: neither the page nor its rows are ever all in memory.
    ///
    /// Bytes are asked of the org only after `afterChunk` has returned: that is where a receiver stores what it has
    /// collected and slows the org down. A page that breaks off is read again and goes on behind the last row that was
    /// handed on: `onRow` sees each row once. What the closures throw is thrown, and ends the reading.
    /// - Parameters:
    ///   - onHeader: called once, before the first row.
    ///   - onRow: the row is used again for the next one; what is to be kept is copied out. `RowDecoder` does.
    ///   - afterChunk: called after the rows of each piece of the answer, some hundred of them.
    public func results(
        _ page: ResultPage, onHeader: ([String]) throws -> Void, onRow: (CSVRow) throws -> Void,
        afterChunk: () async throws -> Void = {}
    ) async throws -> ResultOutcome {
        var call = OrgCall(target: page.target, deadline: caller.timing.queryDeadline)
        call.headers = [("accept", "text/csv")]
        var plan = RetryPlan(timing: caller.timing, isRepeatable: true)
        var reader = BulkPageReader()
        while true {
            let response = try await caller.open(call, for: purpose, &plan)
            let delivered = reader.delivered
            do {
                try reader.begin(rows: response.headers.first(name: "sforce-numberofrecords").flatMap { Int($0) })
                var pieces = response.body.makeAsyncIterator()
                while true {
                    let piece: ByteBuffer?
                    do {
                        piece = try await pieces.next()
                    } catch {
                        throw BrokenPage(error: try OrgCaller.broken(error))
                    }
                    guard let piece else { break }
                    try reader.take(piece, onHeader: onHeader, onRow: onRow)
                    try await afterChunk()
                }
                try reader.finish(onHeader: onHeader, onRow: onRow)
            } catch let broken as BrokenPage {
                if reader.delivered > delivered { plan.hasProgressed() }
                try await caller.follow(&plan, broken.error, call)
                continue
            }
            try await afterChunk()
            return ResultOutcome(rows: reader.delivered, next: try Self.next(response, page))
        }
    }

    /// The pages of a complete job, to be read side by side; nil: the org does not tell (it is too old for that): then they
    /// are read one after the other, from `QueryJob.firstPage`.
    public func resultPages(of job: QueryJob) async throws -> [ResultPage]? {
        var pages: [ResultPage] = []
        var target: String? = "\(Self.root)/jobs/query/\(URLText.escaped(job.id))/resultPages"
        while let current = target {
            var call = OrgCall(target: current, deadline: caller.timing.callDeadline)
            // Of a later page it would be a failure.
            if pages.isEmpty { call.accepted = [404] }
            let answer = try await caller.answer(call, for: purpose)
            if answer.status == 404 { return nil }
            let value = try answer.value()
            guard case .array(let items)? = value["resultPages"] else { throw OrgAnswer.unreadable("result pages") }
            for item in items {
                guard let address = item["resultUrl"]?.string else {
                    throw OrgAnswer.unreadable("result page's address")
                }
                let page = try ResultPage(address: address, jobID: job.id)
                // An answer that leads in a circle would go on for ever.
                guard !pages.contains(page) else { throw OrgAnswer.unreadable("end of the result pages") }
                pages.append(page)
            }
            if value["done"]?.boolean ?? true { return pages }
            // The guide's table and its example spell it differently.
            guard let next = (value["nextRecordsUrl"] ?? value["nextRecordUrl"])?.string, !items.isEmpty else {
                throw OrgAnswer.unreadable("address of more result pages")
            }
            target = try URLText.target(next)
        }
        return pages
    }

    /// `Sforce-Locator`; the text `null` stands for none.
    private static func next(_ response: HTTPClientResponse, _ page: ResultPage) throws(OrgAPIError) -> ResultPage? {
        guard let locator = response.headers.first(name: "sforce-locator"), !locator.isEmpty, locator != "null" else {
            return nil
        }
        // The same again would go on for ever.
        guard locator != page.locator else { throw OrgAnswer.unreadable("other locator than the page's own") }
        return ResultPage(jobID: page.jobID, locator: locator, maxRecords: page.maxRecords)
    }
}
