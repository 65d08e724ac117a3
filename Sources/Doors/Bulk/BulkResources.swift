internal import CSV
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// Bulk API 2.0, ingest: `jobs/ingest` and what is below it.
struct BulkIngestResources: RESTFamily {
    let bulk: any BulkService

    static let multipartBytesMax = 1 << 20
    /// The rows of a multipart request: Salesforce's figure.
    static let multipartCharactersMax = 100_000

    func add(to routes: inout RESTRoutes) {
        routes.service("POST", "jobs/ingest", family: .bulk) { try await BulkCall.run { try await create($0) }($0) }
        routes.service("GET", "jobs/ingest", family: .bulk) { call in
            try await BulkCall.run { try await BulkCall.list($0, bulk, all: [.ingest, .classic], own: .ingest) }(call)
        }
        routes.service("GET", "jobs/ingest/{id}", family: .bulk) { call in
            try await BulkCall.run { call in
                RESTAnswer(
                    BulkJSON.job(try await bulk.bulkJob(call["id"], .ingest, context: call.context), .details))
            }(call)
        }
        routes.service("PATCH", "jobs/ingest/{id}", family: .bulk) { call in
            try await BulkCall.run { call in
                let state = try BulkCall.state(try await call.readDocument(), allowed: [.uploadComplete, .aborted])
                let info = try await bulk.setBulkJob(call["id"], .ingest, to: state, context: call.context)
                return RESTAnswer(BulkJSON.job(info, .changed))
            }(call)
        }
        routes.service("DELETE", "jobs/ingest/{id}", family: .bulk) { call in
            try await BulkCall.run { call in
                try await bulk.deleteBulkJob(call["id"], .ingest, context: call.context)
                return RESTAnswer(status: .noContent)
            }(call)
        }
        routes.service("PUT", "jobs/ingest/{id}/batches", family: .bulk) { call in
            try await BulkCall.run { try await upload($0) }(call)
        }
        // Clients write the names of the results with capitals and without.
        routes.service("GET", "jobs/ingest/{id}/{result}", family: .bulk) { call in
            try await BulkCall.run { try await results($0) }(call)
        }
    }

    private func create(_ call: RESTCall) async throws -> RESTAnswer {
        guard let boundary = MultipartBody.boundary(call.headers[.contentType]), let request = call.request else {
            let job = try BulkCall.ingestJob(try await call.readDocument())
            let info = try await bulk.createIngestJob(job, context: call.context)
            return RESTAnswer(BulkJSON.job(info, .created))
        }
        let bytes = try await request.body.collect(upTo: Self.multipartBytesMax)
        let parts = try MultipartBody.parts(bytes, boundary: boundary)
        guard let document = parts["job"], let content = parts["content"] else {
            throw OrgError(
                status: 400, errorCode: "InvalidJob", message: "A multipart request has the parts job and content.")
        }
        guard String(buffer: content).count <= Self.multipartCharactersMax else {
            throw OrgError(
                status: 400, errorCode: "ClientInputError",
                message: "The data of a multipart request may have \(Self.multipartCharactersMax) characters.")
        }
        let job = try BulkCall.ingestJob(try BulkCall.document(document))
        let created = try await bulk.createIngestJob(job, context: call.context)
        let pieces = AsyncStream<ByteBuffer> { continuation in
            continuation.yield(content)
            continuation.finish()
        }
        try await bulk.uploadRows(pieces, to: created.id, context: call.context)
        let info = try await bulk.setBulkJob(created.id, .ingest, to: .uploadComplete, context: call.context)
        return RESTAnswer(BulkJSON.job(info, .created))
    }

    private func upload(_ call: RESTCall) async throws -> RESTAnswer {
        guard let request = call.request else { throw OrgError.notFound }
        let type = call.headers[.contentType]?.lowercased().split(separator: ";").map { $0.filter { $0 != " " } } ?? []
        let charsets = type.dropFirst().filter { $0.hasPrefix("charset=") }
        guard type.first == "text/csv", charsets.allSatisfy({ ["charset=utf-8", "charset=\"utf-8\""].contains($0) })
        else {
            throw OrgError(
                status: 415, errorCode: "UNSUPPORTED_MEDIA_TYPE",
                message: "Content-Type \(call.headers[.contentType] ?? "(none)") is not supported for this request. "
                    + "Supported is text/csv in UTF-8.")
        }
        if let encoding = call.headers[.contentEncoding]?.lowercased(), encoding != "identity" {
            throw OrgError(
                status: 415, errorCode: "UNSUPPORTED_MEDIA_TYPE",
                message: "Content-Encoding \(encoding) is not supported.")
        }
        try await bulk.uploadRows(request.body, to: call["id"], context: call.context)
        return RESTAnswer(status: .created)
    }

    private func results(_ call: RESTCall) async throws -> RESTAnswer {
        let kind: IngestResultKind
        switch call["result"].lowercased() {
        case "successfulresults": kind = .successful
        case "failedresults": kind = .failed
        case "unprocessedrecords": kind = .unprocessed
        default: throw OrgError.notFound
        }
        return BulkCall.answer(try await bulk.ingestResults(of: call["id"], kind, context: call.context), call)
    }
}

/// Bulk API 2.0, query: `jobs/query` and what is below it.
struct BulkQueryResources: RESTFamily {
    let bulk: any BulkService

    func add(to routes: inout RESTRoutes) {
        routes.service("POST", "jobs/query", family: .bulk) { call in
            try await BulkCall.run { call in
                let job = try BulkCall.queryJob(try await call.readDocument())
                return RESTAnswer(BulkJSON.job(try await bulk.createQueryJob(job, context: call.context), .created))
            }(call)
        }
        routes.service("GET", "jobs/query", family: .bulk) { call in
            try await BulkCall.run { try await BulkCall.list($0, bulk, all: [.query], own: .query) }(call)
        }
        routes.service("GET", "jobs/query/{id}", family: .bulk) { call in
            try await BulkCall.run { call in
                RESTAnswer(BulkJSON.job(try await bulk.bulkJob(call["id"], .query, context: call.context), .details))
            }(call)
        }
        routes.service("PATCH", "jobs/query/{id}", family: .bulk) { call in
            try await BulkCall.run { call in
                let state = try BulkCall.state(try await call.readDocument(), allowed: [.aborted])
                let info = try await bulk.setBulkJob(call["id"], .query, to: state, context: call.context)
                return RESTAnswer(BulkJSON.job(info, .changed))
            }(call)
        }
        routes.service("DELETE", "jobs/query/{id}", family: .bulk) { call in
            try await BulkCall.run { call in
                try await bulk.deleteBulkJob(call["id"], .query, context: call.context)
                return RESTAnswer(status: .noContent)
            }(call)
        }
        routes.service("GET", "jobs/query/{id}/results", family: .bulk) { call in
            try await BulkCall.run { try await results($0) }(call)
        }
        routes.service("GET", "jobs/query/{id}/resultPages", family: .bulk) { call in
            try await BulkCall.run { try await pages($0) }(call)
        }
    }

    private func results(_ call: RESTCall) async throws -> RESTAnswer {
        let page = try await bulk.queryResults(
            of: call["id"], locator: call.parameter("locator"), rowsMax: try BulkCall.rowsMax(call),
            context: call.context)
        var answer = BulkCall.answer(page.document, call)
        answer.set("Sforce-NumberOfRecords", String(page.rows))
        // The text stands for "no more"; it is no JSON.
        answer.set("Sforce-Locator", page.nextLocator ?? "null")
        return answer
    }

    private func pages(_ call: RESTCall) async throws -> RESTAnswer {
        let (locators, next) = try await bulk.resultPages(
            of: call["id"], locator: call.parameter("locator"), context: call.context)
        let path = "\(call.root)/jobs/query/\(call["id"])"
        return RESTAnswer(
            .members(
                (
                    "resultPages",
                    .array(
                        locators.map { .members(("resultUrl", .string("\(path)/results?locator=\($0)"))) })
                ),
                ("nextRecordsUrl", next.map { .string("\(path)/resultPages?locator=\($0)") } ?? .null),
                ("done", .boolean(next == nil))))
    }
}
