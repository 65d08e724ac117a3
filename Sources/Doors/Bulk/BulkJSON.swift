internal import CSV

/// Jobs and batches as JSON, for both versions of the API.
enum BulkJSON {
    enum Occasion {
        /// The answer to POST: says where the data goes.
        case created
        /// The answer to PATCH.
        case changed
        case listed
        case details
    }

    /// Bulk API 2.0.
    static func job(_ job: BulkJobInfo, _ occasion: Occasion) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init(name: "id", value: .string(job.id)), .init(name: "operation", value: .string(job.operation.rawValue)),
            .init(name: "object", value: .string(job.object)),
            .init(name: "createdById", value: .string(job.createdByID)),
            .init(name: "createdDate", value: .string(BulkTime.json(job.createdDate))),
            .init(name: "systemModstamp", value: .string(BulkTime.json(job.systemModstamp))),
            .init(name: "state", value: .string(job.state.rawValue)),
        ]
        func add(_ name: String, _ value: JSONValue) { members.append(.init(name: name, value: value)) }
        if let field = job.externalIDField { add("externalIdFieldName", .string(field)) }
        if let rule = job.assignmentRuleID { add("assignmentRuleId", .string(rule)) }
        add("concurrencyMode", .string(job.isSerial ? "Serial" : "Parallel"))
        add("contentType", .string(job.contentType.rawValue))
        add("apiVersion", .number(job.apiVersion))
        if occasion == .listed || occasion == .details { add("jobType", .string(job.type.rawValue)) }
        if job.type == .ingest, occasion != .changed {
            add("contentUrl", .string("services/data/v\(job.apiVersion)/jobs/ingest/\(job.id)/batches"))
        }
        add("lineEnding", .string(job.lineEnding.rawValue))
        add("columnDelimiter", .string(job.delimiter.rawValue))
        guard occasion == .details else { return .object(members) }
        add("numberRecordsProcessed", .number(String(job.recordsProcessed)))
        if job.type == .ingest { add("numberRecordsFailed", .number(String(job.recordsFailed))) }
        add("retries", .number(String(job.retries)))
        add("totalProcessingTime", .number(String(job.totalProcessingTime)))
        if job.type == .ingest {
            add("apiActiveProcessingTime", .number(String(job.apiActiveProcessingTime)))
            add("apexProcessingTime", .number(String(job.apexProcessingTime)))
        }
        add("isPkChunkingSupported", .boolean(job.type == .query))
        if let message = job.errorMessage { add("errorMessage", .string(message)) }
        return .object(members)
    }

    /// Bulk API 1.0.
    static func classic(_ job: BulkJobInfo) -> JSONValue {
        .object(classicMembers(job).map { .init(name: $0.name, value: $0.value) })
    }

    static func batch(_ batch: BulkBatchInfo) -> JSONValue {
        .object(batchMembers(batch).map { .init(name: $0.name, value: $0.value) })
    }

    /// In the order of the guide, which XML keeps.
    static func classicMembers(_ job: BulkJobInfo) -> [(name: String, value: JSONValue)] {
        [
            ("id", .string(job.id)), ("operation", .string(job.operation.rawValue)), ("object", .string(job.object)),
            ("createdById", .string(job.createdByID)), ("createdDate", .string(BulkTime.json(job.createdDate))),
            ("systemModstamp", .string(BulkTime.json(job.systemModstamp))), ("state", .string(job.state.rawValue)),
            ("externalIdFieldName", job.externalIDField.map(JSONValue.string) ?? .null),
            ("assignmentRuleId", job.assignmentRuleID.map(JSONValue.string) ?? .null),
            ("concurrencyMode", .string(job.isSerial ? "Serial" : "Parallel")),
            ("contentType", .string(job.contentType.rawValue)), ("fastPathEnabled", .boolean(false)),
            ("numberBatchesQueued", .number(String(job.batches.queued))),
            ("numberBatchesInProgress", .number(String(job.batches.inProgress))),
            ("numberBatchesCompleted", .number(String(job.batches.completed))),
            ("numberBatchesFailed", .number(String(job.batches.failed))),
            ("numberBatchesTotal", .number(String(job.batches.total))),
            ("numberRecordsProcessed", .number(String(job.recordsProcessed))),
            ("numberRetries", .number(String(job.retries))), ("apiVersion", .number(job.apiVersion)),
            ("numberRecordsFailed", .number(String(job.recordsFailed))),
            ("totalProcessingTime", .number(String(job.totalProcessingTime))),
            ("apiActiveProcessingTime", .number(String(job.apiActiveProcessingTime))),
            ("apexProcessingTime", .number(String(job.apexProcessingTime))),
        ]
    }

    static func batchMembers(_ batch: BulkBatchInfo) -> [(name: String, value: JSONValue)] {
        [
            ("id", .string(batch.id)), ("jobId", .string(batch.jobID)), ("state", .string(batch.state.rawValue)),
            ("stateMessage", batch.stateMessage.map(JSONValue.string) ?? .null),
            ("createdDate", .string(BulkTime.json(batch.createdDate))),
            ("systemModstamp", .string(BulkTime.json(batch.systemModstamp))),
            ("numberRecordsProcessed", .number(String(batch.recordsProcessed))),
            ("numberRecordsFailed", .number(String(batch.recordsFailed))),
            ("totalProcessingTime", .number(String(batch.totalProcessingTime))),
            ("apiActiveProcessingTime", .number(String(batch.apiActiveProcessingTime))),
            ("apexProcessingTime", .number(String(batch.apexProcessingTime))),
        ]
    }

    /// One row's outcome in a Bulk 1.0 result.
    static func outcome(_ outcome: BulkOutcome) -> JSONValue {
        switch outcome {
        case .done(let id, let isCreated):
            .members(
                ("success", .boolean(true)), ("created", .boolean(isCreated)), ("id", .string(id)),
                ("errors", .array([])))
        case .failed(let id, let error):
            .members(
                ("success", .boolean(false)), ("created", .boolean(false)),
                ("id", id.map(JSONValue.string) ?? .null),
                (
                    "errors",
                    .array([
                        .members(
                            ("message", .string(error.message)),
                            ("fields", .array((error.fields ?? []).map(JSONValue.string))),
                            ("statusCode", .string(error.errorCode)), ("extendedErrorDetails", .null))
                    ])
                ))
        }
    }
}
