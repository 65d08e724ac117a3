internal import CSV
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// What the resources of Bulk API 2.0 have in common: reading jobs from JSON, lists, and how errors are spelled.
enum BulkCall {
    /// Codes of the Bulk API stand in capitals in 2.0: `INVALIDJOBSTATE`.
    static func run(
        _ body: @escaping @Sendable (RESTCall) async throws -> RESTAnswer
    ) -> @Sendable (RESTCall) async throws -> RESTAnswer {
        { call in
            do {
                return try await body(call)
            } catch var error as OrgError {
                error.errorCode = error.errorCode.uppercased()
                throw error
            }
        }
    }

    static func document(_ bytes: ByteBuffer) throws(OrgError) -> JSONValue {
        do throws(JSONError) {
            return try JSONParser.parse(bytes.readableBytesView)
        } catch {
            throw OrgError(status: 400, errorCode: "JSON_PARSER_ERROR", message: error.description)
        }
    }

    static func ingestJob(_ document: JSONValue) throws(OrgError) -> NewIngestJob {
        let members = try object(document)
        let operation: BulkOperation = try choice(members, "operation") ?? .query
        guard !operation.isQuery else {
            throw OrgError(
                status: 400, errorCode: "InvalidJob",
                message: "operation must be insert, update, upsert, delete or hardDelete")
        }
        var job = NewIngestJob(object: try required(members, "object"), operation: operation)
        job.externalIDField = try text(members, "externalIdFieldName")
        job.assignmentRuleID = try text(members, "assignmentRuleId")
        try format(members, &job.delimiter, &job.lineEnding)
        return job
    }

    static func queryJob(_ document: JSONValue) throws(OrgError) -> NewQueryJob {
        let members = try object(document)
        let operation: BulkOperation = try choice(members, "operation") ?? .insert
        guard operation.isQuery else {
            throw OrgError(status: 400, errorCode: "InvalidJob", message: "operation must be query or queryAll")
        }
        var job = NewQueryJob(soql: try required(members, "query"), operation: operation)
        try format(members, &job.delimiter, &job.lineEnding)
        return job
    }

    private static func format(
        _ members: JSONObject, _ delimiter: inout CSVDialect.Delimiter, _ lineEnding: inout CSVDialect.LineEnding
    ) throws(OrgError) {
        if let type = try text(members, "contentType"), type != BulkContentType.csv.rawValue {
            throw OrgError(status: 400, errorCode: "InvalidJob", message: "contentType must be CSV, not \(type)")
        }
        delimiter = try choice(members, "columnDelimiter") ?? .comma
        lineEnding = try choice(members, "lineEnding") ?? .lf
        // Reading may be lenient elsewhere; a job says what it is.
        guard lineEnding != .either else { throw notAmong(["CRLF", "LF"], "lineEnding", lineEnding.rawValue) }
    }

    static func state(_ document: JSONValue, allowed: [BulkJobState]) throws(OrgError) -> BulkJobState {
        let members = try object(document)
        let state: BulkJobState? = BulkJobState(rawValue: try required(members, "state"))
        guard let state, allowed.contains(state) else {
            throw notAmong(allowed.map(\.rawValue), "state", try text(members, "state") ?? "")
        }
        return state
    }

    static func rowsMax(_ call: RESTCall) throws(OrgError) -> Int? {
        guard let text = call.parameter("maxRecords") else { return nil }
        guard let number = Int(text), number > 0 else {
            throw OrgError(
                status: 400, errorCode: "ILLEGAL_QUERY_PARAMETER_VALUE", message: "maxRecords must be a positive number"
            )
        }
        return number
    }

    /// `own`: the family of the path, for `nextRecordsUrl`.
    static func list(
        _ call: RESTCall, _ bulk: any BulkService, all: Set<BulkJobType>, own: BulkJobType
    ) async throws -> RESTAnswer {
        var filter = BulkJobFilter(types: all)
        if let text = call.parameter("jobType") {
            guard let type = BulkJobType(rawValue: text) else {
                throw notAmong(["Classic", "V2Ingest", "V2Query"], "jobType", text)
            }
            filter.types = [type]
        }
        if let text = call.parameter("concurrencyMode") {
            guard ["parallel", "serial"].contains(text.lowercased()) else {
                throw notAmong(["parallel", "serial"], "concurrencyMode", text)
            }
            filter.isSerial = text.lowercased() == "serial"
        }
        if let text = call.parameter("isPkChunkingEnabled") {
            guard let flag = JSONObject.flag(text) else {
                throw notAmong(["true", "false"], "isPkChunkingEnabled", text)
            }
            filter.isPKChunkingEnabled = flag
        }
        filter.locator = call.parameter("queryLocator")
        let page = try await bulk.bulkJobs(filter, context: call.context)
        let path = "\(call.root)/jobs/\(own == .query ? "query" : "ingest")"
        let next = page.nextLocator.map { nextPage(of: path, locator: $0, call.query) }
        return RESTAnswer(
            .members(
                ("done", .boolean(next == nil)), ("records", .array(page.jobs.map { BulkJSON.job($0, .listed) })),
                ("nextRecordsUrl", next.map(JSONValue.string) ?? .null)))
    }

    /// The address of a list's next page: the filters of this one hold for it too.
    static func nextPage(of path: String, locator: String, _ query: [(name: String, value: String)]) -> String {
        let filters = query.filter { filterNames.contains($0.name) }.map { ($0.name, $0.value) }
        return FormEncoding.url(path, adding: [("queryLocator", locator)] + filters)
    }

    private static let filterNames: Set<String> = ["jobType", "concurrencyMode", "isPkChunkingEnabled"]

    /// The document as it is made, packed where the caller takes it.
    static func answer(_ document: BulkDocument, _ call: RESTCall) -> RESTAnswer {
        var answer = RESTAnswer(status: .ok)
        let isPacked = Gzip.isTaken(call.headers[.acceptEncoding])
        if isPacked { answer.headers[.contentEncoding] = "gzip" }
        answer.headers[.vary] = "Accept-Encoding"
        answer.body = .stream(BulkStream.body(document, isPacked: isPacked), type: document.contentType)
        return answer
    }

    private static func object(_ document: JSONValue) throws(OrgError) -> JSONObject {
        guard let object = JSONObject(document) else { throw OrgError.bodyIsNoObject }
        return object
    }

    private static func required(_ members: JSONObject, _ name: String) throws(OrgError) -> String {
        guard let text = try text(members, name), !text.isEmpty else {
            throw OrgError(status: 400, errorCode: "InvalidJob", message: "No \(name) specified")
        }
        return text
    }

    /// Nil where it is missing or null.
    private static func text(_ members: JSONObject, _ name: String) throws(OrgError) -> String? {
        switch members[name] {
        case nil, .null?: return nil
        case .string(let text)?: return text
        default: throw OrgError(status: 400, errorCode: "JSON_PARSER_ERROR", message: "\(name) must be a text")
        }
    }

    private static func choice<Choice: RawRepresentable & CaseIterable>(
        _ members: JSONObject, _ name: String
    ) throws(OrgError) -> Choice? where Choice.RawValue == String {
        guard let text = try text(members, name) else { return nil }
        guard let choice = Choice(rawValue: text) else { throw notAmong(Choice.allCases.map(\.rawValue), name, text) }
        return choice
    }

    private static func notAmong(_ choices: [String], _ name: String, _ text: String) -> OrgError {
        OrgError(
            status: 400, errorCode: "JSON_PARSER_ERROR",
            message:
                "\(name): '\(text)' is not one of the values accepted: [\(choices.sorted().joined(separator: ", "))]")
    }
}

/// A document as the body of an answer.
enum BulkStream {
    static func body(_ document: BulkDocument, isPacked: Bool) -> ResponseBody {
        ResponseBody { writer in
            let sink = SinkWriter(writer)
            if isPacked {
                guard let gzip = GzipStream() else {
                    throw OrgError(
                        status: 500, errorCode: "UNKNOWN_EXCEPTION", message: "The answer could not be packed.")
                }
                try await document.write { piece in try await sink.write(gzip.pack(piece)) }
                try await sink.write(gzip.finish())
            } else {
                try await document.write { piece in try await sink.write(piece) }
            }
            try await sink.writer.finish(nil)
        }
    }

    /// The writer of a body in a box: a closure that may escape cannot change it.
    private final class SinkWriter {
        var writer: any ResponseBodyWriter
        init(_ writer: any ResponseBodyWriter) { self.writer = writer }
        @concurrent func write(_ piece: ByteBuffer) async throws {
            if piece.readableBytes > 0 { try await writer.write(piece) }
        }
    }
}
