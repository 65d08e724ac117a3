import ChangeEvents
import Doors
import Store
import Synchronization

extension ObjectDefinition {
    /// What an org says of its query jobs of Bulk API 2.0, as they go on: a beta that is switched on in Setup, and here by
    /// `Sandbox.Configuration.tellsBulkJobs` ("Subscribe to Query Job Platform Events", Bulk API 2.0 developer guide).
    static let bulkJobEvent = ObjectDefinition(
        name: "BulkApi2JobEvent", label: "Bulk API 2.0 Job Event", labelPlural: "Bulk API 2.0 Job Events",
        keyPrefix: "e9B", category: .platformEvent(afterCommit: true), isWritable: false, isCapturable: false,
        fields: platformEventFields + [
            .text("Type", "Type", 255).readOnly(), .text("JobIdentifier", "Job ID", 18).readOnly(),
            .text("JobState", "Job State", 255).readOnly(), .text("ResultType", "Result Type", 255).readOnly(),
            .text("ResultUrl", "Result URL", 1_024).readOnly(),
        ])
}

/// One thing to be told of a query job.
enum BulkJobNews {
    /// The job has moved to the state that it has.
    case state
    /// These rows can be read: some of them, or the last.
    case results(rows: Range<Int>, isFinal: Bool)

    /// What reading on has brought: pages of results are told when it is known whether more will follow.
    static func results(before: Int, after progress: QueryProgress, pageRows: Int) -> [BulkJobNews] {
        func known(_ rows: Int) -> Int { max(0, rows - 1) / pageRows }
        var news = (known(before)..<max(known(before), known(progress.rows))).map { page in
            BulkJobNews.results(rows: page * pageRows..<(page + 1) * pageRows, isFinal: false)
        }
        if progress.isDone {
            news.append(.results(rows: known(progress.rows) * pageRows..<progress.rows, isFinal: true))
        }
        return news
    }
}

extension Sandbox {
    /// Tells of a query job, in the transaction that changes it. Nothing where it is no query of 2.0, or nobody wants to know.
    func tell(_ news: [BulkJobNews], of job: BulkJobInfo, _ writer: any StoreWriter) throws {
        guard configuration.tellsBulkJobs, job.type == .query, !news.isEmpty,
            let schema = schema.eventSchemas[ObjectDefinition.bulkJobEvent.name]
        else { return }
        let now = configuration.clock()
        let events = try news.map { news in
            var fields: [String: FieldValue] = [
                "CreatedDate": .dateTime(milliseconds: now), "CreatedById": .string(job.createdByID),
                "JobIdentifier": .string(job.id), "JobState": .string(job.state.rawValue),
            ]
            switch news {
            case .state:
                fields["Type"] = .string("JOB_STATE")
            case .results(let rows, let isFinal):
                fields["Type"] = .string("RESULT")
                fields["ResultType"] = .string(isFinal ? "FINAL" : "PARTIAL")
                if !isFinal { fields["JobState"] = .string(BulkJobState.inProgress.rawValue) }
                fields["ResultUrl"] = .string(
                    state.withLock { $0.addresses.instanceURL }
                        + "/services/data/v\(job.apiVersion)/jobs/query/\(job.id)/results"
                        + "?locator=\(QueryLocator.text(row: rows.lowerBound, of: job.id))&maxRecords=\(max(1, rows.count))"
                )
            }
            return PendingEvent(
                name: ObjectDefinition.bulkJobEvent.name, id: EventUUID.random(), schemaID: schema.id,
                payload: try schema.encode(values: fields))
        }
        var counters = try OrgCounters.read(writer)
        try PendingEvent.append(events, counters: &counters, into: writer, receivedAt: now)
        try counters.write(writer)
    }
}
