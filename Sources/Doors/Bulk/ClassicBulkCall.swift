internal import CSV
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// One call of Bulk API 1.0 below `/services/async/XX.X/`.
struct ClassicBulkCall {
    let bulk: any BulkService
    let request: Request
    /// From `job` on.
    let path: [String]
    let context: CallContext
    /// The answer is JSON: the caller speaks it, or the batch does.
    var prefersJSON: Bool
    /// The object that is concerned, for the org's log.
    var entity = ""

    init(bulk: any BulkService, request: Request, path: [String], context: CallContext, prefersJSON: Bool) {
        self.bulk = bulk
        self.request = request
        self.path = path
        self.context = context
        self.prefersJSON = prefersJSON
    }

    mutating func answer() async throws -> Response {
        guard path.first == "job" else { throw ClassicBulkDoor.badURL(request) }
        switch (request.method, path.count) {
        case (.post, 1):
            return job(try await bulk.createClassicJob(try await newJob(), context: context), status: .created)
        case (.get, 2):
            return job(try await bulk.bulkJob(path[1], .classic, context: context))
        case (.post, 2):
            return job(try await bulk.setBulkJob(path[1], .classic, to: try await newState(), context: context))
        case (.post, 3) where path[2] == "batch":
            return try await addBatch()
        case (.get, 3) where path[2] == "batch":
            _ = try await info()
            let batches = try await bulk.batches(of: path[1], context: context)
            guard prefersJSON else { return Self.xml(BulkXML.batches(batches)) }
            return Self.json(.members(("batchInfo", .array(batches.map(BulkJSON.batch)))))
        case (.get, 4) where path[2] == "batch":
            _ = try await info()
            return batch(try await bulk.batch(path[3], of: path[1], context: context))
        case (.get, 5) where path[2] == "batch" && path[4] == "request":
            return stream(try await bulk.batchRequest(path[3], of: path[1], context: context))
        case (.get, 5) where path[2] == "batch" && path[4] == "result":
            return try await result()
        case (.get, 6) where path[2] == "batch" && path[4] == "result":
            return stream(try await bulk.batchResult(path[5], of: path[3], job: path[1], context: context))
        default:
            guard (1...6).contains(path.count), request.method != .get, request.method != .post else {
                throw ClassicBulkDoor.badURL(request)
            }
            throw OrgError(
                status: 405, errorCode: "MethodNotAllowed",
                message: "HTTP method \(request.method.rawValue) not allowed")
        }
    }

    /// The job of the path. What it holds decides how its batches are told of; the job itself is told of as it was asked for.
    private mutating func info() async throws -> BulkJobInfo {
        let info = try await bulk.bulkJob(path[1], .classic, context: context)
        entity = info.object
        if info.contentType == .json { prefersJSON = true }
        return info
    }

    private mutating func addBatch() async throws -> Response {
        let info = try await info()
        let content = try await request.bytes(upTo: BatchRows.bytesMax)
        let rows = info.operation.isQuery ? [] : try BatchRows.csv(content, info.contentType)
        let added = try await bulk.addBatch(
            NewBatch(request: content, rows: rows), to: info.id, context: context)
        return batch(added, status: .created)
    }

    private mutating func result() async throws -> Response {
        let info = try await info()
        if info.operation.isQuery {
            let ids = try await bulk.batchResultIDs(path[3], of: path[1], context: context)
            return prefersJSON ? Self.json(.array(ids.map(JSONValue.string))) : Self.xml(BulkXML.resultIDs(ids))
        }
        let outcomes = try await bulk.batchOutcomes(path[3], of: path[1], context: context)
        return stream(ClassicResults.document(outcomes, info.contentType))
    }

    // MARK: What is sent

    private mutating func newJob() async throws -> NewClassicJob {
        let members = try await members(root: "jobInfo")
        guard let object = members["object"], !object.isEmpty else {
            throw OrgError(status: 400, errorCode: "InvalidJob", message: "No object specified")
        }
        guard let operation = members["operation"].flatMap(BulkOperation.init(rawValue:)) else {
            throw OrgError(
                status: 400, errorCode: "InvalidJob",
                message: "Invalid operation: \(members["operation"] ?? "none specified")")
        }
        guard let type = BulkContentType(rawValue: members["contentType"] ?? "XML") else {
            throw OrgError(
                status: 400, errorCode: "InvalidJob",
                message: "contentType \(members["contentType"] ?? "") is not supported; CSV, XML and JSON are.")
        }
        entity = object
        var job = NewClassicJob(object: object, operation: operation, contentType: type)
        job.externalIDField = members["externalIdFieldName"]
        job.assignmentRuleID = members["assignmentRuleId"]
        switch members["concurrencyMode"] ?? "Parallel" {
        // Some clients send the number of the mode.
        case "Parallel", "0": job.isSerial = false
        case "Serial", "1": job.isSerial = true
        case let other:
            throw OrgError(status: 400, errorCode: "InvalidJob", message: "Invalid concurrencyMode: \(other)")
        }
        job.pkChunking = try ClassicHeaders.pkChunking(request.headers)
        return job
    }

    private func newState() async throws -> BulkJobState {
        let members = try await members(root: "jobInfo")
        guard let state = members["state"].flatMap(BulkJobState.init(rawValue:)), state == .closed || state == .aborted
        else {
            throw OrgError(
                status: 400, errorCode: "InvalidJob",
                message: "The state of a job can be set to Closed or Aborted, not to \(members["state"] ?? "nothing")")
        }
        return state
    }

    /// The members of the body's one object, as texts; nulls are left out.
    private func members(root: String) async throws -> [String: String] {
        let bytes = try await request.bytes(upTo: ClassicHeaders.jobBytesMax)
        guard ClassicBulkDoor.isJSON(request.headers[.contentType]) else {
            do throws(XMLError) {
                let element = try XMLReader.parse(bytes.readableBytesView)
                guard element.name == root else {
                    throw XMLError(reason: "the root element must be \(root)", offset: 0)
                }
                return Dictionary(element.children.map { ($0.name, $0.text) }, uniquingKeysWith: { first, _ in first })
            } catch {
                throw OrgError(status: 400, errorCode: "InvalidJob", message: "Unable to parse Job: \(error.reason)")
            }
        }
        guard let object = JSONObject(try BulkCall.document(bytes)) else { throw OrgError.bodyIsNoObject }
        var members: [String: String] = [:]
        for member in object.members {
            switch member.value {
            case .string(let text), .number(let text): members[member.name] = text
            case .boolean(let flag): members[member.name] = String(flag)
            case .null, .array, .object: break
            }
        }
        return members
    }

    // MARK: What is answered

    private func job(_ info: BulkJobInfo, status: HTTPResponse.Status = .ok) -> Response {
        prefersJSON ? Self.json(BulkJSON.classic(info), status: status) : Self.xml(BulkXML.job(info), status: status)
    }

    private func batch(_ info: BulkBatchInfo, status: HTTPResponse.Status = .ok) -> Response {
        prefersJSON ? Self.json(BulkJSON.batch(info), status: status) : Self.xml(BulkXML.batch(info), status: status)
    }

    private func stream(_ document: BulkDocument) -> Response {
        let isPacked = Gzip.isTaken(request.headers[.acceptEncoding])
        var headers: HTTPFields = [.contentType: document.contentType]
        if isPacked { headers[.contentEncoding] = "gzip" }
        return Response(status: .ok, headers: headers, body: BulkStream.body(document, isPacked: isPacked))
    }

    static func json(_ document: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        var buffer = ByteBuffer()
        JSONWriter.write(document, into: &buffer)
        return Response(
            status: status, headers: [.contentType: BulkContentType.json.mediaType],
            body: ResponseBody(byteBuffer: buffer))
    }

    static func xml(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/xml"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

enum ClassicHeaders {
    static let jobBytesMax = 1 << 20

    /// `TRUE`, or `chunkSize=50000; parent=Account; startRow=001…`; nil where it is missing or false.
    static func pkChunking(_ headers: HTTPFields) throws(OrgError) -> PKChunking? {
        guard let value = HTTPField.Name("Sforce-Enable-PKChunking").flatMap({ headers[$0] }) else { return nil }
        if value.lowercased() == "false" { return nil }
        var chunking = PKChunking()
        if value.lowercased() == "true" { return chunking }
        for option in value.split(separator: ";") {
            let pair = option.split(separator: "=", maxSplits: 1).map { $0.trimmed(quotes: false) }
            guard pair.count == 2 else { throw invalid(value) }
            switch pair[0].lowercased() {
            case "chunksize":
                guard let size = Int(pair[1]), (1...PKChunking.chunkSizeMax).contains(size) else {
                    throw invalid(value)
                }
                chunking.chunkSize = size
            case "startrow": chunking.startRow = pair[1]
            case "parent": chunking.parent = pair[1]
            default: throw invalid(value)
            }
        }
        return chunking
    }

    private static func invalid(_ value: String) -> OrgError {
        OrgError(
            status: 400, errorCode: "ClientInputError",
            message:
                "Sforce-Enable-PKChunking cannot be read: \(value). chunkSize goes up to \(PKChunking.chunkSizeMax).")
    }
}

/// The outcomes of a batch in the form of its job.
enum ClassicResults {
    static func document(_ outcomes: BulkOutcomes, _ type: BulkContentType) -> BulkDocument {
        BulkDocument(contentType: type.mediaType) { sink in
            switch type {
            case .csv: try await sink(ByteBuffer(string: "\"Id\",\"Success\",\"Created\",\"Error\"\n"))
            case .json: try await sink(ByteBuffer(string: "["))
            case .xml: try await sink(ByteBuffer(string: BulkXML.head("results")))
            }
            var isFirst = true
            try await outcomes.forEach { chunk in
                var buffer = ByteBuffer()
                var csv = CSVWriter(CSVDialect())
                for outcome in chunk {
                    switch type {
                    case .csv:
                        write(outcome, into: &csv)
                    case .json:
                        if !isFirst { buffer.writeString(",") }
                        JSONWriter.write(BulkJSON.outcome(outcome), into: &buffer)
                    case .xml:
                        buffer.writeString(BulkXML.outcome(outcome))
                    }
                    isFirst = false
                }
                buffer.writeBytes(csv.take())
                try await sink(buffer)
            }
            switch type {
            case .csv: break
            case .json: try await sink(ByteBuffer(string: "]"))
            case .xml: try await sink(ByteBuffer(string: "</results>"))
            }
        }
    }

    private static func write(_ outcome: BulkOutcome, into csv: inout CSVWriter) {
        switch outcome {
        case .done(let id, let isCreated): csv.write(row: [id, "true", String(isCreated), ""])
        case .failed(let id, let error): csv.write(row: [id ?? "", "false", "false", error.bulkText])
        }
    }
}
